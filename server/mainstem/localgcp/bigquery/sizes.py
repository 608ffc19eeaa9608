"""Logical bytes as BigQuery counts them, column by column, remembered until rows change."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.localgcp.bigquery.database import Database
from mainstem.localgcp.bigquery.model import Table
from mainstem.localgcp.bigquery.names import relation
from mainstem.localgcp.bigquery.sql.types import Field, quote

FIXED: Final = {
    "INT64": 8,
    "FLOAT64": 8,
    "NUMERIC": 16,
    "BIGNUMERIC": 32,
    "BOOL": 1,
    "DATE": 8,
    "DATETIME": 8,
    "TIME": 8,
    "TIMESTAMP": 8,
    "INTERVAL": 16,
}
LENGTH_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Measured:
    rows: int
    columns: Mapping[str, int]
    """Bytes by column name in lower case."""

    @property
    def bytes(self) -> int:
        return sum(self.columns.values())


NOTHING: Final = Measured(0, {})


class Sizes:
    """Measures native tables; an etag changes with the rows, so it keys the memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._known: dict[str, tuple[str, Measured]] = {}

    def of(self, table: Table) -> Measured:
        if not table.is_native:
            return NOTHING
        key = relation(table.ref)
        held = self._known.get(key)
        if held is not None and held[0] == table.etag:
            return held[1]
        measured = self._measure(table)
        with self._guard:
            self._known[key] = (table.etag, measured)
        return measured

    def _measure(self, table: Table) -> Measured:
        sums = [f"sum({byte_size(quote(f.name), f)})" for f in table.schema]
        with self._database.reading() as cursor:
            row = cursor.execute(
                f"SELECT {', '.join(['count(*)', *sums])} FROM {relation(table.ref)}"
            ).fetchone()
        assert row is not None
        names = [field.name.casefold() for field in table.schema]
        return Measured(row[0], {n: int(v or 0) for n, v in zip(names, row[1:], strict=True)})


def byte_size(source: str, field: Field) -> str:
    """DuckDB SQL for the logical bytes of one value."""
    if not field.is_repeated:
        return _single(source, field)
    return f"list_sum(list_transform({source}, lambda e: {_single('e', field)}))"


def _single(source: str, field: Field) -> str:
    if field.type == "STRUCT":
        parts = [
            f"coalesce({byte_size(f'({source}).{quote(member.name)}', member)}, 0)"
            for member in field.fields
        ]
        return f"({' + '.join(parts)})"
    if field.type in FIXED:
        return f"CASE WHEN {source} IS NULL THEN 0 ELSE {FIXED[field.type]} END"
    length = f"octet_length({source})" if field.type == "BYTES" else f"strlen({source}::VARCHAR)"
    return f"coalesce({LENGTH_BYTES} + {length}, 0)"
