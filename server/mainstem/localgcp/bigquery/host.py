"""The catalog, the storage and one cursor as one query job sees them."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.catalog import Catalog
from mainstem.localgcp.bigquery.errors import invalid, not_found, unsupported
from mainstem.localgcp.bigquery.host_files import StorageWork
from mainstem.localgcp.bigquery.jobs.history import JobFilter
from mainstem.localgcp.bigquery.jobs.job import Job
from mainstem.localgcp.bigquery.model import Dataset, DatasetRef, ExternalConfig, Table, TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS, relation
from mainstem.localgcp.bigquery.readers import autodetect
from mainstem.localgcp.bigquery.readers.diagnosis import find_bad_records, too_many
from mainstem.localgcp.bigquery.readers.objects import find_objects
from mainstem.localgcp.bigquery.readers.scan import ScanFailed, Source, scan_sql
from mainstem.localgcp.bigquery.sql.host import (
    Answer,
    JobRow,
    Routine,
    TableSize,
)
from mainstem.localgcp.bigquery.sql.types import Field, literal, quote
from mainstem.localgcp.bigquery.transaction import Transaction
from mainstem.localgcp.bigquery.warehouse import Warehouse

TEXT_FORMATS: Final = ("CSV", "NEWLINE_DELIMITED_JSON")
Keep = Callable[["JobHost", Answer], object]


class JobHost:
    """Implements the SQL layer's `Host`.

    The location is the one the client named; when it named none, the first dataset used sets it.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        cursor: duckdb.DuckDBPyConnection,
        project: str,
        *,
        default_dataset: DatasetRef | None = None,
        location: str | None = None,
        keep: Keep | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._database = warehouse.database
        self.cursor = cursor
        self.project = project
        self.default_dataset = default_dataset
        self.pinned_location = location
        self.transaction: Transaction | None = None
        self.temporary: Mapping[str, Table] = {}
        """External tables that exist for this job alone, by their unqualified names."""
        self.scanned: dict[TableRef, Source] = {}
        self._snapshots: dict[str, Catalog] | None = None
        self._keep = keep or keep_anonymous

    @property
    def files(self) -> StorageWork:
        return StorageWork(self._warehouse, self.cursor, self.project, self._writer, self.scanned)

    @property
    def warehouse(self) -> Warehouse:
        return self._warehouse

    @property
    def location(self) -> str:
        return self.pinned_location or self._database.default_location

    def now(self) -> datetime:
        return self._database.now()

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self.transaction is not None or self._snapshots is not None:
            yield
            return
        self._snapshots = {}
        self.cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            self.cursor.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                self.cursor.execute("ROLLBACK")
            raise
        finally:
            self._snapshots = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        if self.transaction is not None:
            yield
            return
        with self._database.writing(self.project, self.cursor) as transaction:
            self.transaction = transaction
            try:
                yield
            finally:
                self.transaction = None

    def catalog(self, project: str) -> Catalog:
        """The project's catalog: the transaction's own, the snapshot, or the present one."""
        if self.transaction is not None and project == self.project:
            return self.transaction.catalog
        if self._snapshots is None:
            return self._database.catalog(project)
        if project not in self._snapshots:
            self._snapshots[project] = self._database.catalog(project)
        return self._snapshots[project]

    def dataset(self, ref: DatasetRef) -> Dataset | None:
        found = self.catalog(ref.project).datasets.get(ref.dataset)
        if found is not None:
            self._pin(ref, found.location)
        return found

    def datasets(self, project: str) -> Sequence[Dataset]:
        held = self.catalog(project).datasets
        return [held[name] for name in sorted(held)]

    def table(self, ref: TableRef) -> Table | None:
        if ref.table in self.temporary and ref.dataset_ref == self.default_dataset:
            return self.temporary[ref.table]
        if ref.dataset == ANONYMOUS:
            return self._warehouse.results.find(ref)
        if self.dataset(ref.dataset_ref) is None:
            return None
        return self.catalog(ref.project).find_table(ref, self.now())

    def tables(self, ref: DatasetRef) -> Sequence[Table]:
        return self.catalog(ref.project).tables_of(ref, self.now())

    def size(self, table: Table) -> TableSize:
        """Measured on a cursor of its own; rows alone where this transaction changed the table."""
        if not table.is_native or table.ref.dataset == ANONYMOUS:
            return TableSize(0, 0)
        if self.transaction is not None and not self._is_committed(table):
            count = self.cursor.execute(f"SELECT count(*) FROM {relation(table.ref)}").fetchone()
            return TableSize(int(count[0]) if count is not None else 0, 0)
        measured = self._warehouse.sizes.of(table)
        return TableSize(measured.rows, measured.bytes)

    def _is_committed(self, table: Table) -> bool:
        committed = self._database.catalog(table.ref.project).find_table(table.ref, self.now())
        return committed is not None and committed.etag == table.etag

    def external_bytes(self, table: Table) -> int:
        assert table.external is not None
        read = self.scanned.get(table.ref)
        if read is not None:
            return sum(file.size for file in read.files)
        files = find_objects(self._warehouse.storage, table.external.uris)
        return sum(file.size for file in files)

    def relation(self, ref: TableRef) -> str:
        return relation(ref)

    def external_relation(self, table: Table) -> str:
        assert table.external is not None
        storage = self._warehouse.storage
        files = find_objects(storage, table.external.uris)
        source = Source(table.external, table.schema, files, storage.root)
        self.scanned[table.ref] = source
        skips_bad = False
        if table.external.max_bad_records:
            bad = find_bad_records(self.cursor, source)
            if bad.count > table.external.max_bad_records:
                raise too_many(source, bad)
            skips_bad = bad.count > 0
        try:
            return f"({_as_queried(table, scan_sql(self.cursor, source, skips_bad=skips_bad))})"
        except ScanFailed:
            raise too_many(source, find_bad_records(self.cursor, source)) from None

    def detect_schema(self, config: ExternalConfig) -> tuple[Field, ...]:
        return self.detect(config).schema

    def detect(self, config: ExternalConfig) -> autodetect.Detected:
        """The schema of the files, and the options that were detected with it."""
        files = find_objects(self._warehouse.storage, config.uris)
        return autodetect.detect(self.cursor, config, files)

    def with_detected_schema(self, table: Table) -> Table:
        """An external table, complete: what was left out is found in its files."""
        if table.schema or table.external is None:
            return table
        if table.external.format in TEXT_FORMATS and not table.external.autodetect:
            raise invalid(
                f"Schema of external table {table.ref.table} is missing: give one or set autodetect"
            )
        found = self.detect(table.external)
        return replace(table, schema=found.schema, external=found.config)

    def create_dataset(self, dataset: Dataset) -> None:
        self._writer(dataset.ref.project).create_dataset(dataset)

    def update_dataset(self, dataset: Dataset) -> None:
        self._writer(dataset.ref.project).update_dataset(dataset)

    def drop_dataset(self, ref: DatasetRef) -> None:
        self._writer(ref.project).drop_dataset(ref)

    def create_table(self, table: Table) -> None:
        self._writer(table.ref.project).create_table(table)

    def update_table(self, table: Table) -> None:
        self._writer(table.ref.project).update_table(table)

    def drop_table(self, ref: TableRef) -> None:
        self._writer(ref.project).drop_table(ref)

    def touch(self, ref: TableRef) -> None:
        self._writer(ref.project).touch(ref)

    def routine(self, ref: TableRef) -> Routine | None:
        return self.catalog(ref.project).routines.get(ref.dataset, {}).get(ref.table)

    def routines(self, ref: DatasetRef) -> Sequence[Routine]:
        held = self.catalog(ref.project).routines.get(ref.dataset, {})
        return [held[name] for name in sorted(held)]

    def put_routine(self, routine: Routine) -> None:
        self._writer(routine.ref.project).put_routine(routine)

    def drop_routine(self, ref: TableRef) -> None:
        self._writer(ref.project).drop_routine(ref)

    def jobs(self) -> Sequence[JobRow]:
        wanted = JobFilter(with_children=True)
        return [_job_row(job) for job in self._warehouse.history.newest_first(self.project, wanted)]

    def keep_result(self, answer: Answer) -> object:
        return self._keep(self, answer)

    def _pin(self, ref: DatasetRef, location: str) -> None:
        if self.pinned_location is None:
            self.pinned_location = location
        elif self.pinned_location.upper() != location.upper():
            raise not_found(
                f"Not found: Dataset {ref} was not found in location {self.pinned_location}"
            )

    def _writer(self, project: str) -> Transaction:
        assert self.transaction is not None, "changes happen inside writing()"
        if project != self.project:
            raise unsupported(f"a job of project {self.project} that changes project {project}")
        return self.transaction


