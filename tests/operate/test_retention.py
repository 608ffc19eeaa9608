"""Retention: the most specific rule decides, in parts, with files, and never what is awaited."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

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
from mainstem.store import inbox, logs, namespace_files, secrets
from mainstem.store.database import Database, open_database
from mainstem.store.inbox import ChildLink
from mainstem.store.logs import LogFilter
from mainstem.store.tables import trigger_evaluations
from mainstem.store.tables_audit import audit
from mainstem.store.tables_namespaces import file_changes, secret_reads
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


def change(database: Database, days_ago: float, path: str, text: str | None, by: str = "") -> None:
    """Write a file that long ago, or delete it."""
    at = NOON - days_ago * DAY
    note = namespace_files.ChangeNote(at, execution_id=by or None)
    with database.write() as tx:
        if text is None:
            namespace_files.remove(tx, [("a", path)], note)
        else:
            file = namespace_files.StoredFile("a", path, text * 64, 1, at)
            namespace_files.put(tx, [file], note)


def versions(database: Database, path: str) -> list[str | None]:
    with database.read() as tx:
        found = namespace_files.revisions(tx, "a", path)
    return [item.sha256[0] if item.sha256 else None for item in found]


def test_versions_of_files_go_when_they_were_replaced_long_ago(
    database: Database, storage: LocalStorage
) -> None:
    change(database, 60, "old", "9")
    change(database, 50, "f", "1")
    change(database, 45, "gone", "7")
    change(database, 44, "gone", None)
    for days, text in ((40, "2"), (20, "3"), (5, "4")):
        change(database, days, "f", text)
    counted = service(database, storage, file_version_days=10).purge(dry_run=True)
    done = service(database, storage, file_version_days=10).purge()
    assert versions(database, "f") == ["4", "3"]
    assert versions(database, "old") == ["9"]
    assert versions(database, "gone") == [None]
    assert counted.file_versions == done.file_versions == 3
    # A deletion goes once nothing precedes it.
    assert service(database, storage, file_version_days=10).purge().file_versions == 1
    assert versions(database, "gone") == []
    with database.read() as tx:
        changes = tx.execute(select(func.count()).select_from(file_changes)).scalar_one()
    assert changes == 3
    change(database, 1, "gone", "8")
    assert versions(database, "gone") == ["8"]


def test_what_an_open_execution_reads_stays(database: Database, storage: LocalStorage) -> None:
    change(database, 50, "f", "1")
    change(database, 40, "f", "2")
    change(database, 20, "f", "3")
    with database.write() as tx:
        began = execution("e0", State.RUNNING, at=NOON - 30 * DAY)
        rows.add(tx, stored(began))
    assert service(database, storage, file_version_days=10).purge().file_versions == 1
    assert versions(database, "f") == ["3", "2"]
    with database.read() as tx:
        seen = namespace_files.get(tx, "a", "f", namespace_files.Seen(2, "e0"))
    assert seen is not None
    assert seen.sha256 == "2" * 64


def test_the_audit_log_goes_by_age_and_notes_that_it_did(
    database: Database, storage: LocalStorage
) -> None:
    for days in (1, 20):
        with database.write() as tx:
            row = {
                "at": NOON - days * DAY, "principal_id": "x", "principal": "ada", "kind": "user",
                "address": "", "action": f"a{days}", "resource": "r", "namespace": None,
                "outcome": "DONE", "detail": None,
            }  # fmt: skip
            tx.execute(insert(audit), [row])
    assert service(database, storage, audit_days=10).purge(dry_run=True).audit_records == 1
    assert service(database, storage, audit_days=10).purge().audit_records == 1
    with database.read() as tx:
        left = list(tx.execute(select(audit.c.action).order_by(audit.c.id)).scalars())
    assert left == ["a1", "audit.purge"]
    assert service(database, storage, audit_days=10).purge().audit_records == 0


def test_notes_of_secrets_read_go_with_their_execution_and_not_before(
    database: Database, storage: LocalStorage
) -> None:
    put(database, ended("e0", 20), ended("e1", 1))
    with database.write() as tx:
        for name in ("e0", "e1", "lost"):
            secrets.note_read(tx, name, "a", "K", NOON - 20 * DAY)
        secrets.note_read(tx, "not-yet", "a", "K", NOON)
    service(database, storage, rule(10)).purge()
    with database.read() as tx:
        noted = set(tx.execute(select(secret_reads.c.execution_id)).scalars())
    assert noted == {"e1", "not-yet"}


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
