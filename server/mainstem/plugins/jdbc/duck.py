"""DuckDB, in memory or in a file of the working directory."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from mainstem.errors import InvalidInput
from mainstem.plugins.jdbc.cells import plain_cell
from mainstem.plugins.jdbc.tasks import (
    QueriesTask,
    QueryTask,
    Result,
    Session,
    SqlTask,
    stopped_on_kill,
)
from mainstem.plugins.jdbc.triggers import SqlTrigger
from mainstem.sdk.context import RunContext, TaskFailed, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.rowfiles import Row

_PAGE: Final = 5_000
_BUILT_IN: Final = frozenset({"json", "parquet", "icu", "core_functions"})
_EXTENSION: Final = re.compile(
    r"(?:FORCE\s+)?(?P<verb>INSTALL|LOAD)\s+'?(?P<name>\w+)'?\s*(?:FROM\s+\S+)?", re.IGNORECASE
)
# What a statement writes by a relative name; reading is the business of file_search_path.
_WRITTEN: Final = re.compile(
    r"(?P<before>\A\s*(?:COPY\b.*\bTO|EXPORT\s+DATABASE|ATTACH(?:\s+DATABASE)?"
    r"(?:\s+IF\s+NOT\s+EXISTS)?)\s+)'(?P<name>(?![/:]|\w+:)[^']+)'",
    re.IGNORECASE | re.DOTALL,
)


class DuckTask(SqlTask):
    """Common properties of DuckDB tasks."""

    url: Property[Text] = Property("jdbc:duckdb:", str)
    database_uri: Property[Text] | None = None
    database_file: Property[Text] | None = None
    output_db_file: Property[bool] = Property(False, bool)
    community_extensions: Property[list[Text]] | None = None

    def session(self, ctx: RunContext) -> AbstractContextManager[Session]:
        return _open(ctx, self.database(ctx))

    def database(self, ctx: RunContext) -> str:
        """The file to open, or `:memory:`."""
        if self.database_uri is not None:
            target = ctx.workdir / "database.duckdb"
            if not target.exists():
                ctx.files.fetch(ctx.render(self.database_uri), target)
            return str(target)
        url = ctx.render(self.url)
        if not url.startswith("jdbc:duckdb:"):
            raise InvalidInput(
                f"`url` must look like jdbc:duckdb: or jdbc:duckdb:/path, not `{url}`"
            )
        path = url.removeprefix("jdbc:duckdb:")
        if path.startswith("md:"):
            raise InvalidInput(
                "MotherDuck (jdbc:duckdb:md:) needs an extension that is not shipped"
            )
        if path:
            return path if Path(path).is_absolute() else str(ctx.workdir / path)
        return (
            str(ctx.workdir / "database.duckdb") if ctx.render(self.output_db_file) else ":memory:"
        )

    def files(self, ctx: RunContext) -> dict[str, object]:
        found = super().files(ctx)
        if ctx.render(self.output_db_file):
            path = self.database(ctx)
            if Path(path).is_file():
                found["databaseUri"] = ctx.files.put(Path(path), "database.duckdb")
        return found


class Query(DuckTask, QueryTask):
    """Run SQL on DuckDB and fetch the rows of the last statement."""

    TYPE = "io.kestra.plugin.jdbc.duckdb.Query"


class Queries(DuckTask, QueriesTask):
    """Run several statements on DuckDB."""

    TYPE = "io.kestra.plugin.jdbc.duckdb.Queries"


class Trigger(SqlTrigger):
    """Start the flow when a query on DuckDB finds rows."""

    TYPE = "io.kestra.plugin.jdbc.duckdb.Trigger"
    QUERY = "io.kestra.plugin.jdbc.duckdb.Query"

    url: Property[Text] = Property("jdbc:duckdb:", str)
    database_uri: Property[Text] | None = None


@contextmanager
def _open(ctx: RunContext, database: str) -> Iterator["DuckSession"]:
    import duckdb

    connection = duckdb.connect(database)
    try:
        connection.execute("SET file_search_path = $path", {"path": str(ctx.workdir)})
        with stopped_on_kill(ctx, connection.interrupt):
            connection.begin()
            yield DuckSession(ctx, connection)
    except duckdb.Error as error:
        if ctx.is_killed:
            raise TaskKilled from error
        raise TaskFailed(f"DuckDB: {error}") from error
    finally:
        connection.close()


class DuckSession:
    """A DuckDB connection in a transaction."""

    placeholder = "?"

    def __init__(self, ctx: RunContext, connection: Any) -> None:
        self._ctx = ctx
        self._connection = connection

    def execute(self, sql: str, values: Sequence[object]) -> Result:
        wanted = _EXTENSION.fullmatch(sql.strip())
        if wanted is not None and wanted["name"].lower() in _BUILT_IN:
            self._ctx.log.debug(f"{wanted['name']} is built in: nothing to do")
            return Result(None, None)
        self._connection.execute(self._placed(sql), list(values))
        description = self._connection.description or []
        names = [column[0] for column in description]
        if names == ["Count"] and not _is_query(sql):
            return Result(None, int(self._connection.fetchone()[0]))
        return Result(_rows(self._connection, names), None) if names else Result(None, None)

    def _placed(self, sql: str) -> str:
        """Relative names that are written lie in the working directory, not in the server's."""
        root = str(self._ctx.workdir).replace("'", "''")
        return _WRITTEN.sub(lambda found: f"{found['before']}'{root}/{found['name']}'", sql)

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        self._connection.executemany(sql, [list(row) for row in rows])
        return len(rows)

    def commit(self) -> None:
        self._connection.commit()
        self._connection.begin()

    def rollback(self) -> None:
        self._connection.rollback()


def _is_query(sql: str) -> bool:
    words = sql.lstrip("( \n\t").split(None, 1)
    return bool(words) and words[0].lower() in ("select", "from", "values", "table", "with")


def _rows(connection: Any, names: Sequence[str]) -> Iterator[Row]:
    while part := connection.fetchmany(_PAGE):
        for row in part:
            yield {name: plain_cell(value) for name, value in zip(names, row, strict=True)}