def keep_anonymous(host: JobHost, answer: Answer) -> object:
    """Keep the rows in an anonymous table; inside a transaction by way of a file.

    A DuckDB transaction writes to one database only, and rows shown before a rollback stay shown.
    """
    results = host.warehouse.results
    if host.transaction is None:
        return results.keep(host.cursor, host.project, host.location, answer)
    path = host.warehouse.scratch / f"answer-{secrets.token_hex(8)}"
    host.cursor.execute(f"COPY ({answer.sql}) TO {literal(str(path))} (FORMAT parquet)")
    try:
        columns = ", ".join(
            f"CAST({quote(f.name)} AS {f.value_type().duckdb()}) AS {quote(f.name)}"
            for f in answer.fields
        )
        copied = f"SELECT {columns} FROM read_parquet({literal(str(path))})"
        with host.warehouse.database.reading() as cursor:
            return results.keep(cursor, host.project, host.location, Answer(copied, answer.fields))
    finally:
        path.unlink(missing_ok=True)


def _as_queried(table: Table, scan: str) -> str:
    """Columns of limited precision are queried as the type without the limit."""
    if not any(field.has_parameters for field in table.schema):
        return scan
    columns = ", ".join(
        f"CAST({quote(f.name)} AS {f.value_type().duckdb()}) AS {quote(f.name)}"
        for f in table.schema
    )
    return f'SELECT {columns}, "_FILE_NAME" FROM ({scan})'


def _job_row(job: Job) -> JobRow:
    query = job.configuration.get("query")
    statistics = job.output.statistics.get("query")
    return JobRow(
        job_id=job.ref.job_id,
        project=job.ref.project,
        created=job.created,
        kind=job.kind,
        state=str(job.state),
        statement_type=_text(statistics, "statementType"),
        query=_text(query, "query"),
        started=job.started,
        ended=job.ended,
        user_email=job.user_email,
        bytes_processed=job.output.total_bytes,
        error_reason=None if job.error is None else job.error.reason,
        error_message=None if job.error is None else job.error.message,
        parent_job_id=job.parent,
        destination=job.output.destination,
        labels=dict(job.labels),
    )


def _text(part: object, key: str) -> str | None:
    value = part.get(key) if isinstance(part, Mapping) else None
    return value if isinstance(value, str) else None
