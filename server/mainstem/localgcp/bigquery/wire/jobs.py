"""Jobs as the REST API writes them: configurations in, and the parameters of queries."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic import Field as Bound

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.model import ExternalConfig
from mainstem.localgcp.bigquery.wire.base import OutputOnly, Refused, Wire
from mainstem.localgcp.bigquery.wire.config import (
    ClusteringBody,
    CsvBody,
    DatasetReference,
    ExternalBody,
    ParquetBody,
    RangePartitioningBody,
    TableReference,
    TableSchema,
    TimePartitioningBody,
    decimal_targets,
    source_format,
    source_uris,
)


def _known_or_none(value: object) -> object:
    """Clients write the enumerations' zero value where they mean nothing."""
    if isinstance(value, str) and value.endswith("_UNSPECIFIED"):
        return None
    return value


WriteDisposition = Annotated[
    Literal["WRITE_TRUNCATE", "WRITE_APPEND", "WRITE_EMPTY"] | None, BeforeValidator(_known_or_none)
]
CreateDisposition = Annotated[
    Literal["CREATE_IF_NEEDED", "CREATE_NEVER"] | None, BeforeValidator(_known_or_none)
]
SchemaUpdate = Literal["ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"]


class JobReferenceBody(Wire):
    project_id: str | None = None
    job_id: str | None = None
    location: str | None = None


class ParameterType(Wire):
    type: str
    array_type: "ParameterType | None" = None
    struct_types: tuple["StructMember", ...] = ()
    range_element_type: Refused = None
    timestamp_precision: Refused = None


class StructMember(Wire):
    name: str | None = None
    type: ParameterType
    description: OutputOnly = None


class ParameterValue(Wire):
    value: str | None = None
    array_values: tuple["ParameterValue", ...] | None = None
    struct_values: dict[str, "ParameterValue"] | None = None
    range_value: Refused = None


class Parameter(Wire):
    name: str | None = None
    parameter_type: ParameterType
    parameter_value: ParameterValue = ParameterValue()


class ConnectionProperty(Wire):
    key: str
    value: str


class ScriptOptions(Wire):
    key_result_statement: Literal["LAST", "FIRST_SELECT"] | None = None
    statement_timeout_ms: Refused = None
    statement_byte_budget: Refused = None


class Destination(Wire):
    """What query and load jobs say of the table they write."""

    destination_table: TableReference | None = None
    create_disposition: CreateDisposition = None
    write_disposition: WriteDisposition = None
    time_partitioning: TimePartitioningBody | None = None
    range_partitioning: RangePartitioningBody | None = None
    clustering: ClusteringBody | None = None
    schema_update_options: tuple[SchemaUpdate, ...] = ()
    destination_encryption_configuration: Refused = None


class QueryBody(Destination):
    query: str
    use_legacy_sql: bool | None = None
    default_dataset: DatasetReference | None = None
    priority: Literal["INTERACTIVE", "BATCH"] | None = None
    use_query_cache: bool | None = None
    parameter_mode: Literal["NAMED", "POSITIONAL", "named", "positional"] | None = None
    query_parameters: tuple[Parameter, ...] = ()
    maximum_bytes_billed: int | None = None
    table_definitions: dict[str, ExternalBody] = Bound(default_factory=dict)
    connection_properties: tuple[ConnectionProperty, ...] = ()
    script_options: ScriptOptions | None = None
    allow_large_results: bool | None = None
    flatten_results: bool | None = None
    preserve_nulls: OutputOnly = None
    maximum_billing_tier: Refused = None
    create_session: Refused = None
    continuous: Refused = None
    user_defined_function_resources: Refused = None
    write_incremental_results: Refused = None


class LoadBody(Destination, CsvBody):
    source_uris: tuple[str, ...] = ()
    source_format: str | None = None
    schema_: TableSchema | None = Bound(default=None, alias="schema")
    autodetect: bool | None = None
    ignore_unknown_values: bool | None = None
    max_bad_records: int | None = Bound(default=None, ge=0)
    decimal_target_types: tuple[str, ...] = ()
    parquet_options: ParquetBody | None = None
    destination_table_properties: "TableProperties | None" = None
    use_avro_logical_types: OutputOnly = None
    column_name_character_map: Refused = None
    connection_properties: Refused = None
    copy_files_only: Refused = None
    create_session: Refused = None
    date_format: Refused = None
    datetime_format: Refused = None
    time_format: Refused = None
    timestamp_format: Refused = None
    time_zone: Refused = None
    file_set_spec_type: Refused = None
    hive_partitioning_options: Refused = None
    json_extension: Refused = None
    projection_fields: Refused = None
    reference_file_schema_uri: Refused = None
    schema_inline: Refused = None
    schema_inline_format: Refused = None
    source_column_match: Literal["SOURCE_COLUMN_MATCH_UNSPECIFIED", "POSITION"] | None = None
    timestamp_target_precision: Refused = None

    def config(self, *, is_upload: bool) -> ExternalConfig:
        """The same words as for an external table."""
        if is_upload and self.source_uris:
            raise invalid("sourceUris cannot be set in a load job with an upload", "sourceUris")
        return ExternalConfig(
            uris=() if is_upload else source_uris(self.source_uris),
            format=source_format(self.source_format or "CSV"),
            csv=self.csv(),
            parquet=(self.parquet_options or ParquetBody()).read(),
            autodetect=bool(self.autodetect),
            ignore_unknown_values=bool(self.ignore_unknown_values),
            max_bad_records=self.max_bad_records or 0,
            decimal_target_types=decimal_targets(self.decimal_target_types),
        )


