"""The table a job writes: found or created, emptied or grown, as its dispositions say."""

import re
from dataclasses import dataclass, replace

import duckdb

from mainstem.localgcp.bigquery.errors import BigQueryError, duplicate, invalid, not_found
from mainstem.localgcp.bigquery.evolution import (
    change_schema,
    check_matches,
    mismatch,
    with_added_columns,
)
from mainstem.localgcp.bigquery.model import (
    Kind,
    Labels,
    RangePartitioning,
    Table,
    TableRef,
    TimePartitioning,
)
from mainstem.localgcp.bigquery.names import relation
from mainstem.localgcp.bigquery.partitions import (
    condition,
    ingestion_start,
    misplaced,
    rows_of,
    unit_of,
)
from mainstem.localgcp.bigquery.sql.physical import PARTITION_TIME
from mainstem.localgcp.bigquery.sql.types import NULLABLE, REQUIRED, Field, quote
from mainstem.localgcp.bigquery.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Target:
    """What a job says of the table it writes."""

    ref: TableRef
    write: str
    partition: str | None = None
    create: str = "CREATE_IF_NEEDED"
    time_partitioning: TimePartitioning | None = None
    range_partitioning: RangePartitioning | None = None
    require_partition_filter: bool = False
    clustering: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    description: str | None = None
    friendly_name: str | None = None
    labels: Labels = ()

    @property
    def named(self) -> TableRef:
        """The table as the job names it, with its decorator."""
        if self.partition is None:
            return self.ref
        return replace(self.ref, table=f"{self.ref.table}${self.partition}")

    @property
    def replaces_table(self) -> bool:
        """Whether the whole table, its columns too, gives way to what is written."""
        return self.write == "WRITE_TRUNCATE" and self.partition is None

    def blank(self, schema: tuple[Field, ...], transaction: Transaction) -> Table:
        """The table to create when there is none."""
        now = transaction.now
        return Table(
            ref=self.ref,
            kind=Kind.TABLE,
            location="",
            schema=schema,
            created=now,
            modified=now,
            etag="",
            time_partitioning=self._time_partitioning(),
            range_partitioning=self.range_partitioning,
            require_partition_filter=self.require_partition_filter,
            clustering=self.clustering,
            description=self.description,
            friendly_name=self.friendly_name,
            labels=self.labels,
        )

    def _time_partitioning(self) -> TimePartitioning | None:
        if self.time_partitioning or self.range_partitioning or self.partition is None:
            return self.time_partitioning
        return unit_of(self.partition)


def prepare(transaction: Transaction, target: Target, schema: tuple[Field, ...]) -> Table:
    """The table, ready for rows of this schema."""
    transaction.catalog.dataset(target.ref.dataset_ref)
    held = transaction.catalog.find_table(target.ref, transaction.now)
    if held is None:
        if target.create == "CREATE_NEVER":
            raise not_found(f"Not found: Table {target.ref}")
        return transaction.create_table(target.blank(schema, transaction))
    if held.kind is not Kind.TABLE:
        raise invalid(
            f"{target.ref} is not allowed for this operation because it is currently a {held.kind}."
        )
    _check_layout_agrees(held, target)
    if target.partition is not None:
        return _with_room(transaction, target, held, schema)
    if not held.schema:
        return _replaced(transaction, held, schema)
    match target.write:
        case "WRITE_EMPTY":
            return _only_if_empty(transaction, target, held, schema)
        case "WRITE_TRUNCATE":
            return _replaced(transaction, held, schema)
        case _:
            return _grown(transaction, target, held, schema)


def with_required(
    transaction: Transaction, target: Target, schema: tuple[Field, ...]
) -> tuple[Field, ...]:
    """A query's columns under the modes of the table they go to: its rows are checked instead."""
    held = transaction.catalog.find_table(target.ref, transaction.now)
    if held is None or target.replaces_table:
        return schema
    if "ALLOW_FIELD_RELAXATION" in target.updates:
        return schema
    required = {field.name.casefold() for field in held.schema if field.is_required}
    return tuple(
        replace(field, mode=REQUIRED) if field.name.casefold() in required else field
        for field in schema
    )


def insert_rows(
    transaction: Transaction,
    table: Table,
    columns: list[str],
    query: str,
    partition: str | None = None,
) -> int:
    """Add a query's rows by column name; a missing REQUIRED value is BigQuery's error."""
    if partition is None:
        return _inserted(transaction, table, columns, query)
    start = ingestion_start(table, partition)
    if start is not None:
        timed = f"SELECT *, {start} AS {quote(PARTITION_TIME)} FROM ({query})"
        return _inserted(transaction, table, [*columns, PARTITION_TIME], timed)
    before = _count(transaction, table, partition)
    added = _inserted(transaction, table, columns, query)
    if _count(transaction, table, partition) - before != added:
        raise misplaced(table, partition)
    return added


def _count(transaction: Transaction, table: Table, partition: str) -> int:
    row = transaction.cursor.execute(f"SELECT count(*) FROM {rows_of(table, partition)}").fetchone()
    return int(row[0]) if row is not None else 0


