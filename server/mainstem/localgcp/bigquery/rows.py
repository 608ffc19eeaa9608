"""Rows as the JSON text of the REST API, written by DuckDB column by column.

Python never sees a value: every row arrives as one string `{"f":[{"v":…},…]}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.sql.types import Field, member_name, quote

FETCH: Final = 8192
MOST_PAGE_BYTES: Final = 24 * 1024 * 1024
MOST_PAGE_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as JSON texts, and whether more follow."""

    rows: tuple[str, ...]
    has_more: bool

    def body(self) -> str:
        return f"[{','.join(self.rows)}]"


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows: from `start` on, at most `limit`; `total` where it is known beforehand."""

    start: int = 0
    limit: int | None = None
    total: int | None = None


def read_page(
    cursor: duckdb.DuckDBPyConnection,
    relation: str,
    fields: Sequence[Field],
    window: Window,
    *,
    int64_timestamps: bool,
) -> Page:
    """The rows of a window: at most a page's size, at least one where there is one."""
    wanted = MOST_PAGE_ROWS if window.limit is None else min(window.limit, MOST_PAGE_ROWS)
    if wanted == 0:
        return Page((), has_more=False)
    source = relation
    if window.start or window.total is None or window.total > wanted:
        source = f"({_windowed(cursor, relation, fields, window.start, wanted + 1)})"
    cursor.execute(f"SELECT {row_sql(fields, int64_timestamps=int64_timestamps)} FROM {source}")
    rows: list[str] = []
    size = 0
    while size < MOST_PAGE_BYTES and (batch := cursor.fetchmany(FETCH)):
        rows += [row for (row,) in batch]
        size += sum(len(row) for (row,) in batch)
    has_more = len(rows) > wanted or size >= MOST_PAGE_BYTES
    return Page(tuple(rows[:wanted]), has_more)


def _windowed(
    cursor: duckdb.DuckDBPyConnection,
    relation: str,
    fields: Sequence[Field],
    start: int,
    limit: int,
) -> str:
    """Rows by their place; by row id, which DuckDB reads in parallel, where none was deleted.

    Limited in a query of its own: else DuckDB would write out every row before the offset too.
    """
    columns = ", ".join(quote(field.name) for field in fields) or "1"
    held = None
    if not relation.startswith("("):  # one partition has no row ids
        held = cursor.execute(f"SELECT count(*), max(rowid) FROM {relation}").fetchone()
    if held is not None and held[0] and held[1] == held[0] - 1:
        last = start + limit - 1
        return f"SELECT {columns} FROM {relation} WHERE rowid BETWEEN {start} AND {last}"
    return f"SELECT {columns} FROM {relation} LIMIT {limit} OFFSET {start}"


def row_sql(fields: Sequence[Field], *, int64_timestamps: bool) -> str:
    """One row of the relation as JSON text."""
    return _object(
        [(quote(field.name), field) for field in fields], int64_timestamps=int64_timestamps
    )


def _object(members: Sequence[tuple[str, Field]], *, int64_timestamps: bool) -> str:
    parts: list[str] = []
    glue = '{"f":['
    for source, field in members:
        value = _value(source, field, int64_timestamps=int64_timestamps)
        parts += [f"'{glue}{{\"v\":'", f"coalesce({value}, 'null')"]
        glue = "},"
    parts.append("'}]}'" if members else "'{\"f\":[]}'")
    return f"concat({', '.join(parts)})"


def _value(source: str, field: Field, *, int64_timestamps: bool) -> str:
    """The JSON text of `v`, NULL for NULL."""
    if not field.is_repeated:
        return _single(source, field, int64_timestamps=int64_timestamps)
    element = _single("e", field, int64_timestamps=int64_timestamps)
    each = f"lambda e: concat('{{\"v\":', coalesce({element}, 'null'), '}}')"
    return f"concat('[', array_to_string(list_transform(coalesce({source}, []), {each}), ','), ']')"


