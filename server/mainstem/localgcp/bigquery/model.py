"""The catalog's words: references, datasets and tables as frozen values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mainstem.localgcp.bigquery.sql.types import Field

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class DatasetRef:
    project: str
    dataset: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}"


@dataclass(frozen=True, slots=True, order=True)
class TableRef:
    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"

    @property
    def dataset_ref(self) -> DatasetRef:
        return DatasetRef(self.project, self.dataset)


class Kind(StrEnum):
    TABLE = "TABLE"
    VIEW = "VIEW"
    MATERIALIZED_VIEW = "MATERIALIZED_VIEW"
    EXTERNAL = "EXTERNAL"
    SNAPSHOT = "SNAPSHOT"


@dataclass(frozen=True, slots=True)
class TimePartitioning:
    """`field` None means ingestion time: the `_PARTITIONTIME` pseudo column."""

    type: str
    field: str | None = None
    expiration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RangePartitioning:
    field: str
    start: int
    end: int
    interval: int


@dataclass(frozen=True, slots=True)
class CsvOptions:
    delimiter: str = ","
    quote: str = '"'
    skip_leading_rows: int | None = None
    null_marker: str | None = None
    null_markers: tuple[str, ...] = ()
    allow_jagged_rows: bool = False
    allow_quoted_newlines: bool = False
    encoding: str = "UTF-8"


@dataclass(frozen=True, slots=True)
class ParquetOptions:
    enum_as_string: bool = False
    enable_list_inference: bool = False


@dataclass(frozen=True, slots=True)
class ExternalConfig:
    """What to read, and how; the same words serve load jobs and external tables."""

    uris: tuple[str, ...]
    format: str
    csv: CsvOptions = CsvOptions()
    parquet: ParquetOptions = ParquetOptions()
    autodetect: bool = False
    ignore_unknown_values: bool = False
    max_bad_records: int = 0
    compression: str = "NONE"
    decimal_target_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    ref: DatasetRef
    location: str
    created: datetime
    modified: datetime
    etag: str
    friendly_name: str | None = None
    description: str | None = None
    labels: Labels = ()
    default_table_expiration_ms: int | None = None
    default_partition_expiration_ms: int | None = None
    max_time_travel_hours: int | None = None
    storage_billing_model: str | None = None
    is_case_insensitive: bool = False
    default_rounding_mode: str | None = None
    access: str | None = None
    """The access entries as JSON text; kept and returned, never enforced."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of any kind; views keep their SQL, external tables their configuration."""

    ref: TableRef
    kind: Kind
    location: str
    schema: tuple[Field, ...]
    created: datetime
    modified: datetime
    etag: str
    friendly_name: str | None = None
    description: str | None = None
    labels: Labels = ()
    expires: datetime | None = None
    time_partitioning: TimePartitioning | None = None
    range_partitioning: RangePartitioning | None = None
    require_partition_filter: bool = False
    clustering: tuple[str, ...] = ()
    view_sql: str | None = None
    external: ExternalConfig | None = None
    snapshot_of: TableRef | None = None
    snapshot_time: datetime | None = None
    primary_key: tuple[str, ...] = ()
    foreign_keys: str | None = None
    """Unenforced foreign keys as the API's JSON text."""
    max_staleness: str | None = None
    enable_refresh: bool | None = None
    refresh_interval_ms: int | None = None
    default_rounding_mode: str | None = None

    @property
    def is_native(self) -> bool:
        """Whether rows of its own are kept."""
        return self.kind in (Kind.TABLE, Kind.SNAPSHOT)
