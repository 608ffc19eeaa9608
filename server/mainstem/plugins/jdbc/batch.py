"""Writing the rows of a file, many to a statement."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, ClassVar

from mainstem.errors import InvalidInput
from mainstem.expr.ion import from_ion
from mainstem.plugins.jdbc.tasks import JdbcConnection, Session
from mainstem.sdk.context import RunContext, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask


class BatchTask(JdbcConnection, RunnableTask):
    """Insert the Ion rows of a file; either `table`, or `sql` with a `?` for each value.

    Rows are maps, whose members `columns` names in the order of the statement, or lists.
    """

    QUOTE: ClassVar[str] = '"'

    from_: Property[Text]
    sql: Property[Text] | None = None
    table: Property[Text] | None = None
    columns: Property[list[Text]] | None = None
    chunk: Property[int] = Property(1000, int)

    def session(self, ctx: RunContext) -> AbstractContextManager[Session]:
        """Connect; raises TaskFailed saying why it cannot."""
        raise NotImplementedError

    def run(self, ctx: RunContext) -> Outputs:
        rows = _rows(ctx, ctx.render(self.from_))
        first = next(rows, None)
        if first is None:
            ctx.log.info("the file holds no rows")
            return {"rowCount": 0, "updatedCount": 0}
        names = self._columns(ctx, first)
        size = max(ctx.render(self.chunk), 1)
        count = updated = 0
        with self.session(ctx) as session:
            try:
                statement = self._statement(ctx, names, session.placeholder)
                part = [first, *islice(rows, size - 1)]
                while part:
                    if ctx.is_killed:
                        raise TaskKilled
                    values = [_values(row, names) for row in part]
                    updated += session.execute_many(statement, values)
                    count += len(part)
                    part = list(islice(rows, size))
                session.commit()
            except BaseException:
                session.rollback()
                raise
        ctx.log.info(f"wrote {count} rows")
        ctx.metric("records", count)
        ctx.metric("updated", updated)
        return {"rowCount": count, "updatedCount": updated}

    def _columns(self, ctx: RunContext, first: object) -> list[str] | None:
        """The members of a row in the order of the statement; None for rows that are lists."""
        if self.columns is not None:
            return list(ctx.render(self.columns))
        return list(first) if isinstance(first, Mapping) else None

    def _statement(self, ctx: RunContext, names: list[str] | None, placeholder: str) -> str:
        if self.sql is not None:
            return _with_placeholders(ctx.render(self.sql), placeholder)
        if self.table is None:
            raise InvalidInput("set `table`, or `sql` with a `?` for each value")
        if names is None:
            raise InvalidInput("rows that are lists need `columns` or `sql`")
        table = ".".join(self._quoted(part) for part in ctx.render(self.table).split("."))
        listed = ", ".join(map(self._quoted, names))
        marks = ", ".join([placeholder] * len(names))
        return f"INSERT INTO {table} ({listed}) VALUES ({marks})"  # noqa: S608

    def _quoted(self, name: str) -> str:
        plain = name.strip().strip(self.QUOTE)
        return f"{self.QUOTE}{plain.replace(self.QUOTE, self.QUOTE * 2)}{self.QUOTE}"


def _rows(ctx: RunContext, uri: str) -> Iterator[object]:
    with ctx.files.open(uri) as file, io.TextIOWrapper(file, "utf-8") as text:
        for line in text:
            if line.strip():
                yield from_ion(line, all_rows=False)


def _values(row: object, names: Sequence[str] | None) -> list[Any]:
    if isinstance(row, Mapping):
        return [row.get(name) for name in names or list(row)]
    if isinstance(row, (list, tuple)):
        return list(row)
    raise InvalidInput(f"a row is neither a map nor a list: {str(row)[:80]}")


def _with_placeholders(sql: str, placeholder: str) -> str:
    """`?` outside of quotes as the driver's own mark."""
    if placeholder == "?":
        return sql
    parts, quote = [], ""
    for letter in sql:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter == "?":
            parts.append(placeholder)
            continue
        parts.append("%%" if letter == "%" else letter)
    return "".join(parts)
