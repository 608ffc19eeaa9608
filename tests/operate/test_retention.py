"""Retention: the most specific rule decides, in parts, with files, and never what is awaited."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from mainstem.cli import main
from mainstem.clock import FrozenClock
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.services.retention import RetentionService
from mainstem.settings import RetentionRule, RetentionSettings
from mainstem.storage.local import LocalStorage
from mainstem.storage.uri import execution_prefix
from mainstem.store import executions as rows
from mainstem.store import inbox, logs
from mainstem.store.database import Database, open_database
from mainstem.store.inbox import ChildLink
from mainstem.store.logs import LogFilter
from mainstem.store.tables import trigger_evaluations
from tests.operate.conftest import Url
from tests.store.builders import FLOW, NOON, execution, line, stored, task_run

DAY = timedelta(days=1)


@pytest.fixture
def database(new_url: Url) -> Iterator[Database]:
    opened = open_database(new_url())
    yield opened
    opened.close()


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def ended(
    name: str, days_ago: float, namespace: str = "a.b", state: State = State.SUCCESS
) -> Execution:
    at = NOON - days_ago * DAY
    return execution(name, State.RUNNING, state, at=at, flow=FlowId(namespace, "f"))


def put(database: Database, *items: Execution) -> None:
    with database.write() as tx:
        rows.add(tx, stored(*items, closed=True))


def left(database: Database) -> set[str]:
    with database.read() as tx:
        return {name for name in NAMES if _exists(tx, name)}


NAMES = [f"e{number}" for number in range(1_000)]


def _exists(tx: object, name: str) -> bool:
    try:
        rows.get(tx, name)  # type: ignore[arg-type]
    except Exception:
        return False
    return True


def service(
    database: Database, storage: LocalStorage, *rules: RetentionRule, **more: object
) -> RetentionService:
    settings = RetentionSettings(rules=rules, batch=3, **more)  # type: ignore[arg-type]
    return RetentionService(database, storage, settings, FrozenClock(NOON))


def rule(days: float, namespace: str | None = None, *states: str) -> RetentionRule:
    return RetentionRule(namespace=namespace, states=frozenset(states), days=days)


def test_the_most_specific_rule_decides(database: Database, storage: LocalStorage) -> None:
    put(
        database,
        ended("e0", 20),
        ended("e1", 5),
        ended("e2", 20, "a"),
        ended("e3", 40, "a"),
        ended("e4", 20, "ab"),
        ended("e5", 100, "a.b", State.FAILED),
        ended("e6", 400, "a.b.c", State.FAILED),
        ended("e7", 100, "x"),
    )
    rules = [rule(30), rule(10, "a.b"), rule(365, "a.b", "FAILED")]
    counted = service(database, storage, *rules).purge(dry_run=True)
    done = service(database, storage, *rules).purge()
    assert counted.executions == done.executions == 4
    assert left(database) == {"e1", "e2", "e4", "e5"}


def test_all_that_hangs_on_an_execution_goes_and_nothing_of_others(
    database: Database, storage: LocalStorage
) -> None:
    put(database, ended("e0", 20), ended("e1", 1))
    with database.write() as tx:
        for name in ("e0", "e1"):
            rows.put_task_runs(tx, [task_run(f"r-{name}", name, 0, State.RUNNING)])
            logs.add_lines(tx, [(line("x", execution_id=name), FLOW)])
    for name in ("e0", "e1"):
        storage.put_bytes(f"{execution_prefix(FlowId('a.b', 'f'), name)}/tasks/t/file", b"x")
    done = service(database, storage, rule(10)).purge()
    assert (done.executions, done.files) == (1, 1)
    with database.read() as tx:
        assert rows.task_runs_of(tx, "e0") == []
        assert len(rows.task_runs_of(tx, "e1")) == 1
        assert {item.line.execution_id for item in logs.lines(tx, LogFilter(), limit=9)} == {"e1"}
    assert len(list(storage.paths(""))) == 1


def test_many_executions_go_in_small_parts(database: Database, storage: LocalStorage) -> None:
    put(database, *(ended(f"e{number}", 20 + number / 100) for number in range(50)))
    assert service(database, storage, rule(10)).purge().executions == 50
    assert left(database) == set()


def test_what_runs_or_is_awaited_stays(database: Database, storage: LocalStorage) -> None:
    running = execution("e0", State.RUNNING, at=NOON - 50 * DAY)
    with database.write() as tx:
        rows.add(tx, stored(running))
        inbox.link_children(tx, [ChildLink("e1", "e0", "r"), ChildLink("e2", "gone", "r")])
    put(database, ended("e1", 20), ended("e2", 20), replace(ended("e3", 20), parent_id="e0"))
    assert service(database, storage, rule(10)).purge().executions == 2
    assert left(database) == {"e0", "e1"}


def test_old_lines_and_evaluations_go_by_age(database: Database, storage: LocalStorage) -> None:
    with database.write() as tx:
        for days in (1, 20):
            old = replace(line(f"{days}"), at=NOON - days * DAY)
            logs.add_lines(tx, [(old, FLOW)])
            row = {
                "namespace": "a", "flow_id": "f", "trigger_id": "t", "at": NOON - days * DAY,
                "outcome": "FIRED", "reason": "", "slot": None, "execution_id": None,
            }  # fmt: skip
            tx.execute(insert(trigger_evaluations), [row])
    found = service(database, storage, log_days=10, evaluation_days=10).purge()
    assert (found.log_lines, found.evaluations, found.executions) == (1, 1, 0)


def test_the_first_purge_waits_for_an_interval(database: Database, storage: LocalStorage) -> None:
    put(database, ended("e0", 20))
    retention = service(database, storage, rule(10), interval_seconds=100)
    retention.tick(NOON)
    retention.tick(NOON + timedelta(seconds=99))
    assert left(database) == {"e0"}
    retention.tick(NOON + timedelta(seconds=100))
    assert left(database) == set()


def test_the_command_counts_and_deletes(
    tmp_path: Path, new_url: Url, capsys: pytest.CaptureFixture[str]
) -> None:
    url = new_url()
    database = open_database(url)
    put(database, ended("e0", 4_000))
    options = [f"--set=database.url={url}", "--state", str(tmp_path)]
    assert main(["db", "purge", *options]) == 1
    assert "nothing says how long" in capsys.readouterr().err
    assert main(["db", "purge", "--days", "30", "--dry-run", *options]) == 0
    assert "would be deleted: 1 executions" in capsys.readouterr().out
    assert main(["db", "purge", "--days", "30", "--states", "FAILED", *options]) == 0
    assert left(database) == {"e0"}
    assert main(["db", "purge", "--days", "30", "--namespace", "a", *options]) == 0
    assert left(database) == set()
    database.close()