class TableProperties(Wire):
    friendly_name: str | None = None
    description: str | None = None
    labels: dict[str, str] | None = None
    expiration_time: int | None = None


class CopyBody(Wire):
    source_table: TableReference | None = None
    source_tables: tuple[TableReference, ...] = ()
    destination_table: TableReference
    create_disposition: CreateDisposition = None
    write_disposition: WriteDisposition = None
    operation_type: Literal[
        "OPERATION_TYPE_UNSPECIFIED", "COPY", "SNAPSHOT", "RESTORE", "CLONE"
    ] = "COPY"
    destination_expiration_time: str | None = None
    destination_encryption_configuration: Refused = None


class ExtractBody(Wire):
    source_table: TableReference | None = None
    source_model: Refused = None
    destination_uri: str | None = None
    destination_uris: tuple[str, ...] = ()
    destination_format: str | None = None
    compression: str | None = None
    field_delimiter: str | None = None
    print_header: bool | None = None
    use_avro_logical_types: Refused = None
    model_extract_options: Refused = None


class ConfigurationBody(Wire):
    query: QueryBody | None = None
    load: LoadBody | None = None
    copy_: CopyBody | None = Bound(default=None, alias="copy")
    extract: ExtractBody | None = None
    dry_run: bool | None = None
    labels: dict[str, str] | None = None
    job_timeout_ms: int | None = None
    job_type: OutputOnly = None
    reservation: Refused = None
    max_slots: Refused = None

    def kind(self) -> str:
        given = {
            "QUERY": self.query,
            "LOAD": self.load,
            "COPY": self.copy_,
            "EXTRACT": self.extract,
        }
        kinds = [name for name, part in given.items() if part is not None]
        if len(kinds) != 1:
            raise BigQueryError(
                "required", "Job configuration must contain exactly one job-specific configuration"
            )
        return kinds[0]


class JobBody(Wire):
    configuration: ConfigurationBody
    job_reference: JobReferenceBody = JobReferenceBody()
    kind: OutputOnly = None
    etag: OutputOnly = None
    id: OutputOnly = None
    self_link: OutputOnly = None
    statistics: OutputOnly = None
    status: OutputOnly = None
    user_email: OutputOnly = None
    principal_subject: OutputOnly = None
    job_creation_reason: OutputOnly = None


class FormatOptions(Wire):
    use_int64_timestamp: bool | None = None
    timestamp_output_format: Refused = None


class QueryRequest(Wire):
    """The body of `jobs.query`."""

    query: str
    kind: OutputOnly = None
    use_legacy_sql: bool | None = None
    default_dataset: DatasetReference | None = None
    location: str | None = None
    max_results: int | None = None
    timeout_ms: int | None = None
    job_timeout_ms: int | None = None
    dry_run: bool | None = None
    use_query_cache: bool | None = None
    parameter_mode: str | None = None
    query_parameters: tuple[Parameter, ...] = ()
    labels: dict[str, str] | None = None
    maximum_bytes_billed: int | None = None
    request_id: str | None = None
    format_options: FormatOptions | None = None
    job_creation_mode: str | None = None
    connection_properties: tuple[ConnectionProperty, ...] = ()
    create_session: Refused = None
    preserve_nulls: OutputOnly = None
    continuous: Refused = None
    destination_encryption_configuration: Refused = None
    write_incremental_results: Refused = None
    reservation: Refused = None
    max_slots: Refused = None

    def as_job(self, raw: Mapping[str, object]) -> dict[str, object]:
        """The job configuration that this request stands for."""
        query = {key: raw[key] for key in QUERY_KEYS if raw.get(key) is not None}
        body: dict[str, object] = {"query": query}
        for key in ("dryRun", "labels", "jobTimeoutMs"):
            if raw.get(key) is not None:
                body[key] = raw[key]
        return body


QUERY_KEYS = (
    "query",
    "useLegacySql",
    "defaultDataset",
    "useQueryCache",
    "parameterMode",
    "queryParameters",
    "maximumBytesBilled",
    "connectionProperties",
)
