"""One suite on both dialects: SQLite always, PostgreSQL where a server can be started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from demo import postgres
from demo.processes import Children, DemoError
from mainstem.store.database import Database, open_database
from mainstem.store.schema import metadata, schema_versions


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("postgres")
    with Children(folder / "logs") as children:
        try:
            database = postgres.start(children, folder)
        except DemoError as problem:
            pytest.skip(f"no PostgreSQL: {problem}")
        yield database.url


@pytest.fixture(scope="session")
def postgres_database(postgres_url: str) -> Iterator[Database]:
    opened = open_database(postgres_url)
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
        emptied = [table.name for table in metadata.sorted_tables if table is not schema_versions]
        with shared.write() as tx:
            tx.execute(text(";".join(f'DELETE FROM "{name}"' for name in emptied)))
            tx.execute(text("DELETE FROM schema_versions WHERE version > 90"))