def _single(source: str, field: Field, *, int64_timestamps: bool) -> str:
    if field.type == "STRUCT":
        kind = field.element_type()
        members = [
            (f"({source}).{quote(member_name(kind, index))}", member)
            for index, member in enumerate(field.fields)
        ]
        inner = _object(members, int64_timestamps=int64_timestamps)
        return f"CASE WHEN {source} IS NOT NULL THEN {inner} END"
    return _scalar(source, field, int64_timestamps=int64_timestamps)


def _scalar(source: str, field: Field, *, int64_timestamps: bool) -> str:
    if field.type == "STRING":
        return f"to_json({source})::VARCHAR"
    if field.type == "JSON":
        return f"to_json({source}::VARCHAR)::VARCHAR"
    return f"'\"' || {scalar_text(source, field, int64_timestamps=int64_timestamps)} || '\"'"


def scalar_text(source: str, field: Field, *, int64_timestamps: bool) -> str:
    """A scalar as the text BigQuery writes, NULL for NULL; none of these needs escaping."""
    match field.type:
        case "NUMERIC" | "BIGNUMERIC":
            text = _decimal_text(source, field)
            has_fraction = field.precision is None or bool(field.scale)
            return f"rtrim(rtrim({text}, '0'), '.')" if has_fraction else text
        case "FLOAT64":
            return _float(source)
        case "BYTES":
            return f"to_base64({source})"
        case "DATETIME":
            return f"replace({_micros(source)}, ' ', 'T')"
        case "TIME":
            return _micros(source)
        case "TIMESTAMP" if int64_timestamps:
            return f"epoch_us({source})::VARCHAR"
        case "TIMESTAMP":
            return f"(epoch_us({source})::DOUBLE / 1000000)::VARCHAR"
        case "INTERVAL":
            return _interval(source)
        case _:
            return f"({source})::VARCHAR"


def _decimal_text(source: str, field: Field) -> str:
    """With all its digits; DuckDB writes 64-bit decimals three times as fast as 128-bit ones."""
    if field.type != "NUMERIC" or field.precision is not None:
        return f"({source})::VARCHAR"
    return (
        f"CASE WHEN {source} BETWEEN -999999999 AND 999999999 "
        f"THEN CAST({source} AS DECIMAL(18,9))::VARCHAR ELSE ({source})::VARCHAR END"
    )


def _float(source: str) -> str:
    return (
        f"CASE WHEN isfinite({source}) THEN ({source})::VARCHAR "
        f"WHEN isnan({source}) THEN 'NaN' WHEN {source} > 0 THEN 'Infinity' "
        f"WHEN {source} < 0 THEN '-Infinity' END"
    )


def _micros(source: str) -> str:
    """DuckDB drops trailing zeros of a fraction; BigQuery writes six digits or none."""
    text = f"({source})::VARCHAR"
    padded = f"rpad({text}, (length(split_part({text}, '.', 1)) + 7)::INTEGER, '0')"
    return f"CASE WHEN contains({text}, '.') THEN {padded} ELSE {text} END"


def _interval(source: str) -> str:
    months = f"(datepart('year', {source}) * 12 + datepart('month', {source}))"
    days = f"datepart('day', {source})"
    micros = (
        f"(datepart('hour', {source}) * 3600000000 + datepart('minute', {source}) * 60000000 "
        f"+ datepart('microsecond', {source}))"
    )
    sign = "CASE WHEN {0} < 0 THEN '-' ELSE '' END"
    fraction = f"abs({micros}) % 1000000"
    return (
        f"CASE WHEN {source} IS NOT NULL THEN "
        f"concat({sign.format(months)}, abs({months}) // 12, '-', abs({months}) % 12, ' ', "
        f"{days}, ' ', {sign.format(micros)}, abs({micros}) // 3600000000, ':', "
        f"abs({micros}) // 60000000 % 60, ':', abs({micros}) // 1000000 % 60, "
        f"CASE WHEN {fraction} = 0 THEN '' ELSE '.' || lpad(({fraction})::VARCHAR, 6, '0') END) END"
    )
