"""Schemas: forward from the first one with data in it, once, whole or not at all."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from mainstem.app import App
from mainstem.cli import main
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.settings import load_settings
from mainstem.store import executions as rows
from mainstem.store import flows, kv, migrate, transfer, triggers
from mainstem.store.database import Database, connect, open_database
from mainstem.store.filters import ExecutionFilter
from mainstem.store.migrate import MIGRATIONS, upgrade
from mainstem.store.views import numbered_page
from tests.operate.conftest import Url
from tests.server.conftest import Server

OLD = Path(__file__).with_name("first_schema.sql")


def old_database(url: str) -> Database:
    """A database as the first version left it, with a row of every kind."""
    database = connect(url)
    with database.write() as tx:
        transfer.make_schema(tx, [1])
        for statement in OLD.read_text().split(";\n"):
            if statement.strip():
                tx.exec_driver_sql(statement)
        transfer.finish(tx, transfer.tables_of(tx))
    return database


def test_a_database_of_the_first_schema_is_upgraded_with_all_it_holds(
    new_url: Url, tmp_path: Path
) -> None:
    url = new_url()
    database = old_database(url)
    with database.read() as tx:
        before = {table.name: transfer.tally(tx, table) for table in transfer.tables_of(tx)}
    with database.write() as tx:
        assert upgrade(tx) == [migration.NAME for migration in MIGRATIONS[1:]]
    with database.read() as tx:
        check_content(tx)
        after = {table.name: table for table in transfer.tables_of(tx)}
        for name, wanted in before.items():
            assert transfer.tally(tx, after[name]).rows == wanted.rows, name
    database.close()
    run_it(url, tmp_path)


def check_content(tx: Connection) -> None:
    """What the first version stored is what today's program reads."""
    page = numbered_page(tx, ExecutionFilter(), limit=50, offset=0)
    assert {item.id: item.state for item in page} == {
        "e-created": State.CREATED,
        "e-failed": State.FAILED,
        "e-killed": State.KILLED,
        "e-paused": State.PAUSED,
        "e-running": State.RUNNING,
        "e-success": State.SUCCESS,
        "e-warning": State.WARNING,
    }
    done = rows.get(tx, "e-success").execution
    assert done.inputs == {"who": "Ada", "n": 3}
    assert done.labels == {"team": "data", "system.correlationId": "e-success"}
    assert done.outputs == {"out": "ä😀"}
    (run,) = rows.task_runs_of(tx, "e-success")
    assert (run.state, len(run.attempts), run.outputs) == (State.SUCCESS, 1, {"value": "hi Ada"})
    assert flows.latest(tx, FlowId("demo", "old")).revision == 2
    entry = kv.get(tx, "demo", "answer")
    assert entry is not None
    assert (entry.kind, entry.value) == ("NUMBER", 42)
    found, total = triggers.search(tx, triggers.TriggerFilter(), limit=9, offset=0)
    assert total == 3
    asleep = {item.key.id: item.asleep for item in found}
    assert asleep == {"hook": False, "nightly": False, "off": True}


def run_it(url: str, tmp_path: Path) -> None:
    """The open executions of the old database go on under today's program."""
    given = {"state_dir": str(tmp_path / "state"), "database.url": url, "scheduler": False}
    app = App(load_settings(overrides=given, environment={}))
    app.start()
    try:
        server = Server(app)
        assert server.wait("e-created").state is State.SUCCESS
        assert server.wait("e-running").state is State.SUCCESS
        assert app.executions.get("e-paused").state is State.PAUSED
        app.executions.resume("e-paused")
        assert server.wait("e-paused").state is State.SUCCESS
    finally:
        app.stop()


class _Breaking:
    VERSION = 98
    NAME = "breaking"

    def apply(self, tx: Connection) -> None:
        tx.execute(text("CREATE TABLE half_made (id INTEGER)"))
        raise KeyError("stop")


def test_an_interrupted_migration_leaves_nothing(
    new_url: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(new_url())
    monkeypatch.setattr(migrate, "MIGRATIONS", (*MIGRATIONS, _Breaking()))
    with pytest.raises(KeyError), database.write() as tx:
        upgrade(tx)
    with database.read() as tx:
        assert not inspect(tx).has_table("half_made")
        assert transfer.schema_of(tx) == [migration.VERSION for migration in MIGRATIONS]
    database.close()


def test_servers_that_start_together_migrate_once(new_url: Url) -> None:
    url = new_url()
    failures: list[Exception] = []
    barrier = threading.Barrier(6)

    def start() -> None:
        barrier.wait()
        try:
            open_database(url, 2).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    database = open_database(url)
    with database.read() as tx:
        assert transfer.schema_of(tx) == [migration.VERSION for migration in MIGRATIONS]
    database.close()


def test_the_command_tells_and_applies_what_is_missing(
    new_url: Url, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = new_url()
    old_database(url).close()
    options = [f"--set=database.url={url}", "--state", str(tmp_path)]
    assert main(["db", "upgrade", "--check", *options]) == 1
    assert "missing: " in capsys.readouterr().out
    assert main(["db", "upgrade", *options]) == 0
    assert "applied: " in capsys.readouterr().out
    assert main(["db", "upgrade", "--check", *options]) == 0


def test_a_database_of_a_newer_program_stops_every_command(
    new_url: Url, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = new_url()
    database = open_database(url)
    with database.write() as tx:
        tx.execute(text("INSERT INTO schema_versions VALUES (9999, 'future', 0)"))
    database.close()
    options = [f"--set=database.url={url}", "--state", str(tmp_path)]
    for command in (
        ["db", "upgrade"],
        ["db", "upgrade", "--check"],
        ["backup", str(tmp_path / "x")],
    ):
        assert main([*command, *options]) == 1
        assert "schema 9999" in capsys.readouterr().err


def test_a_server_that_finds_no_database_says_so_while_it_waits(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "mainstem", "up", "--state", str(tmp_path / "s"), "--port", "0",
        "--set", "database.url=postgresql://ada:hunter2@127.0.0.1:1/none",
        "--set", "database.wait_seconds=1.2",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 1
    assert "waiting for the database" in done.stderr
    assert "mainstem: the database does not answer" in done.stderr
    assert "hunter2" not in done.stderr
