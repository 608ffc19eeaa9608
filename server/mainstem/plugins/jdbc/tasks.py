"""What SQL tasks share, whatever the database."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic import Field

from mainstem.plugins.jdbc.statements import bind_named, split_statements
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.rowfiles import FetchType, Row, fetch_type, fetched
from mainstem.sdk.task import Outputs, RunnableTask
from mainstem.sdk.workfiles import InputFiles, collect_outputs, place_input_files

_STOP_SECONDS: Final = 0.1


class Session(Protocol):
    """An open connection in a transaction of its own."""

    placeholder: str

    def execute(self, sql: str, values: Sequence[object]) -> "Result":
        """Run one statement; raises TaskFailed with the database's message."""

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """Run one statement for each row of values; how many rows it touched."""

    def commit(self) -> None: ...
    def rollback(self) -> None: ...


@dataclass(slots=True)
class Result:
    """Rows of a query, or how many rows a change touched (None where that means nothing)."""

    rows: Iterator[Row] | None
    affected: int | None


class JdbcConnection(Properties):
    """Common properties of everything that connects to a database."""

    url: Property[Text] | None = None
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    time_zone_id: Property[Text] | None = None
    connection_pooling: Property[bool] | None = None
    connection_pool_size: Property[int] | None = None


class SqlQuery(JdbcConnection):
    """Common properties of whatever runs statements and fetches rows."""

    sql: Property[Text]
    after_sql: Property[Text] | None = Field(default=None, alias="afterSQL")
    store: bool = False
    fetch_one: bool = False
    fetch: bool = False
    fetch_type: Property[FetchType] = Property("NONE", FetchType)
    fetch_size: Property[int] = Property(10_000, int)
    parameters: Property[dict[str, Any]] | None = None


class SqlTask(SqlQuery, RunnableTask):
    """Common properties of SQL tasks."""

    input_files: Property[InputFiles] | None = None
    output_files: Property[list[Text]] | None = None

    def session(self, ctx: RunContext) -> AbstractContextManager[Session]:
        """Connect; raises TaskFailed saying why it cannot."""
        raise NotImplementedError

    def statement(self, ctx: RunContext) -> str:
        """The rendered SQL; `{{ workingDir }}` and input files are in place."""
        self.prepare(ctx)
        return ctx.render(self.sql)

    def prepare(self, ctx: RunContext) -> None:
        """Fill the working directory."""
        place_input_files(ctx, self.input_files)
        _ = ctx.workdir

    def named(self, ctx: RunContext) -> Mapping[str, object]:
        return ctx.render(self.parameters) if self.parameters is not None else {}

    def how(self, ctx: RunContext) -> FetchType:
        return fetch_type(
            ctx, self.fetch_type, fetch=self.fetch, store=self.store, fetch_one=self.fetch_one
        )

    def files(self, ctx: RunContext) -> dict[str, object]:
        if self.output_files is None:
            return {}
        return {"outputFiles": collect_outputs(ctx, ctx.render(self.output_files))}

    def finish(self, ctx: RunContext, session: Session) -> None:
        """Run `afterSQL` in the same transaction, then commit."""
        if self.after_sql is not None:
            for statement in split_statements(ctx.render(self.after_sql)):
                session.execute(statement, [])
        session.commit()


@contextmanager
def stopped_on_kill(ctx: RunContext, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` when the task is killed, again and again until the block ends.

    Once is not enough: databases forget a cancellation that comes between two statements.
    """
    done = threading.Event()

    def insist() -> None:
        while not done.wait(_STOP_SECONDS):
            stop()

    def begin() -> None:
        stop()
        threading.Thread(target=insist, name="stop-sql", daemon=True).start()

    ctx.on_kill(begin)
    try:
        yield
    finally:
        done.set()


class QueryTask(SqlTask):
    """One statement whose rows are wanted; further statements before it are run as well."""

    def run(self, ctx: RunContext) -> Outputs:
        statements = split_statements(self.statement(ctx))
        if not statements:
            raise TaskFailed("`sql` holds no statement")
        with self.session(ctx) as session:
            try:
                last: dict[str, object] = {}
                for statement in statements:
                    is_last = statement is statements[-1]
                    last = self._one(ctx, session, statement, wanted=is_last)
                self.finish(ctx, session)
            except BaseException:
                session.rollback()
                raise
        return {**last, **self.files(ctx)}

    def _one(
        self, ctx: RunContext, session: Session, statement: str, *, wanted: bool
    ) -> dict[str, object]:
        sql, values = bind_named(statement, self.named(ctx), session.placeholder)
        ctx.log.debug(f"running\n{sql}")
        result = session.execute(sql, values)
        if result.rows is not None and wanted:
            return fetched(ctx, result.rows, self.how(ctx))
        if result.affected is not None:
            ctx.log.info(f"{result.affected} rows affected")
            ctx.metric("rows.affected", result.affected)
            return {"size": result.affected}
        return {}


class QueriesTask(SqlTask):
    """Several statements; with `transaction` all of them take effect or none."""

    transaction: Property[bool] = Property(True, bool)

    def run(self, ctx: RunContext) -> Outputs:
        statements = split_statements(self.statement(ctx))
        if not statements:
            raise TaskFailed("`sql` holds no statement")
        whole, how, named = ctx.render(self.transaction), self.how(ctx), self.named(ctx)
        outputs: list[dict[str, object]] = []
        with self.session(ctx) as session:
            try:
                for number, statement in enumerate(statements, 1):
                    sql, values = bind_named(statement, named, session.placeholder)
                    ctx.log.debug(f"running statement {number} of {len(statements)}\n{sql}")
                    result = session.execute(sql, values)
                    if result.rows is not None and how != "NONE":
                        outputs.append(fetched(ctx, result.rows, how))
                    elif result.affected is not None:
                        ctx.log.info(f"statement {number}: {result.affected} rows affected")
                        ctx.metric("rows.affected", result.affected, statement=str(number))
                    if not whole:
                        session.commit()
                self.finish(ctx, session)
            except BaseException:
                session.rollback()
                raise
        return {"outputs": outputs, **self.files(ctx)}
