"""PostgreSQL through psycopg."""

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from mainstem.errors import InvalidInput
from mainstem.plugins.jdbc.batch import BatchTask
from mainstem.plugins.jdbc.cells import plain_cell
from mainstem.plugins.jdbc.host import reachable_host
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
from mainstem.sdk.task import Outputs, RunnableTask

_CHUNK: Final = 1 << 18
_CONNECT_SECONDS: Final = 15
_READ: Final = frozenset({"sslmode", "currentSchema", "ApplicationName", "options", "ssl",
                          "connectTimeout", "socketTimeout", "tcpKeepAlive",
                          "reWriteBatchedInserts", "stringtype"})  # fmt: skip
_PAGE: Final = 5_000

SslMode = Literal["DISABLE", "ALLOW", "PREFER", "REQUIRE", "VERIFY_CA", "VERIFY_FULL"]


class PostgresConnection(Properties):
    """The connection properties that every PostgreSQL task has."""

    url: Property[Text] | None = None
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    ssl: Property[bool] = Property(False, bool)
    ssl_mode: Property[SslMode] | None = None
    ssl_root_cert: Property[Text] | None = None
    ssl_cert: Property[Text] | None = None
    ssl_key: Property[Text] | None = None
    ssl_key_password: Property[Text] | None = None

    def session(self, ctx: RunContext) -> AbstractContextManager[Session]:
        """A connection; raises TaskFailed saying why there is none."""
        return open_session(ctx, self)


def parse_url(url: str) -> dict[str, Any]:
    """Connection parameters of `jdbc:postgresql://host:port/database?…`; raises InvalidInput."""
    parts = urlsplit(url.removeprefix("jdbc:"))
    if parts.scheme not in ("postgresql", "postgres"):
        raise InvalidInput(
            f"`url` must look like jdbc:postgresql://host:5432/database, not `{url}`"
        )
    found: dict[str, Any] = {
        "host": reachable_host(parts.hostname or "localhost"),
        "port": parts.port or 5432,
        "dbname": unquote(parts.path.lstrip("/")) or None,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
    }
    for name, value in parse_qsl(parts.query):
        if name in ("user", "password", "sslmode", "options"):
            found[name] = value
        elif name == "currentSchema":
            found["options"] = f"-c search_path={value}"
        elif name == "ApplicationName":
            found["application_name"] = value
        elif name not in _READ:
            raise InvalidInput(f"`url` has the parameter `{name}`, which is not supported")
    return {key: value for key, value in found.items() if value is not None}


def _parameters(ctx: RunContext, given: PostgresConnection) -> dict[str, Any]:
    if given.url is None:
        raise InvalidInput(
            "`url` is missing, for example jdbc:postgresql://localhost:5432/database"
        )
    found = parse_url(ctx.render(given.url))
    if given.username is not None:
        found["user"] = ctx.render(given.username)
    if given.password is not None:
        found["password"] = ctx.render(given.password)
        ctx.mask(found["password"])
    if ctx.render(given.ssl):
        found.setdefault("sslmode", "require")
    if given.ssl_mode is not None:
        found["sslmode"] = ctx.render(given.ssl_mode).lower().replace("_", "-")
    for key, prop in (
        ("sslrootcert", given.ssl_root_cert),
        ("sslcert", given.ssl_cert),
        ("sslkey", given.ssl_key),
    ):
        if prop is not None:
            found[key] = _pem(ctx, key, ctx.render(prop))
    if given.ssl_key_password is not None:
        found["sslpassword"] = ctx.render(given.ssl_key_password)
        ctx.mask(found["sslpassword"])
    return found


def _pem(ctx: RunContext, name: str, content: str) -> str:
    """libpq wants files; the property holds the PEM text, or its base64."""
    text = content if "-----BEGIN" in content else base64.b64decode(content).decode()
    path = ctx.workdir / f".{name}.pem"
    path.touch(mode=0o600)
    path.write_text(text)
    return str(path)


