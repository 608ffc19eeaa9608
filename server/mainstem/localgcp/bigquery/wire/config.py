"""The parts that tables, external tables and jobs share: references, partitioning, formats."""

from typing import Literal

from pydantic import Field as Bound

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.model import (
    CsvOptions,
    DatasetRef,
    ExternalConfig,
    ParquetOptions,
    RangePartitioning,
    TableRef,
    TimePartitioning,
)
from mainstem.localgcp.bigquery.sql.types import Field, SchemaError, schema_from_rest
from mainstem.localgcp.bigquery.wire.base import Refused, Wire

FORMATS = ("CSV", "NEWLINE_DELIMITED_JSON", "PARQUET")
PARTITION_TYPES = ("HOUR", "DAY", "MONTH", "YEAR")
ENCODINGS = ("UTF-8", "ISO-8859-1")


class DatasetReference(Wire):
    dataset_id: str
    project_id: str | None = None

    def ref(self, project: str) -> DatasetRef:
        return DatasetRef(self.project_id or project, self.dataset_id)


class TableReference(Wire):
    table_id: str
    dataset_id: str
    project_id: str | None = None

    def ref(self, project: str) -> TableRef:
        return TableRef(self.project_id or project, self.dataset_id, self.table_id)


class TableSchema(Wire):
    fields: tuple[dict[str, object], ...] = ()
    foreign_type_info: Refused = None

    def read(self) -> tuple[Field, ...]:
        try:
            return schema_from_rest(self.fields)
        except SchemaError as problem:
            raise invalid(str(problem)) from None


class TimePartitioningBody(Wire):
    type: str | None = None
    field: str | None = None
    expiration_ms: int | None = None
    require_partition_filter: bool | None = None

    def read(self) -> TimePartitioning | None:
        if self.type is None and self.field is None:
            return None
        kind = (self.type or "DAY").upper()
        if kind not in PARTITION_TYPES:
            raise invalid(f"Invalid value for timePartitioning.type: {self.type}")
        return TimePartitioning(kind, self.field or None, self.expiration_ms)


class RangeBody(Wire):
    start: int
    end: int
    interval: int = Bound(gt=0)


class RangePartitioningBody(Wire):
    field: str
    range: RangeBody

    def read(self) -> RangePartitioning:
        bounds = self.range
        if bounds.start >= bounds.end:
            raise invalid("Range partitioning: start must be less than end")
        return RangePartitioning(self.field, bounds.start, bounds.end, bounds.interval)


class ClusteringBody(Wire):
    fields: tuple[str, ...] = Bound(default=(), max_length=4)


class ParquetBody(Wire):
    enum_as_string: bool = False
    enable_list_inference: bool = False
    map_target_type: Refused = None

    def read(self) -> ParquetOptions:
        return ParquetOptions(self.enum_as_string, self.enable_list_inference)


class CsvBody(Wire):
    """CSV options under the names that both load jobs and external tables use."""

    skip_leading_rows: int | None = Bound(default=None, ge=0)
    field_delimiter: str | None = None
    quote: str | None = None
    allow_jagged_rows: bool | None = None
    allow_quoted_newlines: bool | None = None
    encoding: str | None = None
    null_marker: str | None = None
    null_markers: tuple[str, ...] = ()
    preserve_ascii_control_characters: Refused = None
    source_column_match: Literal["SOURCE_COLUMN_MATCH_UNSPECIFIED", "POSITION"] | None = None

    def csv(self) -> CsvOptions:
        if self.null_marker is not None and self.null_markers:
            raise invalid("nullMarker and nullMarkers cannot be set at the same time")
        return CsvOptions(
            delimiter=_delimiter(self.field_delimiter),
            quote=_one_byte(self.quote),
            skip_leading_rows=self.skip_leading_rows,
            null_marker=self.null_marker,
            null_markers=self.null_markers,
            allow_jagged_rows=bool(self.allow_jagged_rows),
            allow_quoted_newlines=bool(self.allow_quoted_newlines),
            encoding=_encoding(self.encoding),
        )


