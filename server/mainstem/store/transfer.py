"""Whole tables out of one database and into another, whichever dialects they have.

Tables are taken as the database itself describes them, so that this also carries schemas that
today's program no longer knows.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Integer, LargeBinary, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from mainstem.errors import Conflict, InvalidInput
from mainstem.store.migrate import MIGRATIONS
from mainstem.store.tables import schema_versions

Row = dict[str, Any]

_ROWS: Final = 1_000
# What is true of running processes only.
_LOCAL: Final = frozenset({"leases", "workers", "jobs"})
_MODULUS: Final = 1 << 128


@dataclass(slots=True)
class Tally:
    """Number of rows and a checksum that does not depend on their order."""

    rows: int = 0
    checksum: int = 0

    def add(self, line: bytes) -> None:
        self.rows += 1
        digest = hashlib.blake2b(line, digest_size=16).digest()
        self.checksum = (self.checksum + int.from_bytes(digest, "big")) % _MODULUS


def tables_of(tx: Connection) -> list[Table]:
    """The tables with contents worth keeping, by name."""
    found = MetaData()
    found.reflect(tx)
    skipped = {schema_versions.name, *_LOCAL}
    return [table for name, table in sorted(found.tables.items()) if name not in skipped]


def schema_of(tx: Connection) -> list[int]:
    """Numbers of the migrations that the database has seen."""
    return sorted(tx.execute(select(schema_versions.c.version)).scalars())


def make_schema(tx: Connection, versions: Sequence[int]) -> None:
    """Give an empty database the schema that another one had; raises InvalidInput if unknown."""
    known = {migration.VERSION: migration for migration in MIGRATIONS}
    unknown = [number for number in versions if number not in known]
    if unknown:
        raise InvalidInput(
            f"the backup has schema {unknown[-1]}, which this program does not know: install the "
            "program that wrote it, or a newer one"
        )
    schema_versions.create(tx, checkfirst=True)
    for number in versions:
        known[number].apply(tx)
        row = {"version": number, "name": known[number].NAME, "applied_at": _EPOCH}
        tx.execute(text("INSERT INTO schema_versions VALUES (:version, :name, :applied_at)"), row)


_EPOCH: Final = 0


def require_empty(tx: Connection) -> None:
    """Raises Conflict naming a table that has rows."""
    for table in tables_of(tx):
        if tx.execute(select(func.count()).select_from(table)).scalar_one():
            raise Conflict(
                f"the target database is not empty (table {table.name}): name an empty database"
            )


def rows_of(tx: Connection, table: Table) -> Iterator[list[Row]]:
    """The rows in parts, without holding all of them."""
    query = select(table).execution_options(stream_results=True, yield_per=_ROWS)
    for part in tx.execute(query).mappings().partitions():
        yield [dict(row) for row in part]


def load(tx: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows as they are; raises InvalidInput naming the table when one does not fit."""
    if not rows:
        return
    try:
        tx.execute(insert(table), list(rows))
    except (SQLAlchemyError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput(f"table {table.name}: a row cannot be stored here: {reason}") from error


def finish(tx: Connection, tables: Iterable[Table]) -> None:
    """Let automatic numbers go on after the ones that were loaded."""
    if tx.dialect.name != "postgresql":
        return
    for table in tables:
        keys = list(table.primary_key)
        if len(keys) == 1 and keys[0].name == "id" and isinstance(keys[0].type, Integer):
            highest = select(func.max(keys[0])).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, "id")
            tx.execute(select(func.setval(sequence, func.coalesce(highest, 0) + 1, False)))


def dump_row(table: Table, row: Row) -> bytes:
    """One line of JSON, the same on both dialects."""
    values = {column.name: _out(column.type, row[column.name]) for column in table.columns}
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def load_row(table: Table, line: bytes) -> Row:
    """A row back from its line; columns that the table lacks are refused by the database."""
    values = json.loads(line)
    return {
        name: _in(table.columns[name].type, value) if name in table.columns else value
        for name, value in values.items()
    }


def tally(tx: Connection, table: Table) -> Tally:
    """Count and checksum of what is in the table."""
    found = Tally()
    for part in rows_of(tx, table):
        for row in part:
            found.add(dump_row(table, row))
    return found


def _out(kind: object, value: Any) -> Any:
    if value is not None and isinstance(kind, LargeBinary):
        return b64encode(bytes(value)).decode()
    return value


def _in(kind: object, value: Any) -> Any:
    if value is not None and isinstance(kind, LargeBinary):
        return b64decode(value)
    return value


def copy(source: Connection, target: Connection) -> dict[str, int]:
    """All tables, verified; returns the numbers of rows. Nothing is kept if this raises."""
    require_empty(target)
    if schema_of(source) != schema_of(target):
        raise InvalidInput("the databases have different schemas: run `mainstem db upgrade` first")
    wanted = {table.name: table for table in tables_of(target)}
    counts: dict[str, int] = {}
    for table in tables_of(source):
        sent = Tally()
        for part in rows_of(source, table):
            for row in part:
                sent.add(dump_row(table, row))
            load(target, wanted[table.name], part)
        check(target, wanted[table.name], sent)
        counts[table.name] = sent.rows
    finish(target, wanted.values())
    return counts


def check(tx: Connection, table: Table, wanted: Tally) -> None:
    """Raises Conflict when the table does not hold exactly what was sent."""
    found = tally(tx, table)
    if found != wanted:
        raise Conflict(
            f"table {table.name} arrived differently: {found.rows} of {wanted.rows} rows, "
            "checksums differ. Nothing was kept; try again"
        )