@contextmanager
def open_session(ctx: RunContext, given: PostgresConnection) -> Iterator["PostgresSession"]:
    """Connect, and cancel what runs when the task is killed."""
    import psycopg

    parameters = _parameters(ctx, given)
    where = f"{parameters['host']}:{parameters['port']}/{parameters.get('dbname', '')}"
    try:
        connection = psycopg.connect(connect_timeout=_CONNECT_SECONDS, **parameters)
    except psycopg.OperationalError as error:
        raise TaskFailed(
            f"cannot connect to PostgreSQL at {where} as {parameters.get('user')}: "
            f"{str(error).strip()}"
        ) from error
    with connection:
        connection.add_notice_handler(
            lambda notice: ctx.log.debug(f"{notice.severity}: {notice.message_primary}")
        )
        try:
            with stopped_on_kill(ctx, lambda: _cancel(connection)):
                yield PostgresSession(ctx, connection)
        except psycopg.Error as error:
            if ctx.is_killed:
                raise TaskKilled from error
            raise TaskFailed(explain(error)) from error


class PostgresSession:
    """A psycopg connection; rows of a query are read in pages through a server-side cursor."""

    placeholder = "%s"

    def __init__(self, ctx: RunContext, connection: Any) -> None:
        self.connection = connection
        self._ctx = ctx
        self._number = 0
        self._open: Any = None

    def execute(self, sql: str, values: Sequence[object]) -> Result:
        self._close()
        if _returns_rows(sql):
            self._number += 1
            cursor = self._open = self.connection.cursor(name=f"mainstem_{self._number}")
            cursor.itersize = _PAGE
            cursor.execute(sql, values or None)
            return Result(_rows(cursor), None)
        cursor = self.connection.execute(sql, values or None)
        if cursor.description is not None:
            return Result(_rows(cursor), None)
        return Result(None, cursor.rowcount if cursor.rowcount >= 0 else None)

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        self._close()
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, [list(row) for row in rows])
            return max(int(cursor.rowcount), 0)

    def commit(self) -> None:
        self._close()
        self.connection.commit()

    def rollback(self) -> None:
        self._close()
        if not self.connection.closed:
            self.connection.rollback()

    def _close(self) -> None:
        """End the cursor that rows were last read through."""
        cursor, self._open = self._open, None
        if cursor is not None:
            cursor.close()


def _cancel(connection: Any) -> None:
    import psycopg

    with suppress(psycopg.Error):
        connection.cancel_safe()


def _returns_rows(sql: str) -> bool:
    words = sql.lstrip("( \n\t").split(None, 1)
    return bool(words) and words[0].lower() in ("select", "values", "table")


def _rows(cursor: Any) -> Iterator[Row]:
    names = [column.name for column in cursor.description]
    for row in cursor:
        yield {name: plain_cell(value) for name, value in zip(names, row, strict=True)}


def explain(error: Any) -> str:
    """The database's message with position, detail and hint."""
    diagnosis = getattr(error, "diag", None)
    if diagnosis is None or diagnosis.message_primary is None:
        return str(error).strip()
    parts = [f"{diagnosis.severity}: {diagnosis.message_primary}"]
    if diagnosis.statement_position:
        parts.append(f"at character {diagnosis.statement_position}")
    for label, text in (
        ("", diagnosis.message_detail),
        ("Hint: ", diagnosis.message_hint),
        ("", diagnosis.context),
    ):
        if text:
            parts.append(f"{label}{text}")
    return ". ".join(parts)


class Query(PostgresConnection, QueryTask):
    """Run a query on PostgreSQL."""

    TYPE = "io.kestra.plugin.jdbc.postgresql.Query"


class Queries(PostgresConnection, QueriesTask):
    """Run several statements on PostgreSQL."""

    TYPE = "io.kestra.plugin.jdbc.postgresql.Queries"


class Batch(PostgresConnection, BatchTask):
    """Insert the rows of a file into a PostgreSQL table."""

    TYPE = "io.kestra.plugin.jdbc.postgresql.Batch"


class Trigger(PostgresConnection, SqlTrigger):
    """Start the flow when a query on PostgreSQL finds rows."""

    TYPE = "io.kestra.plugin.jdbc.postgresql.Trigger"
    QUERY = "io.kestra.plugin.jdbc.postgresql.Query"


