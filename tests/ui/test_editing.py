"""What the editor is told: where the cursor stands, what may follow, an even layout."""

import json

import pytest

from mainstem.ui.outline import outline
from mainstem.ui.tidy import tidy
from mainstem.ui.yaml_place import Place, place
from tests.ui.html import Document, by_id
from tests.ui.site import Site

LOG, EACH = "core.log.Log", "core.flow.ForEach"
HEAD = "id: a\nnamespace: demo\ntasks:\n"


def at(text: str) -> tuple[str, int, int]:
    """A source without its mark, and where the mark stood."""
    head = text.partition("¦")[0]
    return text.replace("¦", ""), head.count("\n"), len(head.rpartition("\n")[2])


def found(text: str) -> Place:
    where = place(*at(text))
    assert where is not None
    return where


@pytest.mark.parametrize(
    ("text", "path", "kind", "key"),
    [
        ("id: a\n¦\ntasks: []", "", None, None),
        (HEAD + "  - id: x\n    type: core¦", "tasks -", "core", "type"),
        (HEAD + f"- id: x\n  type: {LOG}\n  ¦\n- id: y\n  type: z", "tasks -", LOG, None),
        (HEAD + f"  - tasks:\n      - ¦\n        type: {EACH}", "tasks - tasks -", EACH, None),
        (HEAD + "  - type: S\n    script: |\n      x: 1\n    ¦", "tasks -", "S", None),
        (HEAD + '  - "type": "S" # why\n    env:\n      A: ¦', "tasks - env", None, "A"),
    ],
)  # fmt: skip
def test_a_place_is_found_in_text_that_no_parser_reads(
    text: str, path: str, kind: str | None, key: str | None
) -> None:
    where = found(text)
    assert " ".join(step.name for step in where.path) == path
    assert (where.type, where.key) == (kind, key)


def test_text_blocks_and_comments_are_no_place_for_keys() -> None:
    assert place(*at(HEAD + "  - script: |\n      if x:\n        ¦")) is None
    assert place(*at("id: a\n# no¦te")) is None


def options(site: Site, text: str) -> list[dict[str, object]]:
    source, line, column = at(text)
    form = {"source": source, "line": line, "column": column}
    return list(json.loads(site.post("/ui/flows/_complete", dict(form)).text)["options"])


def labels(site: Site, text: str) -> list[object]:
    return [option["label"] for option in options(site, text)]


def test_types_are_offered_by_what_may_stand_there(site: Site) -> None:
    tasks = labels(site, HEAD + "  - type: ¦")
    assert "io.kestra.plugin.core.log.Log" in tasks
    assert "io.kestra.plugin.core.trigger.Schedule" not in tasks
    triggers = labels(site, "id: a\ntriggers:\n  - type: ¦")
    assert "io.kestra.plugin.core.trigger.Schedule" in triggers
    runners = labels(site, HEAD + "  - type: scripts.python.Script\n    taskRunner:\n      type: ¦")
    assert "io.kestra.plugin.core.runner.Process" in runners
    assert labels(site, "id: a\ninputs:\n  - type: ¦")[:2] == ["STRING", "INT"]


def test_properties_come_with_the_required_ones_first_and_without_those_there(site: Site) -> None:
    given = options(site, HEAD + "  - id: x\n    type: gcp.bigquery.Query\n    ¦")
    assert given[0]["label"] == "sql"
    names = [option["label"] for option in given]
    assert names.index("projectId") < names.index("description"), "its own before the common ones"
    assert not {"id", "type"} & set(names)
    assert labels(site, HEAD + "  - ¦") == ["id", "type"]
    assert labels(site, "concurrency:\n  behavior: ¦") == ["QUEUE", "CANCEL", "FAIL"]
    (nested,) = [o for o in options(site, "id: a\n¦") if o["label"] == "concurrency"]
    assert nested["apply"] == "concurrency:\n  "