class ExternalBody(Wire):
    """`externalDataConfiguration`, and the definitions of a query's temporary tables."""

    source_format: str
    source_uris: tuple[str, ...] = ()
    schema_: TableSchema | None = Bound(default=None, alias="schema")
    autodetect: bool | None = None
    csv_options: CsvBody | None = None
    parquet_options: ParquetBody | None = None
    compression: Literal["NONE", "GZIP"] | None = None
    ignore_unknown_values: bool | None = None
    max_bad_records: int | None = Bound(default=None, ge=0)
    decimal_target_types: tuple[str, ...] = ()
    connection_id: Refused = None
    hive_partitioning_options: Refused = None
    reference_file_schema_uri: Refused = None
    json_extension: Refused = None
    json_options: Refused = None
    avro_options: Refused = None
    bigtable_options: Refused = None
    google_sheets_options: Refused = None
    file_set_spec_type: Refused = None
    metadata_cache_mode: Refused = None
    object_metadata: Refused = None
    date_format: Refused = None
    datetime_format: Refused = None
    time_format: Refused = None
    timestamp_format: Refused = None
    time_zone: Refused = None
    timestamp_target_precision: Refused = None

    def read(self) -> ExternalConfig:
        return ExternalConfig(
            uris=source_uris(self.source_uris),
            format=source_format(self.source_format),
            csv=(self.csv_options or CsvBody()).csv(),
            parquet=(self.parquet_options or ParquetBody()).read(),
            autodetect=bool(self.autodetect),
            ignore_unknown_values=bool(self.ignore_unknown_values),
            max_bad_records=self.max_bad_records or 0,
            compression=self.compression or "NONE",
            decimal_target_types=decimal_targets(self.decimal_target_types),
        )


def source_format(name: str) -> str:
    """A format this emulator reads; the others are refused by name."""
    upper = name.upper()
    if upper == "JSON":
        return "NEWLINE_DELIMITED_JSON"
    if upper not in FORMATS:
        raise BigQueryError(
            "invalid",
            f"The local BigQuery emulator does not support the source format {name}; "
            f"it reads {', '.join(FORMATS)}.",
            location="sourceFormat",
        )
    return upper


def source_uris(uris: tuple[str, ...]) -> tuple[str, ...]:
    """gs:// URIs with at most one wildcard, after the bucket."""
    if not uris:
        raise BigQueryError("required", "Required parameter is missing: sourceUris")
    for uri in uris:
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        if not uri.startswith("gs://") or not bucket or not name:
            raise invalid(
                f"Source URI must be a Google Cloud Storage location: {uri}", "sourceUris"
            )
        if "*" in bucket or name.count("*") > 1:
            raise invalid(f"Invalid source URI: {uri}. At most one wildcard is allowed.", uri)
    return uris


def decimal_targets(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in ("NUMERIC", "BIGNUMERIC", "STRING"):
            raise invalid(f"Invalid value for decimalTargetTypes: {name}", "decimalTargetTypes")
    return names


def _delimiter(text: str | None) -> str:
    if text is None or text == "":
        return ","
    spelled = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(spelled.encode()) > 4 or "\n" in spelled or "\r" in spelled:
        raise invalid(f"Invalid value for fieldDelimiter: {text!r}", "fieldDelimiter")
    return spelled


def _one_byte(quote: str | None) -> str:
    if quote is None:
        return '"'
    if len(quote) > 1:
        raise invalid("Quote character must be a single character", "quote")
    return quote


def _encoding(name: str | None) -> str:
    if name is None:
        return "UTF-8"
    if name.upper() not in ENCODINGS:
        raise invalid(
            f"The local BigQuery emulator does not support the encoding {name}; "
            f"it reads {' and '.join(ENCODINGS)}.",
            "encoding",
        )
    return name.upper()