def _inserted(transaction: Transaction, table: Table, columns: list[str], query: str) -> int:
    listed = ", ".join(quote(name) for name in columns)
    try:
        counted = transaction.cursor.execute(
            f"INSERT INTO {relation(table.ref)} ({listed}) SELECT {listed} FROM ({query})"
        ).fetchone()
    except duckdb.ConstraintException as problem:
        missing = re.search(r"NOT NULL constraint failed: .*?\.(\w+)", str(problem))
        if missing is None:
            raise invalid(f"A value is longer than its column of {table.ref} allows") from problem
        raise invalid(f"Required field {missing.group(1)} cannot be null") from problem
    transaction.touch(table.ref)
    return int(counted[0]) if counted is not None else 0


def _with_room(
    transaction: Transaction, target: Target, held: Table, schema: tuple[Field, ...]
) -> Table:
    """The table with one partition emptied, or found empty, if the job asks for it."""
    assert target.partition is not None
    where = condition(held, target.partition)
    if target.write == "WRITE_TRUNCATE":
        transaction.cursor.execute(f"DELETE FROM {relation(held.ref)} WHERE {where}")
    elif target.write == "WRITE_EMPTY" and _count(transaction, held, target.partition):
        raise duplicate(f"Already Exists: Table {held.ref}${target.partition}")
    if not held.schema:
        return _replaced(transaction, held, schema)
    return _grown(transaction, target, held, schema)


def _only_if_empty(
    transaction: Transaction, target: Target, held: Table, schema: tuple[Field, ...]
) -> Table:
    row = transaction.cursor.execute(f"SELECT 1 FROM {relation(held.ref)} LIMIT 1").fetchone()
    if row is not None:
        raise duplicate(f"Already Exists: Table {held.ref}")
    return _grown(transaction, target, held, schema)


def _replaced(transaction: Transaction, held: Table, schema: tuple[Field, ...]) -> Table:
    """Truncation, or a table's first schema: what was said of the table stays."""
    emptied = replace(held, schema=schema)
    if [f.physical_type() for f in held.schema] == [f.physical_type() for f in schema] and [
        (f.name, f.mode) for f in held.schema
    ] == [(f.name, f.mode) for f in schema]:
        transaction.cursor.execute(f"DELETE FROM {relation(held.ref)}")
        texts = {f.name.casefold(): f.description for f in held.schema}
        kept = tuple(
            replace(f, description=f.description or texts.get(f.name.casefold())) for f in schema
        )
        return transaction.update_table(replace(held, schema=kept))
    transaction.cursor.execute(f"DROP TABLE {relation(held.ref)}")
    transaction.cursor.execute(transaction.relation_sql(emptied))
    return transaction.update_table(emptied)


def _grown(
    transaction: Transaction, target: Target, held: Table, schema: tuple[Field, ...]
) -> Table:
    wanted = held.schema
    if "ALLOW_FIELD_ADDITION" in target.updates:
        wanted = with_added_columns(replace(held, schema=wanted), schema)
    if "ALLOW_FIELD_RELAXATION" in target.updates:
        wanted = _relaxed(wanted, schema)
    check_matches(held.ref, wanted, schema)
    _check_required_present(held.ref, wanted, schema)
    if wanted == held.schema:
        return held
    return transaction.update_table(change_schema(transaction, held, wanted))


def _relaxed(held: tuple[Field, ...], given: tuple[Field, ...]) -> tuple[Field, ...]:
    """Required columns that the data may leave out become nullable."""
    required = {field.name.casefold() for field in given if field.is_required}
    return tuple(
        replace(field, mode=NULLABLE)
        if field.is_required and field.name.casefold() not in required
        else field
        for field in held
    )


def _check_required_present(
    ref: TableRef, held: tuple[Field, ...], given: tuple[Field, ...]
) -> None:
    names = {field.name.casefold() for field in given}
    for field in held:
        if field.is_required and field.name.casefold() not in names:
            raise mismatch(ref, f"Field {field.name} is missing in new schema")


def _check_layout_agrees(held: Table, target: Target) -> None:
    wanted, own = target.time_partitioning, held.time_partitioning
    same_time = wanted is None or (
        own is not None and (wanted.type, wanted.field) == (own.type, own.field)
    )
    same_range = target.range_partitioning in (None, held.range_partitioning)
    if not same_time or not same_range:
        raise BigQueryError(
            "invalid",
            "Incompatible table partitioning specification. Expects partitioning specification "
            f"{describe_layout(held)}, but input partitioning specification is "
            f"{describe_layout(target)}",
        )
    if target.clustering and target.clustering != held.clustering:
        raise BigQueryError(
            "invalid",
            "Incompatible table partitioning specification. Expects clustering on "
            f"({', '.join(held.clustering) or 'none'}), but input clustering is on "
            f"({', '.join(target.clustering)})",
        )


def describe_layout(spec: Table | Target) -> str:
    by_time, by_range = spec.time_partitioning, spec.range_partitioning
    if by_time is not None:
        return f"interval(type:{by_time.type.lower()},field:{by_time.field or '_PARTITIONTIME'})"
    return "none" if by_range is None else f"range(field:{by_range.field})"
