"""Execution rows: what is written is read, and two writers never overwrite each other."""

from dataclasses import replace

import pytest

from mainstem.errors import Bug, Conflict, NotFound
from mainstem.model.execution import Attempt, ExecutionTrigger
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.store import executions as rows
from mainstem.store import inbox, logs
from mainstem.store.database import Database
from mainstem.store.executions import Versioned
from mainstem.store.filters import ExecutionFilter
from mainstem.store.inbox import Asked, ChildLink, StoredTimer
from mainstem.store.rows import TASK_RUN_COLUMNS, task_run_from, task_run_values
from mainstem.store.tables import logs as log_table
from mainstem.store.tables import metrics
from mainstem.store.views import numbered_page
from tests.store.builders import (
    FLOW,
    NOON,
    execution,
    history,
    later,
    line,
    stored,
    task_run,
)


def test_an_execution_is_read_as_it_was_written(database: Database) -> None:
    written = execution(
        "e1",
        State.RUNNING,
        State.SUCCESS,
        inputs={"n": 1, "list": [1, "ä"], "none": None},
        labels={"b": "2", "a": "1"},
        variables={"x": {"y": True}},
        outputs={"out": "1"},
        trigger=ExecutionTrigger("daily", "core.trigger.Schedule", {"date": "2026-03-01"}),
        parent_id="p",
        original_id="o",
        schedule_at=later(5),
        commit="abc",
        attempt=3,
        error="why",
    )
    with database.write() as tx:
        rows.add(tx, stored(written, closed=True))
    with database.read() as tx:
        found = rows.get(tx, "e1")
    assert found == Versioned(written, 1, True)
    assert list(found.execution.labels) == ["b", "a"]


def test_a_missing_execution_is_named(database: Database) -> None:
    with database.read() as tx, pytest.raises(NotFound, match="no execution nobody"):
        rows.get(tx, "nobody")


def test_the_second_of_two_writers_gets_a_conflict_and_changes_nothing(database: Database) -> None:
    first, second = execution("e1"), execution("e2")
    with database.write() as tx:
        rows.add(tx, stored(first, second))
    running = replace(first, history=history(State.RUNNING))
    with database.write() as tx:
        rows.save(tx, [Versioned(running, 1)], [])
    stale = [Versioned(replace(second, error="x"), 1), Versioned(replace(first, error="x"), 1)]
    with pytest.raises(Conflict), database.write() as tx:
        rows.save(tx, stale, [])
    with database.read() as tx:
        assert rows.get(tx, "e1") == Versioned(running, 2)
        assert rows.get(tx, "e2").execution.error is None


def test_several_executions_are_saved_at_once(database: Database) -> None:
    items = [execution(f"e{n}") for n in range(5)]
    with database.write() as tx:
        rows.add(tx, stored(*items))
        rows.save(tx, [Versioned(replace(i, error=i.id), 1, True) for i in items], [])
    with database.read() as tx:
        assert [rows.get(tx, i.id).execution.error for i in items] == [i.id for i in items]
        assert rows.open_ids(tx) == []


def test_changed_labels_are_found_and_old_ones_are_not(database: Database) -> None:
    item = execution("e1", labels={"team": "a"})
    with database.write() as tx:
        rows.add(tx, stored(item))
        changed = replace(item, labels={"team": "b"})
        rows.save(tx, [Versioned(changed, 1)], [changed])
    with database.read() as tx:
        for team, number in (("a", 0), ("b", 1)):
            wanted = ExecutionFilter(labels={"team": team})
            assert len(numbered_page(tx, wanted, limit=9, offset=0)) == number


def test_task_runs_come_in_order_with_their_attempts(database: Database) -> None:
    done = task_run("r2", "e1", 1, State.RUNNING, State.SUCCESS)
    attempt = Attempt(1, done.history, "kestra:///log")
    done = replace(
        done, attempts=(attempt,), outputs={"v": 1.5}, value="x", iteration=0, parent_id="r1"
    )
    first = task_run("r1", "e1", 0, State.RUNNING)
    with database.write() as tx:
        rows.put_task_runs(tx, [done, first])
        rows.put_task_runs(tx, [replace(first, dynamic=True)])
    with database.read() as tx:
        assert rows.task_runs_of(tx, "e1") == [replace(first, dynamic=True), done]


def test_removed_task_runs_are_gone(database: Database) -> None:
    runs = [task_run(f"r{n}", "e1", n) for n in range(1_100)]
    with database.write() as tx:
        rows.put_task_runs(tx, runs)
        rows.put_task_runs(tx, [], [run.id for run in runs[1:]])
    with database.read() as tx:
        assert rows.task_runs_of(tx, "e1") == runs[:1]


