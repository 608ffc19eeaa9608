"""CSV."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import ClassVar, Final, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.plugins.serdes.rows import Conversion, ion_rows, json_value, write_ion, write_text
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property
from mainstem.sdk.task import Outputs

_OUTPUTS = {"uri": "The file that was written.", "size": "The number of rows."}
QuoteMode = Literal["ALWAYS", "REQUIRED", "NON_NUMERIC", "MINIMAL", "ALL", "NONE"]
_QUOTING: Final[Mapping[str, int]] = {
    "ALWAYS": csv.QUOTE_ALL,
    "REQUIRED": csv.QUOTE_MINIMAL,
    "NON_NUMERIC": csv.QUOTE_NONNUMERIC,
    "MINIMAL": csv.QUOTE_MINIMAL,
    "ALL": csv.QUOTE_ALL,
    "NONE": csv.QUOTE_NONE,
}
_NUMERIC: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
csv.field_size_limit(50_000_000)


class CsvToIon(Conversion):
    """Read a CSV file into Ion rows."""

    TYPE: ClassVar[str] = "io.kestra.plugin.serdes.csv.CsvToIon"
    OUTPUTS: ClassVar[Mapping[str, str]] = _OUTPUTS

    header: Property[bool] = Property(True, bool)
    field_separator: Property[str] = Property(",", str)
    text_delimiter: Property[str] = Property('"', str)
    skip_empty_rows: Property[bool] = Property(False, bool)
    skip_rows: Property[int] = Property(0, int)
    error_on_different_field_count: Property[bool] = Property(False, bool)
    max_bad_lines: Property[int] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        with self.source(ctx) as text:
            lines = csv.reader(
                text,
                delimiter=_one(ctx.render(self.field_separator), "fieldSeparator"),
                quotechar=_one(ctx.render(self.text_delimiter), "textDelimiter"),
            )
            return write_ion(ctx, self._rows(ctx, lines), "rows.ion")

    def _rows(self, ctx: RunContext, lines: Iterator[list[str]]) -> Iterator[object]:
        names = self._names(ctx, lines)
        strict = ctx.render(self.error_on_different_field_count)
        skip_empty = ctx.render(self.skip_empty_rows)
        width = len(names) if names is not None else None
        for number, line in enumerate(lines, 1):
            if not line and (skip_empty or names is not None):
                continue
            width = len(line) if width is None else width
            if strict and len(line) != width:
                raise InvalidInput(f"row {number} has {len(line)} fields, not {width}")
            if names is None:
                yield line
            else:
                yield {name: line[at] if at < len(line) else None for at, name in enumerate(names)}

    def _names(self, ctx: RunContext, lines: Iterator[list[str]]) -> list[str] | None:
        for _ in range(ctx.render(self.skip_rows)):
            next(lines, None)
        if not ctx.render(self.header):
            return None
        found = next(lines, [])
        return [name.removeprefix("\ufeff") for name in found]


class IonToCsv(Conversion):
    """Write Ion rows as a CSV file; the first row names the columns."""

    TYPE: ClassVar[str] = "io.kestra.plugin.serdes.csv.IonToCsv"
    OUTPUTS: ClassVar[Mapping[str, str]] = _OUTPUTS

    header: Property[bool] = Property(True, bool)
    field_separator: Property[str] = Property(",", str)
    line_delimiter: Property[str] = Property("\n", str)
    text_delimiter: Property[str] = Property('"', str)
    always_delimit_text: Property[bool] = Property(False, bool)
    quote_mode: Property[QuoteMode] | None = Field(
        default=None, description="Which texts to quote: ALWAYS, REQUIRED or NON_NUMERIC ones."
    )
    date_format: Property[str] | None = None
    time_format: Property[str] | None = None
    date_time_format: Property[str] | None = None
    time_zone_id: Property[str] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        rows = ion_rows(ctx, ctx.render(self.from_))
        written = write_text(ctx, self._lines(ctx, rows), "rows.csv", ctx.render(self.charset))
        headed = ctx.render(self.header) and int(str(written["size"])) > 0
        return {**written, "size": int(str(written["size"])) - headed}

    def _lines(self, ctx: RunContext, rows: Iterator[object]) -> Iterator[str]:
        line = _Line()
        writer = csv.writer(
            line,
            delimiter=_one(ctx.render(self.field_separator), "fieldSeparator"),
            quotechar=_one(ctx.render(self.text_delimiter), "textDelimiter"),
            lineterminator=ctx.render(self.line_delimiter),
            quoting=self._quoting(ctx),  # type: ignore[arg-type]
            escapechar="\\",
            doublequote=True,
        )
        names: list[str] | None = None
        for row in rows:
            if isinstance(row, Mapping):
                if names is None:
                    names = [str(key) for key in row]
                    if ctx.render(self.header):
                        writer.writerow(names)
                        yield line.text
                values = [row.get(name) for name in names]
            elif isinstance(row, (list, tuple)):
                values = list(row)
            else:
                raise InvalidInput("a row of a CSV file must be a map or a list")
            writer.writerow([self._cell(ctx, value) for value in values])
            yield line.text

    def _quoting(self, ctx: RunContext) -> int:
        if self.quote_mode is not None:
            return _QUOTING[ctx.render(self.quote_mode)]
        return csv.QUOTE_ALL if ctx.render(self.always_delimit_text) else csv.QUOTE_MINIMAL

    def _cell(self, ctx: RunContext, value: object) -> object:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (datetime, date, time)):
            return self._moment(ctx, value)
        if isinstance(value, (Mapping, list, tuple)):
            return json.dumps(value, default=json_value)
        if isinstance(value, str) and _NUMERIC.fullmatch(value):
            return _NumberText(value)
        return value

    def _moment(self, ctx: RunContext, value: datetime | date | time) -> str:
        prop = self.date_format
        if isinstance(value, datetime):
            prop = self.date_time_format
        elif isinstance(value, time):
            prop = self.time_format
        zone = ctx.render(self.time_zone_id) if self.time_zone_id is not None else None
        if prop is None and zone is None:
            return value.isoformat()
        given = {"value": value, "pattern": ctx.render(prop) if prop is not None else "iso"}
        text = "{{ value | date(pattern) }}"
        if zone is not None and isinstance(value, datetime):
            given["zone"], text = zone, "{{ value | date(pattern, timeZone=zone) }}"
        return str(ctx.render_value(text, given))


class _NumberText:
    """Text of a number: the writer takes it for one and prints it as it was."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __float__(self) -> float:
        return float(self._text)

    def __str__(self) -> str:
        return self._text


class _Line:
    """What the csv writer writes into: the line of one row."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def _one(text: str, name: str) -> str:
    found = {"\\t": "\t"}.get(text, text)
    if len(found) != 1:
        raise InvalidInput(f"`{name}` must be one character")
    return found
