"""One write: data and catalog change together, or not at all."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import duckdb

from mainstem.localgcp.bigquery import names, store
from mainstem.localgcp.bigquery.catalog import Catalog
from mainstem.localgcp.bigquery.errors import BigQueryError, duplicate
from mainstem.localgcp.bigquery.layout import check_layout
from mainstem.localgcp.bigquery.model import (
    Dataset,
    DatasetRef,
    Table,
    TableRef,
    TimePartitioning,
)
from mainstem.localgcp.bigquery.sql.defaults import duckdb_defaults
from mainstem.localgcp.bigquery.sql.host import Routine
from mainstem.localgcp.bigquery.sql.physical import PARTITION_TIME, relation_sql
from mainstem.localgcp.bigquery.sql.types import quote


def new_etag() -> str:
    return secrets.token_urlsafe(16)


class Transaction:
    """What one writer sees and changes; `catalog` is published when it has been committed."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, catalog: Catalog, now: datetime) -> None:
        self.cursor = cursor
        self.catalog = catalog
        self.now = now

    def create_dataset(self, dataset: Dataset) -> Dataset:
        """Add a dataset, whose etag and times are set here."""
        names.check_dataset(dataset.ref)
        if dataset.ref.dataset in self.catalog.datasets:
            raise duplicate(f"Already Exists: Dataset {dataset.ref}")
        self.cursor.execute(f"CREATE SCHEMA {names.schema(dataset.ref)}")
        stamped = replace(dataset, created=self.now, modified=self.now, etag=new_etag())
        return self._put_dataset(stamped)

    def update_dataset(self, dataset: Dataset) -> Dataset:
        self.catalog.dataset(dataset.ref)
        return self._put_dataset(replace(dataset, modified=self.now, etag=new_etag()))

    def drop_dataset(self, ref: DatasetRef, *, with_contents: bool = False) -> None:
        """Remove a dataset; BigQuery refuses while it holds tables, unless told otherwise."""
        self.catalog.dataset(ref)
        held = self.catalog.tables_of(ref, self.now) or self.catalog.routines.get(ref.dataset)
        if held and not with_contents:
            raise BigQueryError("resourceInUse", f"Dataset {ref} is still in use")
        for table in list(self.catalog.tables.get(ref.dataset, {}).values()):
            self.drop_table(table.ref)
        for routine in list(self.catalog.routines.get(ref.dataset, {}).values()):
            self.drop_routine(routine.ref)
        self.cursor.execute(f"DROP SCHEMA {names.schema(ref)}")
        store.remove(self.cursor, ref.project, "dataset", ref.dataset, "")
        self.catalog = self.catalog.without_dataset(ref)

    def create_table(self, table: Table) -> Table:
        """Add a table and, when it is native, its empty relation."""
        names.check_table(table.ref)
        dataset = self.catalog.dataset(table.ref.dataset_ref)
        if self.catalog.find_table(table.ref, self.now) is not None:
            raise duplicate(f"Already Exists: Table {table.ref}")
        if table.ref.table in self.catalog.tables.get(table.ref.dataset, {}):
            self.drop_table(table.ref)
        for column in table.schema:
            names.check_column(column.name)
        check_layout(table)
        stamped = replace(
            table,
            created=self.now,
            modified=self.now,
            etag=new_etag(),
            location=dataset.location,
            expires=table.expires or self._default_expiry(dataset, table),
            time_partitioning=_with_default_expiration(dataset, table),
        )
        if stamped.is_native:
            self.cursor.execute(self.relation_sql(stamped))
        return self._put_table(stamped)

    def relation_sql(self, table: Table) -> str:
        """CREATE TABLE for the rows of a native table."""
        by_time = table.time_partitioning
        unit = by_time.type if by_time is not None and by_time.field is None else None
        return relation_sql(
            names.relation(table.ref),
            table.schema,
            duckdb_defaults(table.schema),
            ingestion_unit=unit,
        )

    def update_table(self, table: Table) -> Table:
        """Replace what is said of a table; its relation was altered already if it had to be."""
        self.catalog.table(table.ref, self.now)
        return self._put_table(replace(table, modified=self.now, etag=new_etag()))

    def drop_table(self, ref: TableRef) -> None:
        held = self.catalog.tables.get(ref.dataset, {}).get(ref.table)
        if held is None:
            self.catalog.table(ref, self.now)
            return
        if held.is_native:
            self.cursor.execute(f"DROP TABLE {names.relation(ref)}")
        store.remove(self.cursor, ref.project, "table", ref.dataset, ref.table)
        self.catalog = self.catalog.without_table(ref)

    def touch(self, ref: TableRef) -> None:
        """Note that the rows of a table changed; those of expired partitions go at once."""
        table = self.catalog.table(ref, self.now)
        if table.time_partitioning is not None and table.time_partitioning.expiration_ms:
            self.cursor.execute(_expired_rows_sql(table, table.time_partitioning), [self.now])
        self.update_table(table)

    def put_routine(self, routine: Routine) -> None:
        self.catalog.dataset(routine.ref.dataset_ref)
        store.put(self.cursor, routine)
        self.catalog = self.catalog.with_routine(routine)

    def drop_routine(self, ref: TableRef) -> None:
        self.catalog.routine(ref)
        store.remove(self.cursor, ref.project, "routine", ref.dataset, ref.table)
        self.catalog = self.catalog.without_routine(ref)

    def drop_expired(self) -> None:
        """Free the room of tables whose time has passed."""
        for table in list(self.catalog.expired(self.now)):
            self.drop_table(table.ref)

    def _put_dataset(self, dataset: Dataset) -> Dataset:
        store.put(self.cursor, dataset)
        self.catalog = self.catalog.with_dataset(dataset)
        return dataset

    def _put_table(self, table: Table) -> Table:
        store.put(self.cursor, table)
        self.catalog = self.catalog.with_table(table)
        return table

    def _default_expiry(self, dataset: Dataset, table: Table) -> datetime | None:
        after_ms = dataset.default_table_expiration_ms
        if after_ms is None or not table.is_native:
            return None
        return self.now + timedelta(milliseconds=after_ms)


def _expired_rows_sql(table: Table, by_time: TimePartitioning) -> str:
    """Delete what lies in partitions that began longer ago than they may be kept."""
    column = quote(by_time.field or PARTITION_TIME)
    began = f"date_trunc('{by_time.type.lower()}', {column}::TIMESTAMP)"
    return (
        f"DELETE FROM {names.relation(table.ref)} "
        f"WHERE {began} + INTERVAL ({by_time.expiration_ms}) MILLISECOND <= ?::TIMESTAMP"
    )


def _with_default_expiration(dataset: Dataset, table: Table) -> TimePartitioning | None:
    by_time = table.time_partitioning
    after_ms = dataset.default_partition_expiration_ms
    if by_time is None or by_time.expiration_ms is not None or after_ms is None:
        return by_time
    return replace(by_time, expiration_ms=after_ms)
