"""The read-only questions a console page asks; each answers with plain frozen values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import cast

import duckdb

from mainstem.localgcp.bigquery.host import JobHost
from mainstem.localgcp.bigquery.jobs.extract import export_text
from mainstem.localgcp.bigquery.jobs.history import JobFilter
from mainstem.localgcp.bigquery.jobs.job import Job
from mainstem.localgcp.bigquery.model import DatasetRef, Table, TableRef
from mainstem.localgcp.bigquery.names import relation
from mainstem.localgcp.bigquery.sizes import Sizes
from mainstem.localgcp.bigquery.sql.host import Answer
from mainstem.localgcp.bigquery.sql.run import run
from mainstem.localgcp.bigquery.sql.types import Field, quote
from mainstem.localgcp.bigquery.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    project: str
    dataset: str
    location: str
    description: str | None
    tables: int
    labels: tuple[tuple[str, str], ...]
    created: datetime


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """One column; `name` of a nested field is its path (`payload.items.id`)."""

    name: str
    type: str
    mode: str
    description: str | None


@dataclass(frozen=True, slots=True)
class TableSummary:
    project: str
    dataset: str
    table: str
    kind: str
    rows: int | None
    bytes: int | None
    created: datetime
    modified: datetime
    description: str | None


@dataclass(frozen=True, slots=True)
class TableDetail:
    summary: TableSummary
    columns: tuple[ColumnSummary, ...]
    partitioning: str | None
    clustering: tuple[str, ...]
    view_sql: str | None
    source_uris: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows as text; None is NULL, nested values are JSON text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class JobSummary:
    project: str
    job_id: str
    kind: str
    state: str
    location: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    sql: str | None
    destination: str | None
    bytes_processed: int | None
    error: str | None
    parent_job_id: str | None
    labels: tuple[tuple[str, str], ...]


def projects(warehouse: Warehouse) -> Sequence[str]:
    """Every project that has a file in the state folder, by name."""
    return warehouse.database.projects()


def datasets(warehouse: Warehouse, project: str) -> Sequence[DatasetSummary]:
    catalog, now = warehouse.database.catalog(project), warehouse.database.now()
    return [
        DatasetSummary(
            project,
            name,
            held.location,
            held.description,
            len(catalog.tables_of(held.ref, now)),
            held.labels,
            held.created,
        )
        for name, held in sorted(catalog.datasets.items())
    ]


def tables(warehouse: Warehouse, project: str, dataset: str) -> Sequence[TableSummary]:
    ref = DatasetRef(project, dataset)
    catalog = warehouse.database.catalog(project)
    catalog.dataset(ref)
    held = catalog.tables_of(ref, warehouse.database.now())
    return [_summary(table, warehouse.sizes) for table in held]


def table(warehouse: Warehouse, project: str, dataset: str, name: str) -> TableDetail:
    """The schema and properties of one table; raises BigQueryError notFound."""
    catalog = warehouse.database.catalog(project)
    held = catalog.table(TableRef(project, dataset, name), warehouse.database.now())
    return TableDetail(
        _summary(held, warehouse.sizes),
        tuple(_columns(held.schema, "")),
        _partitioning(held),
        held.clustering,
        held.view_sql,
        () if held.external is None else held.external.uris,
        held.labels,
        held.expires,
    )


def preview(
    warehouse: Warehouse, project: str, dataset: str, name: str, limit: int = 50
) -> Preview:
    """The first rows of a table, view or external table; computes them where it must."""
    ref = TableRef(project, dataset, name)
    held = warehouse.database.catalog(project).table(ref, warehouse.database.now())
    with warehouse.database.reading() as cursor:
        if held.is_native:
            rows = _cells(cursor, held.schema, relation(ref), limit)
        else:
            rows = _computed(warehouse, cursor, held, limit)
    return Preview(tuple(field.name for field in held.schema), rows)


Cells = tuple[tuple[str | None, ...], ...]


def _cells(
    cursor: duckdb.DuckDBPyConnection, schema: Sequence[Field], source: str, limit: int
) -> Cells:
    cells = ", ".join(_cell(field) for field in schema) or "NULL"
    found = cursor.execute(f"SELECT {cells} FROM {source} LIMIT {limit}").fetchall()
    return tuple(tuple(row) for row in found)


def _computed(
    warehouse: Warehouse, cursor: duckdb.DuckDBPyConnection, held: Table, limit: int
) -> Cells:
    """The rows of a view or an external table, as a query of them answers."""

    def keep(host: JobHost, answer: Answer) -> Cells:
        return _cells(host.cursor, answer.fields, f"({answer.sql})", limit)

    ref = held.ref
    host = JobHost(warehouse, cursor, ref.project, location=held.location, keep=keep)
    done = run(f"SELECT * FROM `{ref.project}.{ref.dataset}.{ref.table}`", host)
    if done.error is not None:
        raise done.error
    return cast("Cells", done.outcomes[-1].result)


def jobs(
    warehouse: Warehouse, project: str, limit: int = 100, before: datetime | None = None
) -> Sequence[JobSummary]:
    """Job history, newest first; `before` pages by creation time."""
    wanted = JobFilter(until=before)
    return [_job(held) for held in islice(warehouse.history.newest_first(project, wanted), limit)]


def job(warehouse: Warehouse, project: str, job_id: str) -> JobSummary:
    """One job; raises BigQueryError notFound."""
    return _job(warehouse.history.get(project, job_id))


def _summary(held: Table, sizes: Sizes) -> TableSummary:
    measured = sizes.of(held) if held.is_native else None
    return TableSummary(
        held.ref.project,
        held.ref.dataset,
        held.ref.table,
        str(held.kind),
        None if measured is None else measured.rows,
        None if measured is None else measured.bytes,
        held.created,
        held.modified,
        held.description,
    )


def _columns(schema: Sequence[Field], prefix: str) -> Iterator[ColumnSummary]:
    for field in schema:
        yield ColumnSummary(f"{prefix}{field.name}", field.type, field.mode, field.description)
        yield from _columns(field.fields, f"{prefix}{field.name}.")


def _partitioning(held: Table) -> str | None:
    by_time, by_range = held.time_partitioning, held.range_partitioning
    if by_time is not None:
        return f"{by_time.type} on {by_time.field or '_PARTITIONTIME'}"
    if by_range is None:
        return None
    return f"{by_range.field} from {by_range.start} to {by_range.end} by {by_range.interval}"


def _cell(field: Field) -> str:
    source = quote(field.name)
    if field.is_repeated or field.type == "STRUCT":
        return f"to_json({source})::VARCHAR"
    return export_text(source, field)


def _job(held: Job) -> JobSummary:
    query = held.configuration.get("query")
    sql = query.get("query") if isinstance(query, Mapping) else None
    destination = held.output.destination
    return JobSummary(
        project=held.ref.project,
        job_id=held.ref.job_id,
        kind=held.kind,
        state=str(held.state),
        location=held.ref.location,
        created=held.created,
        started=held.started,
        ended=held.ended,
        sql=sql if isinstance(sql, str) else None,
        destination=None if destination is None else str(destination),
        bytes_processed=held.output.total_bytes,
        error=None if held.error is None else held.error.message,
        parent_job_id=held.parent,
        labels=held.labels,
    )
