"""One suite on both dialects: SQLite always, PostgreSQL where a server can be started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from mainstem.store.database import Database, open_database
from mainstem.store.schema import metadata, schema_versions
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_database(postgres_server: PostgresServer) -> Iterator[Database]:
    opened = open_database(postgres_server.fresh())
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'mainstem.db'}")
        yield opened
        opened.close()
    else:
        shared: Database = request.getfixturevalue("postgres_database")
        yield shared
        tables = metadata.sorted_tables
        emptied = [table.name for table in tables if table is not schema_versions]
        with shared.write() as tx:
            tx.execute(text(";".join(f'DELETE FROM "{name}"' for name in emptied)))
            tx.execute(text("DELETE FROM schema_versions WHERE version > 90"))