class CopyTask(PostgresConnection, RunnableTask):
    """Common properties of COPY tasks."""

    table: Property[Text] | None = None
    columns: Property[list[Text]] | None = None
    format: Property[Literal["TEXT", "CSV", "BINARY"]] = Property("TEXT", str)
    oids: Property[bool] | None = None
    freeze: Property[bool] | None = None
    delimiter: Property[Text] | None = None
    null_string: Property[Text] | None = None
    header: Property[bool] | None = None
    quote: Property[Text] | None = None
    escape: Property[Text] | None = None
    force_quote: Property[list[Text]] | None = None
    force_not_null: Property[list[Text]] | None = None
    force_null: Property[list[Text]] | None = None
    encoding: Property[Text] | None = None
    socket_timeout: Property[int] | None = None

    def target(self, ctx: RunContext) -> Any:
        """`table (column, …)` as composed SQL. Names are taken as PostgreSQL reads them."""
        from psycopg import sql

        if self.table is None:
            raise InvalidInput("`table` is missing")
        name = sql.SQL(_name(ctx.render(self.table)))
        columns = ctx.render(self.columns) if self.columns is not None else []
        if not columns:
            return name
        listed = sql.SQL(", ").join(sql.SQL(_name(c)) for c in columns)
        return sql.SQL("{} ({})").format(name, listed)

    def options(self, ctx: RunContext) -> Any:
        """`WITH (…)` as composed SQL."""
        from psycopg import sql

        parts: list[Any] = [sql.SQL("FORMAT {}").format(sql.SQL(ctx.render(self.format)))]
        for word, flag in (
            ("OIDS", self.oids),
            ("FREEZE", self.freeze),
            ("HEADER", self.header),
        ):
            if flag is not None:
                parts.append(sql.SQL(f"{word} {ctx.render(flag)}"))
        for word, text in (
            ("DELIMITER", self.delimiter),
            ("NULL", self.null_string),
            ("QUOTE", self.quote),
            ("ESCAPE", self.escape),
            ("ENCODING", self.encoding),
        ):
            if text is not None:
                parts.append(sql.SQL(word + " {}").format(sql.Literal(ctx.render(text))))
        for word, names in (
            ("FORCE_QUOTE", self.force_quote),
            ("FORCE_NOT_NULL", self.force_not_null),
            ("FORCE_NULL", self.force_null),
        ):
            if names is not None:
                listed = sql.SQL(", ").join(sql.SQL(_name(n)) for n in ctx.render(names))
                parts.append(sql.SQL(word + " ({})").format(listed))
        return sql.SQL("WITH ({})").format(sql.SQL(", ").join(parts))


def _name(text: str) -> str:
    """A table or column name as written: parts of letters, digits and `_`, or in double quotes."""
    part = r'(?:[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|"(?:[^"]|"")+")'
    if not re.fullmatch(rf"{part}(?:\.{part})*", text.strip()):
        raise InvalidInput(
            f"`{text}` is not a name: put names with other characters in double quotes"
        )
    return text.strip()


class CopyIn(CopyTask):
    """Load a file of internal storage into a table with COPY."""

    TYPE = "io.kestra.plugin.jdbc.postgresql.CopyIn"

    from_: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        from psycopg import sql

        uri = ctx.render(self.from_)
        statement = sql.SQL("COPY {} FROM STDIN {}").format(self.target(ctx), self.options(ctx))
        with open_session(ctx, self) as session, ctx.files.open(uri) as file:
            with session.connection.cursor() as cursor:
                with cursor.copy(statement) as copy:
                    while chunk := file.read(_CHUNK):
                        copy.write(chunk)
                rows = cursor.rowcount
            session.commit()
        ctx.log.info(f"copied {rows} rows into {ctx.render(self.table) if self.table else ''}")
        ctx.metric("row.count", rows)
        return {"rowCount": rows}


class CopyOut(CopyTask):
    """Store a table or the rows of a query as a file with COPY."""

    TYPE = "io.kestra.plugin.jdbc.postgresql.CopyOut"

    sql: Property[Text] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        from psycopg import sql

        if self.sql is not None:
            query = ctx.render(self.sql).strip().rstrip(";")
            source: Any = sql.SQL("({})").format(sql.SQL(query))
        else:
            source = self.target(ctx)
        statement = sql.SQL("COPY {} TO STDOUT {}").format(source, self.options(ctx))
        suffix = ctx.render(self.format).lower()
        with open_session(ctx, self) as session, ctx.files.writer(f"rows.{suffix}") as file:
            with session.connection.cursor() as cursor:
                with cursor.copy(statement) as copy:
                    for chunk in copy:
                        file.write(bytes(chunk))
                rows = cursor.rowcount
            session.commit()
        ctx.metric("row.count", rows)
        return {"uri": file.uri, "rowCount": rows}