def test_the_docs_are_those_of_the_type_under_the_cursor(site: Site) -> None:
    source, line, column = at(HEAD + "  - type: core.log.Log\n    mess¦age: x\n    ")
    answer = site.post("/ui/flows/_docs", {"source": source, "line": line, "column": column})
    docs = Document(answer.text).root
    assert "Log" in docs.all("h2")[0].text
    assert "level" in docs.text
    nowhere = site.post("/ui/flows/_docs", {"source": "id: a\n", "line": 0, "column": 2})
    assert "hidden" in nowhere.text


def test_the_outline_names_sections_and_what_is_in_them() -> None:
    source = HEAD + "  - id: loop\n    tasks:\n      - id: inner\ntriggers:\n  - id: daily\n"
    assert [(h.name, h.line, h.depth) for h in outline(source)] == [
        ("tasks", 3, 0), ("loop", 4, 1), ("inner", 6, 2), ("triggers", 7, 0), ("daily", 8, 1),
    ]  # fmt: skip


UNEVEN = """id:   hello
tasks:
# greet
-   id: say   # twice
    type: core.log.Log
    message: |
        one
          two

    # after it
    env:
        A: 1
- - x
  - y


"""
EVEN = """id:   hello
tasks:
  # greet
  - id: say   # twice
    type: core.log.Log
    message: |
        one
          two

    # after it
    env:
      A: 1
  - - x
    - y
"""


def test_a_layout_is_evened_and_comments_stay() -> None:
    assert tidy(UNEVEN) == EVEN
    assert tidy(EVEN) == EVEN


@pytest.mark.parametrize(
    "text", ["a: [1\n", "a: |\n  x\n     \n  y\n", "a: &x [1]\nb: *x\n", "\ta: 1\n", ""]
)
def test_what_a_layout_could_change_is_left_alone(text: str) -> None:
    assert tidy(text) in (text, text or "\n")


def test_a_bomb_of_aliases_is_laid_out_in_no_time() -> None:
    levels = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    assert tidy("\n".join(levels) + "\n") == "\n".join(levels) + "\n"


def test_the_format_button_works_as_a_form(site: Site) -> None:
    uneven = "id: a\nnamespace: demo\ntasks:\n- {id: x, type: core.debug.Return}\n"
    answer = site.post("/ui/flows/new", {"source": uneven, "act": "format"})
    assert "tasks:\n  - {id: x" in answer.text


def test_a_newer_revision_is_announced_only_to_who_edits_an_older_one(site: Site) -> None:
    base = "/ui/flows/edit/demo/hello/_newer?seen="
    assert "was saved meanwhile" in site.get(base + "1")
    assert "was saved meanwhile" not in site.get(base + "2")


def test_only_the_editor_admits_style_sheets_by_nonce_and_loads_the_library(site: Site) -> None:
    for path in ("/ui/flows/new", "/ui/flows/edit/demo/hello/edit",
                 "/ui/namespaces/zoomcamp/files?mode=new"):  # fmt: skip
        first, second = site.browser.get(path), site.browser.get(path)
        policy = first.headers["content-security-policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert f'nonce="{nonce}"' in first.text
        assert nonce not in second.text
        assert "script-src 'self';" in policy
        assert "codemirror." in first.text
    for path in ("/ui/flows", "/ui/flows/edit/demo/hello", "/ui/namespaces/zoomcamp/files"):
        ordinary = site.browser.get(path)
        assert "nonce" not in ordinary.headers["content-security-policy"]
        assert "codemirror" not in ordinary.text


def test_the_list_says_which_flow_is_invalid_where_and_does_not_offer_to_run_it(site: Site) -> None:
    row = by_id(site.get("/ui/flows"), "f-demo-broken")
    assert "Invalid" in row.text
    assert "Line " in row.text
    assert "Execute" not in row.text
    assert "New flow" in site.get("/ui/flows")
