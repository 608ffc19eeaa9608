"""SQLite, in memory or in a file of the working directory."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from mainstem.errors import InvalidInput
from mainstem.plugins.jdbc.batch import BatchTask
from mainstem.plugins.jdbc.cells import plain_cell
from mainstem.plugins.jdbc.tasks import (
    QueriesTask,
    QueryTask,
    Result,
    Session,
    stopped_on_kill,
)
from mainstem.plugins.jdbc.triggers import SqlTrigger
from mainstem.sdk.context import RunContext, TaskFailed, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.rowfiles import Row
from mainstem.sdk.workfiles import safe_path

_SQLITE: Final = "io.kestra.plugin.jdbc.sqlite"
_PAGE: Final = 5_000


class SqliteFile(Properties):
    """Which database: `sqliteFile` is a stored one; `url` else names a file of the task.

    A path that is not absolute lies in the working directory and ends with it, unless
    `outputDbFile` stores it.
    """

    url: Property[Text] = Property("jdbc:sqlite:", str)
    sqlite_file: Property[Text] | None = None
    output_db_file: Property[bool] = Property(False, bool)

    def database(self, ctx: RunContext) -> str:
        """The file to open, or `:memory:`."""
        url = ctx.render(self.url)
        if not url.startswith("jdbc:sqlite:"):
            raise InvalidInput(f"`url` must look like jdbc:sqlite:name.db, not `{url}`")
        path = url.removeprefix("jdbc:sqlite:").removeprefix("file:").partition("?")[0]
        if self.sqlite_file is None and path in ("", ":memory:"):
            return (
                str(ctx.workdir / "database.db") if ctx.render(self.output_db_file) else ":memory:"
            )
        if path in ("", ":memory:"):
            path = "database.db"
        target = Path(path) if Path(path).is_absolute() else safe_path(ctx.workdir, path)
        if self.sqlite_file is not None and not target.exists():
            if Path(path).is_absolute():
                target = ctx.workdir / target.name
            ctx.files.fetch(ctx.render(self.sqlite_file), target)
        return str(target)


class SqliteTask(SqliteFile):
    """Common properties of SQLite tasks."""

    def session(self, ctx: RunContext) -> AbstractContextManager[Session]:
        return _open(ctx, self.database(ctx))

    def kept(self, ctx: RunContext) -> dict[str, object]:
        path = self.database(ctx)
        if not ctx.render(self.output_db_file) or not Path(path).is_file():
            return {}
        return {"databaseUri": ctx.files.put(Path(path), Path(path).name)}


class Query(SqliteTask, QueryTask):
    """Run SQL on SQLite and fetch the rows of the last statement."""

    TYPE = f"{_SQLITE}.Query"

    def files(self, ctx: RunContext) -> dict[str, object]:
        return {**super().files(ctx), **self.kept(ctx)}


class Queries(SqliteTask, QueriesTask):
    """Run several statements on SQLite."""

    TYPE = f"{_SQLITE}.Queries"

    def files(self, ctx: RunContext) -> dict[str, object]:
        return {**super().files(ctx), **self.kept(ctx)}


class Batch(SqliteTask, BatchTask):
    """Insert the rows of a file into a SQLite table."""

    TYPE = f"{_SQLITE}.Batch"


class Trigger(SqliteFile, SqlTrigger):
    """Start the flow when a query on SQLite finds rows."""

    TYPE = f"{_SQLITE}.Trigger"
    QUERY = f"{_SQLITE}.Query"


@contextmanager
def _open(ctx: RunContext, database: str) -> Iterator["SqliteSession"]:
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    try:
        with stopped_on_kill(ctx, connection.interrupt):
            connection.execute("BEGIN")
            yield SqliteSession(connection)
    except sqlite3.Error as error:
        if ctx.is_killed:
            raise TaskKilled from error
        raise TaskFailed(f"SQLite: {error}") from error
    finally:
        connection.close()


class SqliteSession:
    """A SQLite connection in a transaction."""

    placeholder = "?"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[object]) -> Result:
        if _is_alone(sql) and self._connection.in_transaction:
            self._connection.execute("COMMIT")
        cursor = self._connection.execute(sql, list(values))
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
        if cursor.description is not None:
            return Result(_rows(cursor), None)
        return Result(None, cursor.rowcount if cursor.rowcount >= 0 else None)

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        cursor = self._connection.executemany(sql, [[_bound(v) for v in row] for row in rows])
        return max(cursor.rowcount, 0)

    def commit(self) -> None:
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _is_alone(sql: str) -> bool:
    """Whether SQLite refuses a statement within a transaction, or ends it."""
    return sql.split(None, 1)[0].upper() in ("VACUUM", "BEGIN", "ATTACH", "DETACH", "PRAGMA")


def _bound(value: Any) -> object:
    """What SQLite keeps: numbers, text and bytes; all else as its text."""
    if value is None or isinstance(value, (int, float, str, bytes)):
        return value
    return value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else str(value)


def _rows(cursor: sqlite3.Cursor) -> Iterator[Row]:
    names = [column[0] for column in cursor.description]
    while part := cursor.fetchmany(_PAGE):
        for row in part:
            yield {name: plain_cell(value) for name, value in zip(names, row, strict=True)}
