"""Lists and figures: paging by keys, filters, slots, one query each."""

from datetime import timedelta

import pytest

from mainstem.errors import InvalidInput
from mainstem.model.execution import ExecutionTrigger
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.store import executions as rows
from mainstem.store import logs, views
from mainstem.store.database import Database
from mainstem.store.filters import ExecutionFilter
from tests.store.builders import FLOW, NOON, execution, later, line, stored, task_run

OTHER = FlowId("zoomcamp.week2", "green_taxi")
EVERYTHING = ExecutionFilter()


@pytest.fixture
def filled(database: Database) -> Database:
    items = [
        execution("e1", State.RUNNING, State.SUCCESS, labels={"team": "a", "env": "prod"}),
        execution("e2", State.RUNNING, at=later(60), labels={"team": "a"}, parent_id="e1"),
        execution("e3", State.RUNNING, State.FAILED, at=later(60), flow=OTHER),
        execution(
            "e4",
            at=later(3600),
            flow=FlowId("zoomcampus", "x%y"),
            trigger=ExecutionTrigger("daily", "core.trigger.Schedule", {}),
        ),
    ]
    with database.write() as tx:
        rows.add(tx, stored(*items))
    return database


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EVERYTHING, "e4 e3 e2 e1"),
        (ExecutionFilter(namespace="zoomcamp"), "e3 e2 e1"),
        (ExecutionFilter(namespace="zoomcamp.week2"), "e3"),
        (ExecutionFilter(flow_id="taxi"), "e2 e1"),
        (ExecutionFilter(flows=[FLOW]), "e2 e1"),
        (ExecutionFilter(flows=[FLOW, OTHER]), "e3 e2 e1"),
        (ExecutionFilter(states=[State.FAILED, State.SUCCESS]), "e3 e1"),
        (ExecutionFilter(labels={"team": "a"}), "e2 e1"),
        (ExecutionFilter(labels={"team": "a", "env": "prod"}), "e1"),
        (ExecutionFilter(labels={"team": "prod"}), ""),
        (ExecutionFilter(start=later(60)), "e4 e3 e2"),
        (ExecutionFilter(end=later(60)), "e1"),
        (ExecutionFilter(text="TAXI"), "e3 e2 e1"),
        (ExecutionFilter(text="x%"), "e4"),
        (ExecutionFilter(text="e_"), ""),
        (ExecutionFilter(text=" e2 "), "e2"),
        (ExecutionFilter(parent_id="e1"), "e2"),
        (ExecutionFilter(trigger_id="daily"), "e4"),
        (ExecutionFilter(ids=["e1", "e4", "nobody"]), "e4 e1"),
        (ExecutionFilter(ended=True), "e3 e1"),
        (ExecutionFilter(ended=False), "e4 e2"),
    ],
)
def test_a_filter_finds(filled: Database, wanted: ExecutionFilter, found: str) -> None:
    with filled.read() as tx:
        assert [e.id for e in views.page(tx, wanted, limit=9).executions] == found.split()
        assert [e.id for e in views.numbered_page(tx, wanted, limit=9, offset=0)] == found.split()
        assert views.count(tx, wanted) == len(found.split())


def test_pages_follow_each_other_without_gap_or_overlap(filled: Database) -> None:
    seen: list[str] = []
    cursor = None
    with filled.read() as tx:
        while True:
            page = views.page(tx, EVERYTHING, limit=1, after=cursor)
            seen += [e.id for e in page.executions]
            cursor = page.next
            if cursor is None:
                break
    assert seen == ["e4", "e3", "e2", "e1"]
    with filled.read() as tx:
        assert views.page(tx, ExecutionFilter(ids=["x"]), limit=1).next is None


@pytest.mark.parametrize("cursor", ["x-e1", "²-e1", f"{10**30}-e1", "-"])
def test_a_cursor_of_something_else_is_refused(filled: Database, cursor: str) -> None:
    with filled.read() as tx, pytest.raises(InvalidInput, match="not a cursor"):
        views.page(tx, EVERYTHING, limit=1, after=cursor)


def test_counts_by_state_and_by_flow(filled: Database) -> None:
    with filled.read() as tx:
        assert views.count_by_state(tx, ExecutionFilter(namespace="zoomcamp")) == {
            State.SUCCESS: 1, State.RUNNING: 1, State.FAILED: 1,
        }  # fmt: skip
        assert views.count_by_flow(tx, EVERYTHING)[FLOW] == 2


