"""Whole databases to another place: every row of every table arrives, or none."""

from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from mainstem.cli import main
from mainstem.errors import Conflict, InvalidInput
from mainstem.store import inbox, transfer
from mainstem.store.database import Database, open_database
from mainstem.store.inbox import Asked
from tests.operate.conftest import Url
from tests.operate.filling import fill
from tests.postgres import PostgresServer
from tests.store.builders import NOON


def tallies(url: str) -> dict[str, transfer.Tally]:
    database = open_database(url)
    with database.read() as tx:
        found = {table.name: transfer.tally(tx, table) for table in transfer.tables_of(tx)}
    database.close()
    return found


def filled(url: str) -> str:
    database = open_database(url)
    with database.write() as tx:
        fill(tx)
    database.close()
    return url


def test_a_database_is_copied_to_the_other_dialect_and_back(
    tmp_path: Path, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    first = filled(f"sqlite:///{tmp_path / 'first.db'}")
    middle, last = postgres_server.fresh(), f"sqlite:///{tmp_path / 'last.db'}"
    assert main(["db", "copy", first, middle]) == 0
    assert main(["db", "copy", middle, last]) == 0
    wanted = tallies(first)
    assert wanted == tallies(middle) == tallies(last)
    assert all(found.rows for found in wanted.values())
    assert "3  executions" in capsys.readouterr().out


def test_automatic_numbers_go_on_after_the_copied_ones(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    target = postgres_server.fresh()
    assert main(["db", "copy", filled(f"sqlite:///{tmp_path / 'a.db'}"), target]) == 0
    database = open_database(target)
    with database.write() as tx:
        assert inbox.ask(tx, Asked("e", "KillRequested"), NOON) == 3 * 1_000_003 + 1
    database.close()


def test_a_database_with_something_in_it_is_not_copied_over(tmp_path: Path, new_url: Url) -> None:
    source, target = filled(f"sqlite:///{tmp_path / 'a.db'}"), filled(new_url())
    before = tallies(target)
    assert main(["db", "copy", source, target]) == 1
    assert tallies(target) == before


def test_a_row_that_does_not_fit_leaves_the_target_empty(
    tmp_path: Path, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = filled(f"sqlite:///{tmp_path / 'a.db'}"), postgres_server.fresh()
    database = open_database(source)
    with database.write() as tx:
        (logs,) = (table for table in transfer.tables_of(tx) if table.name == "logs")
        row = dict(tx.execute(select(logs).limit(1)).mappings().one())
        tx.execute(insert(logs), [{**row, "id": 5, "message": "nul \x00 here"}])
    database.close()
    assert main(["db", "copy", source, target]) == 1
    assert "table logs: a row cannot be stored here" in capsys.readouterr().err
    assert not any(found.rows for found in tallies(target).values())


def test_a_table_that_arrives_differently_is_found(tmp_path: Path) -> None:
    database: Database = open_database(filled(f"sqlite:///{tmp_path / 'a.db'}"))
    with database.write() as tx:
        (kv,) = (table for table in transfer.tables_of(tx) if table.name == "kv")
        before = transfer.tally(tx, kv)
        transfer.check(tx, kv, before)
        tx.execute(delete(kv).where(kv.c.revision == 1_000_003))
        with pytest.raises(Conflict, match="2 of 3 rows"):
            transfer.check(tx, kv, before)
    database.close()


def test_a_schema_from_the_future_cannot_be_made(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write() as tx, pytest.raises(InvalidInput, match="schema 999"):
        transfer.make_schema(tx, [1, 999])
    database.close()
