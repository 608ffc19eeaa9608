"""Transactions, migrations and the columns' own types."""

import json
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, insert, inspect, select, text

from mainstem.errors import Stalled, Transient
from mainstem.store import flows
from mainstem.store.columns import dump_json, from_micros, to_micros
from mainstem.store.database import Database, open_database
from mainstem.store.migrate import MIGRATIONS, upgrade
from mainstem.store.schema import metadata, schema_versions
from tests.store.builders import FLOW, NOON, revision


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as tx:
            flows.add_revisions(tx, [revision()])
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    with database.read() as tx:
        assert flows.revisions(tx, FLOW) == []


def test_a_reader_sees_one_snapshot_while_others_write(database: Database) -> None:
    with database.read() as tx:
        assert flows.revisions(tx, FLOW) == []
        with database.write() as other:
            flows.add_revisions(other, [revision()])
        assert flows.revisions(tx, FLOW) == []
    with database.read() as tx:
        assert len(flows.revisions(tx, FLOW)) == 1


def test_writers_of_many_threads_wait_for_each_other(database: Database) -> None:
    def write(number: int) -> None:
        with database.write() as tx:
            known = len(flows.revisions(tx, FLOW))
            flows.add_revisions(tx, [revision(number=100 + number, source=str(known))])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert len(flows.revisions(tx, FLOW)) == 8


def shape(tx: Connection) -> dict[str, tuple[set[tuple[str, str, bool]], set[str]]]:
    """Columns (name, type, nullable) and index names of every table."""
    inspector = inspect(tx)
    return {
        table: (
            {(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)},
            {str(i["name"]) for i in inspector.get_indexes(table)},
        )
        for table in inspector.get_table_names()
    }


def test_the_migrations_lead_to_the_tables_that_the_store_uses(tmp_path: Path) -> None:
    migrated = open_database(f"sqlite:///{tmp_path / 'migrated.db'}")
    with migrated.read() as tx:
        found = shape(tx)
    migrated.close()
    direct = create_engine("sqlite://")
    with direct.begin() as tx:
        metadata.create_all(tx)
        assert shape(tx) == found
    direct.dispose()


def test_migrations_run_once(database: Database) -> None:
    with database.write() as tx:
        assert upgrade(tx) == []
        found = list(tx.execute(select(schema_versions.c.version)).scalars())
    assert found == [migration.VERSION for migration in MIGRATIONS]


def test_a_newer_schema_is_refused_with_what_to_do(database: Database) -> None:
    row = {"version": 99, "name": "future", "applied_at": NOON}
    with database.write() as tx:
        tx.execute(insert(schema_versions), [row])
    url = database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(Stalled, match=r"has schema 99.*install the newer"):
        open_database(url)


def test_errors_do_not_show_what_was_being_stored(database: Database) -> None:
    with pytest.raises(Exception, match="revision") as caught, database.write() as tx:
        flows.add_revisions(tx, [revision(number=None, source="hunter2")])  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value).splitlines()[0]


def test_a_database_that_does_not_answer_is_transient(tmp_path: Path) -> None:
    with pytest.raises(Transient, match="does not answer"):
        open_database("postgresql://nobody:hunter2@127.0.0.1:1/none")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Transient, match="does not answer"):
        open_database(f"sqlite:///{tmp_path / 'folder'}")


def test_a_statement_that_the_database_cannot_run_now_is_transient(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    try:
        with pytest.raises(Transient), opened.read() as tx:
            tx.execute(text("select * from nowhere"))
    finally:
        opened.close()


def test_the_folder_of_the_database_is_made(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'a' / 'b' / 'x.db'}").close()
    assert (tmp_path / "a/b/x.db").exists()


@pytest.mark.parametrize(
    "at",
    [
        NOON,
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_moments_are_kept_to_the_microsecond(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": [1, None, True]}, {"a": [1, None, True]}),
        (NOON, "2026-03-01T12:00:00.123456+00:00"),
        (NOON.date(), "2026-03-01"),
        (timedelta(minutes=1), "PT1M"),
        (Decimal("2.0"), 2),
        (Decimal("2.5"), 2.5),
        ({1}, [1]),
        ((1, 2), [1, 2]),
        (b"\xff", "\ufffd"),
        (Path("a/b"), "a/b"),
        (
            {"a": [float("nan"), float("inf"), float("-inf")]},
            {"a": ["NaN", "Infinity", "-Infinity"]},
        ),
        ("half \ud83d of it", "half ? of it"),
        ("whole 😀", "whole 😀"),
    ],
)
def test_any_value_becomes_json_that_everybody_reads(value: object, plain: object) -> None:
    text = dump_json(value)
    text.encode()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name)) == plain


def test_the_indexes_of_what_is_open_are_small_on_both_dialects(database: Database) -> None:
    sqlite = database.engine.dialect.name == "sqlite"
    query = (
        "select sql from sqlite_master where name = 'executions_open'"
        if sqlite
        else "select indexdef from pg_indexes where indexname = 'executions_open'"
    )
    with database.read() as tx:
        assert "NOT closed" in str(tx.execute(text(query)).scalar())


def test_reads_within_a_shared_snapshot_see_one_state(database: Database) -> None:
    def seen() -> int:
        with database.read() as tx:
            return len(flows.revisions(tx, FLOW))

    def add() -> None:
        with database.write() as tx:
            flows.add_revisions(tx, [revision()])

    with database.snapshot():
        before = seen()
        writer = threading.Thread(target=add)
        writer.start()
        writer.join()
        within = seen()
    assert (before, within, seen()) == (0, 0, 1)
