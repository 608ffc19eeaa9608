"""The open DuckDB instance: a file per project, a cursor per request, one writer per project."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from mainstem.localgcp.bigquery import names, store
from mainstem.localgcp.bigquery.catalog import Catalog
from mainstem.localgcp.bigquery.sql import macros
from mainstem.localgcp.bigquery.sql.types import literal, quote
from mainstem.localgcp.bigquery.transaction import Transaction

Clock = Callable[[], datetime]
SUFFIX: Final = ".duckdb"


class Database:
    """Readers take a cursor and a snapshot of the catalog; writers take the project's lock."""

    def __init__(self, state_dir: Path, clock: Clock, default_location: str = "US") -> None:
        self._state_dir = state_dir
        self._clock = clock
        self.default_location = default_location
        self._guard = threading.Lock()
        self._catalogs: dict[str, Catalog] = {}
        self._writers: dict[str, threading.RLock] = {}
        state_dir.mkdir(parents=True, exist_ok=True)
        self._root = _open_instance(state_dir / "spill")

    def projects(self) -> list[str]:
        """Every project that has a file, open or not."""
        return sorted(path.stem for path in self._state_dir.glob(f"*{SUFFIX}"))

    def now(self) -> datetime:
        return self._clock().astimezone(UTC)

    def exists(self, project: str) -> bool:
        """Whether anything was ever written in the project."""
        return project in self._catalogs or self._path(project).is_file()

    def catalog(self, project: str) -> Catalog:
        """The project's catalog at this moment; reading what is not there creates nothing."""
        found = self._catalogs.get(project)
        if found is not None:
            return found
        names.check_project(project)
        return self.open(project) if self.exists(project) else Catalog(project)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of the caller's own, which the caller closes."""
        return self._root.cursor()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def writing(
        self, project: str, cursor: duckdb.DuckDBPyConnection | None = None
    ) -> Iterator[Transaction]:
        """The project's writer lock and one transaction; it commits when the block ends well."""
        self.open(project)
        with self._writers[project]:
            own = self.cursor() if cursor is None else cursor
            try:
                yield from self._transaction(own, self._catalogs[project])
            finally:
                if cursor is None:
                    own.close()

    def _transaction(
        self, cursor: duckdb.DuckDBPyConnection, before: Catalog
    ) -> Iterator[Transaction]:
        cursor.execute("BEGIN TRANSACTION")
        try:
            transaction = Transaction(cursor, before, self.now())
            transaction.drop_expired()
            yield transaction
            cursor.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
            raise
        self._catalogs[before.project] = transaction.catalog

    def _path(self, project: str) -> Path:
        return self._state_dir / f"{names.check_project(project)}{SUFFIX}"

    def open(self, project: str) -> Catalog:
        """Attach the project's file; a project comes to be when it is first written."""
        found = self._catalogs.get(project)
        if found is not None:
            return found
        with self._guard:
            if project not in self._catalogs:
                path = self._path(project)
                cursor = self.cursor()
                cursor.execute(f"ATTACH {literal(str(path))} AS {names.database(project)}")
                store.prepare(cursor, project)
                self._writers[project] = threading.RLock()
                self._catalogs[project] = store.load_catalog(cursor, project)
                cursor.close()
            return self._catalogs[project]

    def close(self) -> None:
        """Write every file's log back into the file and let go of them."""
        with self._guard:
            for project in self._catalogs:
                with suppress(duckdb.Error):  # a job that still runs keeps its log, replayed later
                    self._root.execute(f"CHECKPOINT {names.database(project)}")
            self._root.close()


def _open_instance(spill: Path) -> duckdb.DuckDBPyConnection:
    root = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(spill),
        },
    )
    root.execute("LOAD icu")
    root.execute("SET GLOBAL TimeZone = 'UTC'")
    root.execute(f"ATTACH ':memory:' AS {quote(names.RESULTS)}")
    macros.install(root)
    return root