def test_a_row_whose_state_contradicts_its_history_is_a_bug() -> None:
    values = task_run_values(task_run("r", "e", 0))
    row = {**dict(zip(TASK_RUN_COLUMNS, values, strict=True)), "state": "SUCCESS"}
    with pytest.raises(Bug, match="task run r"):
        task_run_from(row)  # type: ignore[arg-type]


def test_open_and_queued_executions_come_oldest_first(database: Database) -> None:
    items = [
        execution("young", State.QUEUED, at=later(9)),
        execution("old", State.QUEUED),
        execution("runs", State.RUNNING, at=later(1)),
        execution("other", State.QUEUED, flow=FlowId("zoomcamp", "x"), at=later(2)),
    ]
    with database.write() as tx:
        rows.add(tx, stored(*items))
        rows.add(tx, stored(execution("shut", State.RUNNING, State.SUCCESS), closed=True))
    with database.read() as tx:
        assert rows.open_ids(tx) == ["old", "runs", "other", "young"]
        assert rows.oldest_queued(tx, FLOW, 1) == ["old"]
        assert rows.oldest_queued(tx, FLOW, 9) == ["old", "young"]
        assert [e.id for e in rows.holding(tx)] == ["runs"]


def test_removing_takes_all_that_hangs_on_it_but_what_is_kept(database: Database) -> None:
    with database.write() as tx:
        rows.add(tx, stored(execution("e1", labels={"a": "b"}), execution("e2")))
        rows.put_task_runs(tx, [task_run("r", "e1", 0)])
        inbox.ask(tx, Asked("e1", "Begin"), NOON)
        inbox.set_timers(tx, [StoredTimer("e1", "k", "SCHEDULE", NOON)])
        inbox.link_children(tx, [ChildLink("e1", "e2", "r")])
        logs.add_lines(tx, [(line("kept", execution_id="e1"), FLOW)])
        assert rows.remove(tx, ["e1", "nobody"], keep=[log_table, metrics]) == 1
    with database.read() as tx:
        assert rows.task_runs_of(tx, "e1") == []
        assert inbox.asked(tx, 9) == []
        assert inbox.all_timers(tx) == []
        assert inbox.children_of(tx, "e2") == []
        found = logs.lines(tx, logs.LogFilter(execution_id="e1", level=Level.INFO), limit=9)
        assert [item.line.message for item in found] == ["kept"]


def test_the_inbox_keeps_order_and_forgets_what_was_handled(database: Database) -> None:
    with database.write() as tx:
        first = inbox.ask(tx, Asked("e1", "KillRequested"), NOON)
        second = inbox.ask(tx, Asked("e1", "SetLabels", {"labels": {"a": "b"}}), NOON)
        inbox.handled(tx, [])
    assert second > first
    with database.read() as tx:
        assert [item.kind for item in inbox.asked(tx, 9)] == ["KillRequested", "SetLabels"]
        assert [item.id for item in inbox.asked(tx, 1)] == [first]
    with database.write() as tx:
        inbox.handled(tx, [first])
    with database.read() as tx:
        (left,) = inbox.asked(tx, 9)
    assert left == Asked("e1", "SetLabels", {"labels": {"a": "b"}}, second)
    with database.write() as tx:
        inbox.handled(tx, [second])
        assert inbox.ask(tx, Asked("e1", "ForceRun"), NOON) > second


def test_a_timer_is_replaced_by_its_key_and_the_next_comes_first(database: Database) -> None:
    with database.write() as tx:
        inbox.set_timers(tx, [])
        inbox.set_timers(
            tx, [StoredTimer("e1", "a", "RETRY", later(9), "r"), StoredTimer("e1", "b", "X", NOON)]
        )
        inbox.set_timers(tx, [StoredTimer("e1", "a", "RETRY", later(-9), None, "s")])
        inbox.drop_timers(tx, [("e1", "b"), ("e2", "a")])
    with database.read() as tx:
        assert inbox.all_timers(tx) == [StoredTimer("e1", "a", "RETRY", later(-9), None, "s")]


def test_a_child_is_linked_until_its_end_was_reported(database: Database) -> None:
    links = [ChildLink("c1", "p", "r", 0, True, True), ChildLink("c2", "p", "r", 1, False)]
    with database.write() as tx:
        inbox.link_children(tx, links)
        inbox.mark_reported(tx, ["c1"])
        inbox.mark_reported(tx, [])
    with database.read() as tx:
        assert inbox.link_of(tx, "c1") is None
        assert inbox.link_of(tx, "c2") == links[1]
        assert inbox.unreported_children(tx, "p") == links[1:]
        assert {link.execution_id for link in inbox.children_of(tx, "p")} == {"c1", "c2"}
