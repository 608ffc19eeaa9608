"""Rows that are written many at once, and statements that go in one exchange."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from mainstem.errors import Conflict, InvalidInput, Transient
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.trigger import Backfill, BackfillState, TriggerKey
from mainstem.store import backfills, inbox, jobs, leases, logs, together
from mainstem.store import executions as rows
from mainstem.store.database import Database
from mainstem.store.executions import Versioned
from mainstem.store.inbox import StoredTimer
from mainstem.store.jobs import StoredJob
from mainstem.store.logs import LogFilter
from mainstem.store.tables import timers
from mainstem.store.together import exchange
from tests.store.builders import NOON, execution

FLOW = FlowId("demo", "flow")


def test_lines_written_together_keep_their_order(database: Database) -> None:
    said = [f"line {number}" for number in range(2_500)]
    lines = [(LogLine(NOON, Level.INFO, text, "e1"), FLOW) for text in said]
    with database.write() as tx, exchange(tx):
        logs.add_lines(tx, lines)
    with database.read() as tx:
        found = logs.lines(tx, LogFilter(execution_id="e1"), limit=10_000)
    assert [item.line.message for item in found] == said


@pytest.mark.parametrize("said", ['"quoted" \\ \\u0000 \n\t', "日本語 🦉", "{}", ""])
def test_any_text_comes_back_as_it_was_written(database: Database, said: str) -> None:
    with database.write() as tx:
        logs.add_lines(tx, [(LogLine(NOON, Level.INFO, said, "e1"), None)])
    with database.read() as tx:
        (found,) = logs.lines(tx, LogFilter(execution_id="e1"), limit=2)
    assert found.line.message == said


def test_a_line_with_a_nul_is_stored_without_it_where_text_cannot_hold_one(
    database: Database,
) -> None:
    with database.write() as tx:
        logs.add_lines(tx, [(LogLine(NOON, Level.INFO, "a\0b \\u0000", "e1"), None)])
    with database.read() as tx:
        (found,) = logs.lines(tx, LogFilter(execution_id="e1"), limit=2)
    assert found.line.message in ("a\0b \\u0000", "a\ufffdb \\u0000")


def test_a_conflict_within_an_exchange_is_raised_at_its_end(database: Database) -> None:
    made = execution("e1")
    with database.write() as tx:
        rows.add(tx, [Versioned(made, 1)])
    with pytest.raises(Conflict), database.write() as tx, exchange(tx):
        rows.save(tx, [Versioned(made, 7)], [])
    with database.read() as tx:
        assert rows.get(tx, "e1").version == 1


def test_a_failed_exchange_leaves_nothing_and_a_usable_pool(database: Database) -> None:
    with database.write() as tx:
        rows.add(tx, [Versioned(execution("e1"), 1)])
    for _ in range(3):
        twice = [Versioned(execution(name), 1) for name in ("e2", "e1")]
        with pytest.raises((IntegrityError, Conflict)), database.write() as tx, exchange(tx):
            rows.add(tx, twice)
    with database.write() as tx, exchange(tx):
        rows.add(tx, [Versioned(execution("e3"), 1)])
    with database.read() as tx:
        assert rows.open_ids(tx) == ["e1", "e3"]


def test_timers_and_jobs_of_an_exchange_are_replaced_and_dropped(database: Database) -> None:
    first, second = (StoredTimer("e1", key, "DELAY", NOON) for key in ("a", "b"))
    with database.write() as tx, exchange(tx):
        inbox.set_timers(tx, [first, second])
        jobs.add(tx, [StoredJob("t1", "e1", 1), StoredJob("t2", "e1", 1)], NOON)
    with database.write() as tx, exchange(tx):
        inbox.set_timers(tx, [StoredTimer("e1", "a", "RETRY", NOON)])
        inbox.drop_timers(tx, [("e1", "b"), ("e2", "a")])
        jobs.end(tx, [("t1", 1), ("t2", 7)])
        jobs.add(tx, [StoredJob("t2", "e1", 2)], NOON)
    with database.read() as tx:
        assert tx.execute(select(timers.c.key, timers.c.kind)).all() == [("a", "RETRY")]
        assert jobs.of_execution(tx, "e1") == {"t2": 2}


def test_a_connection_that_the_server_ends_in_an_exchange_is_told_as_transient(
    postgres_database: Database,
) -> None:
    with (  # noqa: PT012 - the error comes at the end of the block
        pytest.raises(Transient),
        postgres_database.write() as tx,
    ):
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with postgres_database.write() as other:
            other.execute(text(f"SELECT pg_terminate_backend({pid})"))
        with exchange(tx):
            together.execute(tx, "SELECT %s::int", [1])
    postgres_database.ping()


def test_a_pooled_connection_that_died_while_idle_is_never_handed_out(
    postgres_database: Database,
) -> None:
    with postgres_database.write() as tx:
        with postgres_database.read() as other:
            pid = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
        # The second argument waits until the server process is gone.
        assert tx.execute(text(f"SELECT pg_terminate_backend({pid}, 10000)")).scalar_one()
        with postgres_database.glance() as again:
            assert again.execute(text("SELECT pg_backend_pid()")).scalar_one() != pid


@pytest.mark.parametrize(
    ("statement", "value", "said"),
    [
        ("SELECT id FROM executions WHERE id = :v", "a\0b", "NUL"),
        ("SELECT id FROM logs WHERE id = CAST(:v AS bigint)", 10**30, "larger than"),
        ("INSERT INTO seeds VALUES (:v, 'hash-of-a-secret', 1)", "x" * 500, "longer than"),
    ],
)
def test_a_value_that_no_column_can_hold_is_the_caller_s_fault_and_not_shown(
    postgres_database: Database, statement: str, value: object, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as refused, postgres_database.write() as tx:
        tx.execute(text(statement), {"v": value})
    assert str(value) not in refused.value.message


def test_a_query_that_takes_too_long_is_told_with_what_to_do(postgres_database: Database) -> None:
    with pytest.raises(Transient, match="statement_timeout"), postgres_database.write() as tx:
        tx.execute(text("SET LOCAL statement_timeout = 20; SELECT pg_sleep(10)"))
    postgres_database.ping()


def test_two_servers_that_start_on_an_empty_database_agree_on_who_leads(
    postgres_database: Database,
) -> None:
    length = timedelta(seconds=60)
    together_at = threading.Barrier(4)

    def start(holder: str) -> dict[str, int]:
        together_at.wait(20)
        with postgres_database.write() as tx:
            return leases.acquire(tx, ["executor", "gitsync"], holder, holder, length, NOON)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(start, ["a", "b", "c", "d"]))
    assert sorted(name for held in found for name in held) == ["executor", "gitsync"]


def test_a_row_that_is_read_to_be_changed_waits_for_whoever_changes_it(
    postgres_database: Database,
) -> None:
    key = TriggerKey(FLOW, "s")
    made = Backfill("b1", key, NOON, NOON, NOON, 10)
    with postgres_database.write() as tx:
        backfills.add(tx, made)
    changed = threading.Event()

    def cancel() -> bool:
        with postgres_database.write() as tx:
            changed.set()
            seen = backfills.get(tx, "b1", to_change=True)
            return backfills.save(tx, seen, replace(seen, state=BackfillState.CANCELLED))

    with ThreadPoolExecutor(1) as pool:
        with postgres_database.write() as tx:
            seen = backfills.get(tx, "b1", to_change=True)
            cancelling = pool.submit(cancel)
            assert changed.wait(20)
            assert backfills.save(tx, seen, replace(seen, fired=3))
        assert cancelling.result(20)
    with postgres_database.read() as tx:
        assert backfills.get(tx, "b1").state is BackfillState.CANCELLED
        assert backfills.get(tx, "b1").fired == 3
