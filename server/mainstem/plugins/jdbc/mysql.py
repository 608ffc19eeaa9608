"""MySQL and MariaDB through PyMySQL (the extra `mysql`)."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from mainstem.errors import InvalidInput, Stalled
from mainstem.plugins.jdbc.batch import BatchTask
from mainstem.plugins.jdbc.cells import plain_cell
from mainstem.plugins.jdbc.host import reachable_host
from mainstem.plugins.jdbc.tasks import (
    JdbcConnection,
    QueriesTask,
    QueryTask,
    Result,
    Session,
    stopped_on_kill,
)
from mainstem.plugins.jdbc.triggers import SqlTrigger
from mainstem.sdk.context import RunContext, TaskFailed, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.rowfiles import Row

_MYSQL: Final = "io.kestra.plugin.jdbc.mysql"
_SECONDS: Final = 15
_PAGE: Final = 5_000
_IGNORED: Final = frozenset(
    {"useSSL", "requireSSL", "verifyServerCertificate", "allowPublicKeyRetrieval", "serverTimezone",
     "allowLoadLocalInfile", "useUnicode", "characterEncoding", "rewriteBatchedStatements",
     "allowMultiQueries", "zeroDateTimeBehavior", "connectTimeout", "socketTimeout",
     "permitMysqlScheme", "useCursorFetch", "sslMode"}
)  # fmt: skip


class MysqlConnection(JdbcConnection):
    """Whatever connects to MySQL."""

    def session(self, ctx: RunContext) -> AbstractContextManager[Session]:
        """A connection; raises TaskFailed saying why there is none."""
        return _open(ctx, self, local_file=None)


def parse_url(url: str) -> dict[str, Any]:
    """Connection parameters of `jdbc:mysql://host:port/database?…`; raises InvalidInput."""
    parts = urlsplit(url.removeprefix("jdbc:"))
    if parts.scheme not in ("mysql", "mariadb"):
        raise InvalidInput(f"`url` must look like jdbc:mysql://host:3306/database, not `{url}`")
    found: dict[str, Any] = {
        "host": reachable_host(parts.hostname or "localhost"),
        "port": parts.port or 3306,
        "database": unquote(parts.path.lstrip("/")) or None,
    }
    if parts.username:
        found |= {"user": unquote(parts.username), "password": unquote(parts.password or "")}
    for name, value in parse_qsl(parts.query):
        if name in ("user", "password"):
            found[name] = value
        elif name == "sslMode" and value.upper() in ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"):
            found["sslmode"] = value.upper()
        elif name == "useSSL" and value.lower() == "true":
            found.setdefault("sslmode", "REQUIRED")
        elif name not in _IGNORED:
            raise InvalidInput(f"`url` has the parameter `{name}`, which is not supported")
    return found


class MysqlFile(MysqlConnection):
    """`inputFile` is a stored file that LOAD DATA LOCAL INFILE '{{ inputFile }}' may read."""

    input_file: Property[Text] | None = None

    def session(self, ctx: RunContext) -> AbstractContextManager[Session]:
        return _open(ctx, self, local_file=self.place(ctx))

    def place(self, ctx: RunContext) -> str | None:
        """The path of the file, fetched once."""
        if self.input_file is None:
            return None
        path = ctx.workdir / "input-file"
        if not path.exists():
            ctx.files.fetch(ctx.render(self.input_file), path)
        return str(path)

    def text(self, ctx: RunContext, sql: Property[str]) -> str:
        """The rendered SQL, with `inputFile` as a variable."""
        path = self.place(ctx)
        if path is None:
            return ctx.render(sql)
        return str(ctx.render_value(sql.raw, {"inputFile": path}))


class Query(MysqlFile, QueryTask):
    """Run SQL on MySQL and fetch the rows of the last statement."""

    TYPE = f"{_MYSQL}.Query"

    def statement(self, ctx: RunContext) -> str:
        self.prepare(ctx)
        return self.text(ctx, self.sql)


class Queries(MysqlFile, QueriesTask):
    """Run several statements on MySQL."""

    TYPE = f"{_MYSQL}.Queries"

    def statement(self, ctx: RunContext) -> str:
        self.prepare(ctx)
        return self.text(ctx, self.sql)


class Batch(MysqlConnection, BatchTask):
    """Insert the rows of a file into a MySQL table."""

    TYPE = f"{_MYSQL}.Batch"
    QUOTE = "`"


class Trigger(MysqlConnection, SqlTrigger):
    """Start the flow when a query on MySQL finds rows."""

    TYPE = f"{_MYSQL}.Trigger"
    QUERY = f"{_MYSQL}.Query"


@contextmanager
def _open(
    ctx: RunContext, given: MysqlConnection, *, local_file: str | None
) -> Iterator["MysqlSession"]:
    try:
        import pymysql
        from pymysql.cursors import SSCursor
    except ImportError as error:
        raise Stalled(
            "MySQL tasks need the library PyMySQL: pip install 'mainstem[mysql]'"
        ) from error
    if local_file is not None and not _guard_files():
        raise Stalled("`inputFile` needs another version of PyMySQL: pip install 'pymysql>=1.2'")
    found = _parameters(ctx, given)
    where = f"{found['host']}:{found['port']}/{found['database'] or ''}"
    try:
        connection = pymysql.connect(
            charset="utf8mb4",
            connect_timeout=_SECONDS,
            autocommit=False,
            local_infile=local_file is not None,
            cursorclass=SSCursor,
            **found,
        )
    except (pymysql.MySQLError, OSError) as error:
        raise TaskFailed(
            f"cannot connect to MySQL at {where} as {found.get('user')}: {_said(error)}"
        ) from error
    connection.mainstem_file = local_file
    try:
        with stopped_on_kill(ctx, lambda: _cancel(found, connection.thread_id())):
            yield MysqlSession(connection)
    except pymysql.MySQLError as error:
        if ctx.is_killed:
            raise TaskKilled from error
        raise TaskFailed(f"MySQL: {_said(error)}") from error
    finally:
        with suppress(pymysql.MySQLError):
            connection.close()


def _parameters(ctx: RunContext, given: MysqlConnection) -> dict[str, Any]:
    if given.url is None:
        raise InvalidInput("`url` is missing, for example jdbc:mysql://localhost:3306/database")
    found = parse_url(ctx.render(given.url))
    if given.username is not None:
        found["user"] = ctx.render(given.username)
    if given.password is not None:
        found["password"] = ctx.render(given.password)
    ctx.mask(found.get("password") or "")
    mode = found.pop("sslmode", None)
    if mode is not None:
        found |= {
            "ssl_verify_cert": mode != "REQUIRED",
            "ssl_verify_identity": mode == "VERIFY_IDENTITY",
            "ssl": {"check_hostname": mode == "VERIFY_IDENTITY"},
        }
    return found


def _said(error: BaseException) -> str:
    number, *words = [*error.args, ""] if error.args else ["", str(error)]
    return f"{number}: {words[0]}" if words and words[0] else str(number)


def _cancel(found: dict[str, Any], thread: int) -> None:
    """MySQL stops a query when it is told so on another connection."""
    import pymysql

    with suppress(pymysql.MySQLError, OSError):
        other = pymysql.connect(connect_timeout=_SECONDS, **found)
        with other, other.cursor() as cursor:
            cursor.execute(f"KILL QUERY {int(thread)}")


class MysqlSession:
    """A MySQL connection in a transaction; rows of a query are read as they are needed."""

    placeholder = "%s"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._open: Any = None

    def execute(self, sql: str, values: Sequence[object]) -> Result:
        self._close()
        cursor = self._open = self._connection.cursor()
        cursor.execute(sql, list(values) or None)
        if cursor.description is not None:
            return Result(_rows(cursor), None)
        return Result(None, max(int(cursor.rowcount), 0))

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        self._close()
        with self._connection.cursor() as cursor:
            return int(cursor.executemany(sql, [list(row) for row in rows]) or 0)

    def commit(self) -> None:
        self._close()
        self._connection.commit()

    def rollback(self) -> None:
        import pymysql

        with suppress(pymysql.MySQLError):
            self._close()
            self._connection.rollback()

    def _close(self) -> None:
        cursor, self._open = self._open, None
        if cursor is not None:
            cursor.close()


@cache
def _guard_files() -> bool:
    """A server may ask the client for any file of the worker: only the task's own is sent.

    The library has no option for it; False where its inside is not as expected.
    """
    from pymysql import connections

    send = getattr(connections, "_send_local_file", None)
    if send is None:
        return False

    def send_own(filename: Any, connection: Any) -> None:
        name = filename.decode() if isinstance(filename, bytes) else str(filename)
        if name != getattr(connection, "mainstem_file", None):
            raise InvalidInput(
                "LOAD DATA LOCAL INFILE may read `{{ inputFile }}` only: set `inputFile`"
            )
        send(filename, connection)

    connections._send_local_file = send_own
    return True


def _rows(cursor: Any) -> Iterator[Row]:
    names = [column[0] for column in cursor.description]
    while part := cursor.fetchmany(_PAGE):
        for row in part:
            yield {name: plain_cell(value) for name, value in zip(names, row, strict=True)}
