"""Outputs with the expressions that read them, and files that are previewed."""

from datetime import timedelta

from mainstem.model.execution import TaskRun
from mainstem.model.state import State
from mainstem.ui import outputs
from mainstem.ui.pages.execution_files import preview
from tests.ui.seed import NOW, history

ENDED = history(NOW, NOW + timedelta(seconds=1), State.SUCCESS)


def run(
    task: str, content: dict[str, object], value: str | None = None, parent: str | None = None
) -> TaskRun:
    return TaskRun(f"{task}{value or ''}", "e", task, ENDED, 0, parent, value, outputs=content)


def flat(entries: list[outputs.Entry]) -> dict[str, str]:
    """Leaves by expression."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.children:
            found |= flat(list(entry.children))
        else:
            found[entry.expression] = entry.text
    return found


def test_each_value_has_the_expression_that_reads_it() -> None:
    runs = [run("extract", {"uri": "gs://a", "out-files": {"my.csv": "x"}, "rows": 3})]
    assert flat(outputs.of_runs(runs)) == {
        "outputs.extract.uri": "gs://a",
        "outputs.extract['out-files']['my.csv']": "x",
        "outputs.extract.rows": "3",
    }


def test_values_of_loops_stand_below_their_iteration() -> None:
    outer = TaskRun("o", "e", "outer", ENDED, 0, None, "it's")
    runs = [outer, run("load", {"value": 1}, "b", parent="o")]
    assert flat(outputs.of_runs(runs)) == {"outputs.load['it\\'s'].b.value": "1"}


def test_a_short_list_is_one_line_and_a_long_one_is_a_branch() -> None:
    found = flat(outputs.tree({"a": [1, 2], "b": [{"x": 1}]}, "outputs"))
    assert found == {"outputs.a": "[1, 2]", "outputs.b[0].x": "1"}


def test_files_become_links_and_lost_files_stay_text() -> None:
    entries = outputs.tree({"f": "mainstem:///a/b.csv", "g": "gs://x/y"}, "outputs")
    assert entries[0].file is not None
    assert entries[0].file.name == "b.csv"
    assert entries[1].file is None
    assert outputs.with_links(entries, lambda _file: None)[0].file is None


def test_a_preview_is_a_table_for_csv_and_records() -> None:
    csv = preview("a.csv", b'id,name\n1,"x,y"\n2,z', cut=True)["table"]
    assert csv == {"head": ["id", "name"], "rows": [["1", "x,y"]]}
    records = preview("a.ndjson", b'{"a": 1}\n{"b": 2}\n', cut=False)["table"]
    assert records == {"head": ["a", "b"], "rows": [["1", ""], ["", "2"]]}


def test_a_preview_of_other_content_is_text_or_nothing() -> None:
    shown = preview("a.json", b'{"a":[1]}', cut=False)["lines"]
    assert isinstance(shown, list)
    assert len(shown) == 5
    assert preview("a.bin", b"\x00\xff\xfe", cut=False) == {"table": None, "lines": None}
    cut_inside_a_letter = "grün".encode()[:3]
    assert preview("a.txt", cut_inside_a_letter, cut=True)["lines"] is not None
