"""The read-only questions a console page asks; each answers with plain frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    raise NotImplementedError


def datasets(warehouse: Warehouse, project: str) -> Sequence[DatasetSummary]:
    raise NotImplementedError


def tables(warehouse: Warehouse, project: str, dataset: str) -> Sequence[TableSummary]:
    raise NotImplementedError


def table(warehouse: Warehouse, project: str, dataset: str, name: str) -> TableDetail:
    """The schema and properties of one table; raises BigQueryError notFound."""
    raise NotImplementedError


def preview(
    warehouse: Warehouse, project: str, dataset: str, name: str, limit: int = 50
) -> Preview:
    """The first rows of a table, view or external table."""
    raise NotImplementedError


def jobs(
    warehouse: Warehouse, project: str, limit: int = 100, before: datetime | None = None
) -> Sequence[JobSummary]:
    """Job history, newest first; `before` pages by creation time."""
    raise NotImplementedError


def job(warehouse: Warehouse, project: str, job_id: str) -> JobSummary:
    """One job; raises BigQueryError notFound."""
    raise NotImplementedError
