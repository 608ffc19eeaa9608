"""Rows of Ion text, and what all conversions share."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal

from mainstem.expr.ion import from_ion, to_ion
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_FLUSH = 1 << 18


class Conversion(RunnableTask):
    """From one file of internal storage to another."""

    from_: Property[Text]
    charset: Property[Text] = Property("UTF-8", str)

    @contextmanager
    def source(self, ctx: RunContext) -> Iterator[io.TextIOWrapper]:
        """The source as text, lines as they are."""
        with (
            ctx.files.open(ctx.render(self.from_)) as file,
            io.TextIOWrapper(file, ctx.render(self.charset), newline="") as text,
        ):
            yield text


def ion_rows(ctx: RunContext, uri: str) -> Iterator[object]:
    """The rows of an Ion file, one a line."""
    with ctx.files.open(uri) as file, io.TextIOWrapper(file, "utf-8") as text:
        for line in text:
            if line.strip():
                yield from_ion(line, all_rows=False)


def write_ion(ctx: RunContext, rows: Iterable[object], name: str) -> Outputs:
    """Store rows as Ion; gives `uri` and `size`."""
    return write_text(ctx, (f"{to_ion(row)}\n" for row in rows), name, "utf-8")


def write_text(ctx: RunContext, pieces: Iterable[str], name: str, charset: str) -> Outputs:
    """Store texts, one a row, as one file; gives `uri` and `size`, the number of rows."""
    count = 0
    with ctx.files.writer(name) as file:
        waiting: list[str] = []
        length = 0
        for piece in pieces:
            count += 1
            waiting.append(piece)
            length += len(piece)
            if length > _FLUSH:
                file.write("".join(waiting).encode(charset))
                waiting, length = [], 0
        file.write("".join(waiting).encode(charset))
    ctx.metric("records", count)
    return {"uri": file.uri, "size": count}


def json_value(value: object) -> object:
    """What JSON has no form for, as text or number."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)
