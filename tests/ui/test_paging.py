"""Long lists come in parts of bounded size."""

import pytest

from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.services import search
from mainstem.services.search import LogFilter
from mainstem.store import logs
from mainstem.ui.paging import SIZE, part_of
from tests.ui.site import Site

FLOW = "id: f{n:03}\nnamespace: many.flows\ntasks: [{{id: t, type: core.log.Log, message: hi}}]\n"


@pytest.mark.parametrize(
    ("page", "first", "previous", "following"),
    [
        (None, 0, "", "/ui/flows?q=a&page=2"),
        ("2", SIZE, "/ui/flows?q=a", "/ui/flows?q=a&page=3"),
        ("3", 2 * SIZE, "/ui/flows?q=a&page=2", ""),
        ("99", 2 * SIZE, "/ui/flows?q=a&page=2", ""),
        ("-1", 0, "", "/ui/flows?q=a&page=2"),
        ("x" * 30, 0, "", "/ui/flows?q=a&page=2"),
        ("9" * 30, 0, "", "/ui/flows?q=a&page=2"),
    ],
)
def test_a_part_has_its_rows_and_links_to_the_parts_beside_it(
    page: str | None, first: int, previous: str, following: str
) -> None:
    query = {"q": "a"} if page is None else {"q": "a", "page": page}
    part = part_of(range(2 * SIZE + 1), query, "flows")
    assert list(part.rows) == list(range(2 * SIZE + 1))[first : first + SIZE]
    assert (part.total, part.first) == (2 * SIZE + 1, first + 1)
    assert (part.previous, part.following) == (previous, following)


def test_the_list_of_flows_shows_a_part_of_them_and_leads_to_the_next(empty_site: Site) -> None:
    empty_site.app.flows.save_all([FLOW.format(n=n) for n in range(SIZE + 3)])
    first = empty_site.browser.get("/ui/flows").text
    assert first.count("data-row") == SIZE
    assert f"1 to {SIZE} of {SIZE + 3} flows" in first
    assert 'href="/ui/flows?page=2"' in first
    second = empty_site.browser.get("/ui/flows?page=2").text
    assert second.count("data-row") == 3
    assert f"f{SIZE + 2:03}" in second


def test_a_search_in_logs_looks_at_one_part_and_says_where_to_go_on(
    empty_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_WINDOW", 10)
    app, flow = empty_site.app, FlowId("many", "f")
    now = app.clock.now()
    lines = [
        (LogLine(now, Level.INFO, "needle" if n == 2 else "hay", "e"), flow) for n in range(25)
    ]
    with app.database.write() as tx:
        logs.add_lines(tx, lines)
    wanted, seen, before = LogFilter(text="needle"), [], None
    while True:
        found, before = app.search.recent_lines(
            LogFilter(text="needle", before=before) if before else wanted, limit=5
        )
        seen.append([item.line.message for item in found])
        if before is None:
            break
    assert seen == [[], [], ["needle"]]
    page = empty_site.browser.get("/ui/logs?q=needle").text
    assert "Search older lines" in page
    assert "No line matches" in empty_site.browser.get("/ui/logs?q=needle&before=2").text