@pytest.mark.parametrize("namespace", ["a", "a.b", "a-b", "a_", "ab", "A", "a.", "é"])
def test_counts_are_of_the_same_namespaces_as_the_list(database: Database, namespace: str) -> None:
    places = ["a", "a.b", "a.b.c", "a-b", "a-b.c", "a_.x", "aXb.c", "ab", "A.b", "a.\uffff", "é.b"]
    items = [execution(f"n{i}", flow=FlowId(name, "f")) for i, name in enumerate(places)]
    wanted = ExecutionFilter(namespace=namespace)
    with database.write() as tx:
        rows.add(tx, stored(*items))
    with database.read() as tx:
        listed = views.page(tx, wanted, limit=100).executions
        assert views.count(tx, wanted) == len(listed)
        assert sum(views.count_by_state(tx, wanted).values()) == len(listed)
        assert sum(views.count_by_flow(tx, wanted).values()) == len(listed)


def test_the_slowest_flows_can_be_those_of_the_newest_executions(database: Database) -> None:
    old = execution("old", State.RUNNING, State.SUCCESS, flow=OTHER)
    new = execution("new", State.RUNNING, State.SUCCESS, at=later(3600))
    with database.write() as tx:
        rows.add(tx, stored(old, new))
    with database.read() as tx:
        assert {item.flow for item in views.slowest(tx, EVERYTHING, 5)} == {FLOW, OTHER}
        assert [item.flow for item in views.slowest(tx, EVERYTHING, 5, among=1)] == [FLOW]


def test_slots_are_consecutive_and_empty_ones_are_there(filled: Database) -> None:
    with filled.read() as tx:
        found = views.slots(tx, EVERYTHING, start=NOON, length=timedelta(minutes=1), number=3)
    assert [slot.start for slot in found] == [NOON, later(60), later(120)]
    assert [slot.counts for slot in found] == [
        {State.SUCCESS: 1}, {State.RUNNING: 1, State.FAILED: 1}, {},
    ]  # fmt: skip


def test_the_latest_of_each_flow_come_newest_first(filled: Database) -> None:
    with filled.read() as tx:
        found = views.latest_of_flows(tx, [FLOW, OTHER, FlowId("a", "b")], each=1)
        assert {flow: [e.id for e in items] for flow, items in found.items()} == {
            FLOW: ["e2"], OTHER: ["e3"],
        }  # fmt: skip
        assert views.latest_of_flows(tx, [], each=1) == {}


def test_thousands_of_flows_fit_into_one_question(filled: Database) -> None:
    flows = [FlowId("n", f"f{n}") for n in range(3_000)] + [FLOW]
    with filled.read() as tx:
        assert list(views.latest_of_flows(tx, flows, each=9)) == [FLOW]


def test_the_slowest_flows_come_first(filled: Database) -> None:
    long = execution("e9", State.RUNNING, State.SUCCESS, flow=OTHER)
    moments = (*long.history.moments[:-1],)
    assert len(moments) == 2
    with filled.read() as tx:
        found = views.slowest(tx, EVERYTHING, 5)
    assert {item.flow for item in found} == {FLOW, OTHER}
    assert all((item.count, item.mean, item.longest) == (1, 2.0, 2.0) for item in found)


def test_the_first_error_and_the_current_task_of_each(filled: Database) -> None:
    with filled.write() as tx:
        logs.add_lines(
            tx,
            [
                (line("fine", execution_id="e1"), FLOW),
                (line("first", Level.ERROR, execution_id="e1"), FLOW),
                (line("second", Level.ERROR, execution_id="e1"), FLOW),
            ],
        )
        failed = task_run("r1", "e1", 0, State.RUNNING, State.FAILED, task="broke")
        rows.put_task_runs(
            tx,
            [failed, task_run("r2", "e1", 1, task="later"), task_run("r3", "e2", 0, task="a"),
             task_run("r4", "e2", 1, task="b")],
        )  # fmt: skip
    with filled.read() as tx:
        assert views.first_errors(tx, ["e1", "e2"]) == {"e1": "first"}
        assert views.current_tasks(tx, ["e1", "e2"]) == {"e1": "broke", "e2": "b"}
        assert views.first_errors(tx, []) == views.current_tasks(tx, []) == {}
