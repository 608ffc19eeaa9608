"""Copy jobs: tables into a table, snapshots and clones of a table, a table from a snapshot."""

from dataclasses import dataclass, replace
from datetime import datetime

from mainstem.localgcp.bigquery.destination import Target, insert_rows, prepare
from mainstem.localgcp.bigquery.errors import duplicate, invalid, not_found
from mainstem.localgcp.bigquery.jobs.job import Output
from mainstem.localgcp.bigquery.jobs.location import check_location
from mainstem.localgcp.bigquery.jobs.runner import Running
from mainstem.localgcp.bigquery.model import Kind, Table, TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS
from mainstem.localgcp.bigquery.partitions import rows_of
from mainstem.localgcp.bigquery.sql.types import quote
from mainstem.localgcp.bigquery.transaction import Transaction
from mainstem.localgcp.bigquery.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Copy:
    sources: tuple[tuple[TableRef, str | None], ...]
    target: Target
    operation: str
    expires: datetime | None = None


def run_copy(warehouse: Warehouse, running: Running, copy: Copy) -> Output:
    """Copy rows and, into a new table, everything that is said of the first source."""
    for ref, _ in copy.sources:
        check_location(warehouse, running, ref.dataset_ref)
    check_location(warehouse, running, copy.target.ref.dataset_ref)
    with warehouse.database.writing(copy.target.ref.project, running.cursor) as transaction:
        tables = [_source(warehouse, transaction, ref, copy) for ref, _ in copy.sources]
        if copy.operation == "SNAPSHOT":
            table = _snapshot(transaction, tables, copy)
        else:
            table = _destination(transaction, tables[0], copy)
        rows = 0
        for source, (_, partition) in zip(tables, copy.sources, strict=True):
            columns = [field.name for field in source.schema]
            listed = ", ".join(quote(name) for name in columns)
            query = f"SELECT {listed} FROM {rows_of(source, partition)}"
            rows += insert_rows(transaction, table, columns, query, copy.target.partition)
    made = warehouse.database.catalog(table.ref.project).table(table.ref, warehouse.database.now())
    size = warehouse.sizes.of(made).bytes
    statistics = {"copiedRows": str(rows), "copiedLogicalBytes": str(size)}
    return Output({"copy": statistics}, 0, table.ref)


def _source(warehouse: Warehouse, transaction: Transaction, ref: TableRef, copy: Copy) -> Table:
    if ref.dataset == ANONYMOUS:
        return warehouse.results.table(ref)
    own = ref.project == transaction.catalog.project
    catalog = transaction.catalog if own else warehouse.database.catalog(ref.project)
    found = catalog.table(ref, transaction.now)
    if not found.is_native:
        raise invalid(
            f"{ref} is not allowed for this operation because it is currently a {found.kind}."
        )
    if copy.operation == "RESTORE" and found.kind is not Kind.SNAPSHOT:
        raise invalid(f"RESTORE needs a snapshot, and {ref} is a {found.kind}")
    return found


def _snapshot(transaction: Transaction, tables: list[Table], copy: Copy) -> Table:
    if len(tables) != 1:
        raise invalid("A snapshot is taken of exactly one table")
    ref = copy.target.ref
    if transaction.catalog.find_table(ref, transaction.now) is not None:
        raise duplicate(f"Already Exists: Table {ref}")
    snapshot = replace(
        tables[0],
        ref=ref,
        kind=Kind.SNAPSHOT,
        snapshot_of=tables[0].ref,
        snapshot_time=transaction.now,
        expires=copy.expires,
        labels=(),
    )
    return transaction.create_table(snapshot)


def _destination(transaction: Transaction, source: Table, copy: Copy) -> Table:
    """The table to fill; a new one gets the source's layout, description and labels."""
    ref, now = copy.target.ref, transaction.now
    held = transaction.catalog.find_table(ref, now)
    if held is not None:
        return prepare(transaction, copy.target, source.schema)
    transaction.catalog.dataset(ref.dataset_ref)
    if copy.target.create == "CREATE_NEVER":
        raise not_found(f"Not found: Table {ref}")
    twin = replace(
        source,
        ref=ref,
        kind=Kind.TABLE,
        expires=copy.expires,
        snapshot_of=None,
        snapshot_time=None,
        foreign_keys=None,
    )
    return transaction.create_table(twin)
