"""Rules that hold for every page."""

import re
from collections import Counter
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from sqlalchemy import event

from tests.ui.html import Document, by_id, faults, shape
from tests.ui.site import Site

TAXI = "/ui/flows/edit/zoomcamp/taxi_month"
HELLO = "/ui/flows/edit/demo/hello"
PAGES = [
    "/ui/plugins", "/ui/plugins/core.log.Log",
    "/ui/", "/ui/?period=7d&namespace=zoomcamp", "/ui/flows", "/ui/flows?q=taxi",
    "/ui/flows?mode=source&q=green", "/ui/flows?q=nothing-is-called-so", "/ui/executions",
    "/ui/executions?state=FAILED&namespace=zoomcamp&since=24h", "/ui/executions?label=team:data",
    "/ui/executions?q=nothing", "/ui/logs", "/ui/logs?level=ERROR&since=7d",
    "/ui/logs?q=none-at-all",
    "/ui/triggers", "/ui/namespaces", "/ui/namespaces/zoomcamp", "/ui/namespaces/zoomcamp.checks",
    "/ui/namespaces/zoomcamp/kv", "/ui/namespaces/zoomcamp/kv?edit=retry",
    "/ui/namespaces/zoomcamp.checks/kv", "/ui/namespaces/zoomcamp/files",
    "/ui/namespaces/zoomcamp/files?path=scripts/load.py",
    "/ui/namespaces/zoomcamp/files?path=README.md", "/ui/gitsync", "/ui/system", "/ui/settings",
    "/ui/palette?q=taxi", "/ui/_components", TAXI, f"{TAXI}/topology", f"{TAXI}/executions",
    f"{TAXI}/executions?state=FAILED", f"{TAXI}/triggers", f"{TAXI}/source",
    f"{TAXI}/source?revision=1", f"{TAXI}/revisions", f"{TAXI}/execute", HELLO,
    f"{TAXI}/backfill?trigger=green_schedule", "/ui/triggers?q=green",
    f"{HELLO}/execute", f"{HELLO}/revisions?old=1&new=2", f"{HELLO}/triggers",
    "/ui/flows/edit/demo/broken", "/ui/flows/edit/demo/broken/source",
]  # fmt: skip
TABS = ["", "gantt", "logs", "topology", "outputs", "metrics", "context"]
EXECUTIONS = ["failed", "hello", "queued", "dbt", "running"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_valid_html_within_its_budget(site: Site, path: str) -> None:
    text = site.get(path)
    assert faults(text) == []
    assert len(text.encode()) <= 150_000


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("name", EXECUTIONS)
def test_a_tab_of_an_execution_is_valid_html(site: Site, name: str, tab: str) -> None:
    assert faults(site.get(site.address(name, tab))) == []


def test_the_dbt_tab_shows_nodes_failed_first(site: Site) -> None:
    document = Document(site.get(site.address("dbt", "dbt")))
    rows = [row.text for row in document.root.all("tr")][1:]
    assert rows[0].startswith("Failed not_null_trip_id test")
    assert "Got 4 results" in rows[0]
    assert len(rows) == 5


@pytest.mark.timeout(240)
def test_every_address_on_every_page_resolves(site: Site) -> None:
    known = ["/ui/", *PAGES, *(site.address(n, t) for n in EXECUTIONS for t in TABS)]
    waiting, seen = list(known), set(known)
    kinds: Counter[str] = Counter()
    while waiting:
        path = waiting.pop()
        response = site.browser.get(path, follow=True)
        assert response.status_code in (200, 204), f"{path} answers {response.status_code}"
        if not response.headers.get("content-type", "").startswith("text/html"):
            continue
        for address in _addresses(response.text, path):
            kind = _kind(address)
            if address not in seen and kinds[kind] < 2:  # executions by the hundred look alike
                kinds[kind] += 1
                seen.add(address)
                waiting.append(address)
    assert len(seen) > 150


def _addresses(text: str, base: str) -> list[str]:
    found = re.findall(r'(?:href|src|hx-get)="([^"]+)"', text)
    local = [urljoin(base, unescape(a)).split("#")[0] for a in found if not a.startswith("#")]
    return [a for a in local if not urlsplit(a).netloc and "/ui/live" not in a]


def _kind(address: str) -> str:
    kind = re.sub(r"/[0-9a-z]{22}", "/ID", address)
    kind = re.sub(r"/ui/plugins/[^?]+", "/ui/plugins/NAME", kind)
    return re.sub(r"(after|before|around|source|uri|task|label|since)=[^&]+", r"\1=X", kind)


AGREEING = [
    ("/ui/executions", "/ui/executions/_rows", "rows"),
    ("/ui/executions?state=FAILED", "/ui/executions/_rows?state=FAILED", "rows"),
    ("/ui/flows", "/ui/flows/_rows", "rows"),
    ("/ui/triggers", "/ui/triggers/_rows", "rows"),
    ("/ui/logs", "/ui/logs/_found", "found"),
    ("/ui/", "/ui/_dashboard", "dashboard"),
    ("/ui/system", "/ui/system/_status", "system"),
    ("/ui/gitsync", "/ui/gitsync/_sources", "sources"),
    (TAXI, f"{TAXI}/_runs", "runs"),
    (f"{TAXI}/executions", f"{TAXI}/_executions", "rows"),
    (f"{TAXI}/triggers", f"{TAXI}/_triggers", "triggers"),
]


@pytest.mark.parametrize(("page", "part", "target"), AGREEING)
def test_a_page_and_its_fragment_agree(site: Site, page: str, part: str, target: str) -> None:
    whole = by_id(site.get(page), target)
    fragment = Document(site.get(part)).root
    assert [shape(c) for c in whole.children] == [shape(c) for c in fragment.children]


@pytest.mark.parametrize(
    ("tab", "part", "target"),
    [
        ("", "_overview", "overview"),
        ("", "_header", "header"),
        ("", "_actions", "actions"),
        ("gantt", "_gantt", "gantt"),
        ("topology", "_topology", "topology"),
        ("outputs", "_outputs", "outputs"),
        ("logs", "_logs", "log"),
    ],
)
@pytest.mark.parametrize("name", ["failed", "running"])
def test_an_execution_and_its_fragments_agree(
    site: Site, name: str, tab: str, part: str, target: str
) -> None:
    whole = by_id(site.get(site.address(name, tab)), target)
    fragment = Document(site.get(site.address(name, part))).root
    assert [shape(c) for c in whole.children] == [shape(c) for c in fragment.children]


def test_an_unchanged_page_answers_304(site: Site) -> None:
    first = site.browser.get("/ui/flows")
    again = site.browser.get("/ui/flows", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert "HX-Request" in first.headers["vary"]


def test_a_page_that_does_not_exist_says_so_in_the_frame(site: Site) -> None:
    text = site.get("/ui/no/such/page", status=404)
    assert faults(text) == []
    assert "There is no page at /ui/no/such/page" in text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/ui/executions?state=NOPE", 422, "is not a state"),
        ("/ui/executions?label=team", 422, "must read key:value"),
        ("/ui/executions?since=year", 422, "is not a period"),
        ("/ui/executions?after=bad", 422, "is not a cursor"),
        ("/ui/executions/a/b/nothing", 404, "there is no execution nothing"),
        ("/ui/flows/edit/demo/none", 404, "there is no flow demo.none"),
        ("/ui/flows/edit/demo/hello?revision=99", 404, "has no revision 99"),
        ("/ui/namespaces/UPPER", 422, "is not a namespace"),
        ("/ui/namespaces/zoomcamp/files?path=../secret", 422, "is not a path"),
        ("/ui/logs?level=LOUD", 422, "is not a level"),
    ],
)
def test_a_wrong_address_is_explained(site: Site, path: str, status: int, said: str) -> None:
    text = site.get(path, status=status)
    assert faults(text) == []
    assert said in unescape(text)


def test_a_fragment_that_fails_gives_its_reason_in_a_header(site: Site) -> None:
    response = site.browser.get("/ui/executions/_rows?state=NOPE", headers={"hx-request": "true"})
    assert response.status_code == 422
    assert "is%20not%20a%20state" in response.headers["x-problem"]
    assert "<html" not in response.text


@pytest.mark.parametrize(
    "path",
    ["/ui/", "/ui/flows", "/ui/executions", "/ui/logs", "/ui/triggers", "/ui/namespaces",
     "/ui/gitsync", "/ui/system", "/ui/namespaces/new/kv", "/ui/namespaces/new/files",
     "/ui/namespaces/new", "/ui/palette"],
)  # fmt: skip
def test_a_fresh_server_has_only_pages_that_say_what_to_do(empty_site: Site, path: str) -> None:
    assert faults(empty_site.get(path)) == []


def test_a_fresh_server_starts_with_a_checklist(empty_site: Site) -> None:
    text = empty_site.get("/ui/")
    assert "Connect a Git repository" in text
    assert "Run it" in text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_the_database_little(site: Site, path: str) -> None:
    statements: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN", "COMMIT")):
            statements.append(statement)

    engine = site.app.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        site.get(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(statements) <= 12, "\n".join(statements)
