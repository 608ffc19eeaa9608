"""What the SQL layer asks of catalog and storage; the REST side implements it, tests do too.

A host serves one job: it owns one DuckDB cursor whose session time zone is UTC, on which
`macros.install` ran once per database. Everything that a statement changes happens between
entering and leaving `writing()`, catalog rows and data alike, and is undone when it raises.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from mainstem.localgcp.bigquery.model import (
    Dataset,
    DatasetRef,
    ExternalConfig,
    Table,
    TableRef,
)
from mainstem.localgcp.bigquery.sql.types import Field


@dataclass(frozen=True, slots=True)
class TableSize:
    """Rows and logical bytes, as `__TABLES__` and cost estimates report them."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Routine:
    """A persistent SQL function; `arguments` pairs names with GoogleSQL types or ANY TYPE."""

    ref: TableRef
    arguments: tuple[tuple[str, str], ...]
    body: str
    returns: str | None = None
    is_table_function: bool = False
    created: datetime | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, not yet computed: DuckDB SQL whose columns are `fields` in order.

    Column names are unique and equal the field names, so `CREATE TABLE x AS {sql}` keeps them.
    """

    sql: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as INFORMATION_SCHEMA.JOBS shows it."""

    job_id: str
    project: str
    created: datetime
    kind: str
    state: str
    statement_type: str | None = None
    query: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    user_email: str | None = None
    bytes_processed: int | None = None
    error_reason: str | None = None
    error_message: str | None = None
    parent_job_id: str | None = None
    destination: TableRef | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FilesToLoad:
    """What LOAD DATA asks for: the table as the statement describes it, and the files."""

    table: Table
    config: ExternalConfig
    overwrites: bool


@dataclass(frozen=True, slots=True)
class RowsToExport:
    """What EXPORT DATA asks for."""

    uri: str
    format: str
    compression: str
    delimiter: str
    header: bool
    overwrites: bool


class FileWork(Protocol):
    """What LOAD DATA and EXPORT DATA do to storage."""

    def load(self, wanted: FilesToLoad) -> int:
        """Add the rows of the files to the table, or put them in its place; how many."""
        ...

    def export(self, answer: Answer, wanted: RowsToExport) -> None:
        """Write a query's rows to storage."""
        ...


class Host(Protocol):
    """Catalog, storage and one cursor, as one job sees them."""

    @property
    def cursor(self) -> Any:  # a duckdb.DuckDBPyConnection, which has no types
        ...

    @property
    def project(self) -> str: ...

    @property
    def default_dataset(self) -> DatasetRef | None: ...

    @property
    def location(self) -> str:
        """Where the job runs; it goes into messages and new datasets."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """One snapshot of catalog and data; does nothing inside `writing()`."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """The project's writer lock and one DuckDB transaction; does nothing when nested."""
        ...

    def now(self) -> datetime: ...

    def dataset(self, ref: DatasetRef) -> Dataset | None: ...

    def datasets(self, project: str) -> Sequence[Dataset]: ...

    def table(self, ref: TableRef) -> Table | None: ...

    def tables(self, ref: DatasetRef) -> Sequence[Table]: ...

    def size(self, table: Table) -> TableSize:
        """Rows and bytes of a native table; zeros for the others."""
        ...

    def external_bytes(self, table: Table) -> int:
        """The size of an external table's files as they are now, compressed or not."""
        ...

    def relation(self, ref: TableRef) -> str:
        """The quoted DuckDB name of a native table's data.

        Ingestion-time partitioned tables hold one more column at the end, `_PARTITIONTIME`
        (TIMESTAMP WITH TIME ZONE, `physical.relation_sql` writes it).
        """
        ...

    def external_relation(self, table: Table) -> str:
        """A parenthesised DuckDB query over the files as they are now.

        Its columns are the schema's, typed as `Field.value_type().duckdb()` says, and then
        `_FILE_NAME` with the gs:// URI of each row.
        """
        ...

    def detect_schema(self, config: ExternalConfig) -> tuple[Field, ...]:
        """The schema the files of an external table suggest."""
        ...

    def create_dataset(self, dataset: Dataset) -> None: ...

    def update_dataset(self, dataset: Dataset) -> None: ...

    def drop_dataset(self, ref: DatasetRef) -> None:
        """Remove an empty dataset, its catalog row and its DuckDB schema."""
        ...

    def create_table(self, table: Table) -> None:
        """Add the catalog row and, for a native table, the empty relation.

        Nothing of that name exists when this is called; etag and times are the host's to set.
        """
        ...

    def update_table(self, table: Table) -> None:
        """Replace the catalog row; the relation was altered already if it had to be."""
        ...

    def drop_table(self, ref: TableRef) -> None:
        """Remove the catalog row and the relation of a table of any kind."""
        ...

    def touch(self, ref: TableRef) -> None:
        """Note that the rows of a table changed."""
        ...

    def routine(self, ref: TableRef) -> Routine | None: ...

    def routines(self, ref: DatasetRef) -> Sequence[Routine]: ...

    def put_routine(self, routine: Routine) -> None: ...

    def drop_routine(self, ref: TableRef) -> None: ...

    def jobs(self) -> Sequence[JobRow]: ...

    @property
    def files(self) -> FileWork: ...

    def keep_result(self, answer: Answer) -> object:
        """Compute and keep a query's rows; what it returns ends up in `Outcome.result`."""
        ...
