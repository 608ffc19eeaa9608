"""A table of any kind as the REST API writes it."""

import json
from dataclasses import replace
from datetime import datetime

from pydantic import Field as Bound

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.model import (
    ExternalConfig,
    Kind,
    Labels,
    RangePartitioning,
    Table,
    TableRef,
    TimePartitioning,
)
from mainstem.localgcp.bigquery.sql.types import Field, schema_to_rest
from mainstem.localgcp.bigquery.wire.base import OutputOnly, Refused, Wire
from mainstem.localgcp.bigquery.wire.config import (
    ClusteringBody,
    ExternalBody,
    RangePartitioningBody,
    TableReference,
    TableSchema,
    TimePartitioningBody,
)
from mainstem.localgcp.bigquery.wire.parts import drop_missing, from_millis, labels_of, millis


class ViewBody(Wire):
    query: str
    use_legacy_sql: bool | None = None
    user_defined_function_resources: Refused = None
    use_explicit_column_names: OutputOnly = None
    privacy_policy: Refused = None


class MaterializedViewBody(Wire):
    query: str | None = None
    """Required to create one; a patch may leave it as it is."""
    enable_refresh: bool | None = None
    refresh_interval_ms: int | None = None
    max_staleness: str | None = None
    allow_non_incremental_definition: bool | None = None
    last_refresh_time: OutputOnly = None


class KeyColumns(Wire):
    columns: tuple[str, ...]


class TableConstraintsBody(Wire):
    primary_key: KeyColumns | None = None
    foreign_keys: list[dict[str, object]] | None = None


class TableBody(Wire):
    table_reference: TableReference | None = None
    schema_: TableSchema | None = Bound(default=None, alias="schema")
    friendly_name: str | None = None
    description: str | None = None
    labels: dict[str, str | None] | None = None
    expiration_time: int | None = None
    time_partitioning: TimePartitioningBody | None = None
    range_partitioning: RangePartitioningBody | None = None
    clustering: ClusteringBody | None = None
    require_partition_filter: bool | None = None
    view: ViewBody | None = None
    materialized_view: MaterializedViewBody | None = None
    external_data_configuration: ExternalBody | None = None
    table_constraints: TableConstraintsBody | None = None
    default_rounding_mode: str | None = None
    max_staleness: str | None = None
    encryption_configuration: Refused = None
    biglake_configuration: Refused = None
    clone_definition: OutputOnly = None
    default_collation: Refused = None
    external_catalog_table_options: Refused = None
    partition_definition: Refused = None
    partitioning: OutputOnly = None
    model: Refused = None
    resource_tags: Refused = None
    restrictions: Refused = None
    snapshot_definition: OutputOnly = None
    streaming_buffer: OutputOnly = None
    table_replication_info: Refused = None
    kind: OutputOnly = None
    etag: OutputOnly = None
    id: OutputOnly = None
    self_link: OutputOnly = None
    type: OutputOnly = None
    location: OutputOnly = None
    creation_time: OutputOnly = None
    last_modified_time: OutputOnly = None
    num_rows: OutputOnly = None
    num_bytes: OutputOnly = None
    num_long_term_bytes: OutputOnly = None
    num_physical_bytes: OutputOnly = None
    num_active_logical_bytes: OutputOnly = None
    num_active_physical_bytes: OutputOnly = None
    num_current_physical_bytes: OutputOnly = None
    num_long_term_logical_bytes: OutputOnly = None
    num_long_term_physical_bytes: OutputOnly = None
    num_partitions: OutputOnly = None
    num_time_travel_physical_bytes: OutputOnly = None
    num_total_logical_bytes: OutputOnly = None
    num_total_physical_bytes: OutputOnly = None
    managed_table_type: OutputOnly = None

    def fields(self) -> tuple[Field, ...]:
        """The schema given for the table, or inside its external configuration."""
        if self.schema_ is not None and self.schema_.fields:
            return self.schema_.read()
        external = self.external_data_configuration
        if external is not None and external.schema_ is not None:
            return external.schema_.read()
        return ()

    def table_kind(self) -> Kind:
        if self.view is not None:
            return Kind.VIEW
        if self.materialized_view is not None:
            return Kind.MATERIALIZED_VIEW
        return Kind.EXTERNAL if self.external_data_configuration is not None else Kind.TABLE

    def clustering_fields(self) -> tuple[str, ...]:
        return () if self.clustering is None else self.clustering.fields

    def time_parts(self) -> TimePartitioning | None:
        return None if self.time_partitioning is None else self.time_partitioning.read()

    def range_parts(self) -> RangePartitioning | None:
        return None if self.range_partitioning is None else self.range_partitioning.read()

    def filter_required(self) -> bool:
        nested = self.time_partitioning and self.time_partitioning.require_partition_filter
        return bool(self.require_partition_filter or nested)

    def external(self) -> ExternalConfig | None:
        config = self.external_data_configuration
        return None if config is None else config.read()

    def view_text(self) -> str | None:
        if self.view is not None:
            if self.view.use_legacy_sql is not False:
                raise BigQueryError(
                    "invalid",
                    "The local BigQuery emulator does not support legacy SQL views; "
                    "set view.useLegacySql to false.",
                    location="view.useLegacySql",
                )
            return self.view.query
        return None if self.materialized_view is None else self.materialized_view.query

    def keys(self) -> tuple[tuple[str, ...], str | None]:
        constraints = self.table_constraints
        if constraints is None:
            return (), None
        primary = () if constraints.primary_key is None else constraints.primary_key.columns
        foreign = json.dumps(constraints.foreign_keys) if constraints.foreign_keys else None
        return primary, foreign


def new_table(body: TableBody, ref: TableRef, location: str, now: datetime) -> Table:
    """The table that an insert asks for; a view's schema is the executor's to find."""
    primary, foreign = body.keys()
    materialized = body.materialized_view
    if materialized is not None and materialized.query is None:
        raise BigQueryError(
            "required",
            "Required parameter is missing: query",
            location="materializedView.query",
        )
    return Table(
        ref=ref,
        kind=body.table_kind(),
        location=location,
        schema=body.fields(),
        created=now,
        modified=now,
        etag="",
        friendly_name=body.friendly_name,
        description=body.description,
        labels=labels_of(body.labels or {}, ()),
        expires=expiry(body.expiration_time, now),
        time_partitioning=body.time_parts(),
        range_partitioning=body.range_parts(),
        require_partition_filter=body.filter_required(),
        clustering=body.clustering_fields(),
        view_sql=body.view_text(),
        external=body.external(),
        primary_key=primary,
        foreign_keys=foreign,
        max_staleness=body.max_staleness,
        enable_refresh=None if materialized is None else materialized.enable_refresh,
        refresh_interval_ms=None if materialized is None else materialized.refresh_interval_ms,
        default_rounding_mode=body.default_rounding_mode,
    )


def changed_table(body: TableBody, before: Table, *, replaces: bool, now: datetime) -> Table:
    """The table after a patch (named fields only) or an update; the schema is not merged here."""
    given = body.model_fields_set
    after = before
    for name in ("friendly_name", "description", "max_staleness", "default_rounding_mode"):
        if replaces or name in given:
            after = replace(after, **{name: getattr(body, name)})
    if replaces or "labels" in given:
        after = replace(after, labels=labels_of(body.labels or {}, _kept(before, body, replaces)))
    if replaces or "expiration_time" in given:
        after = replace(after, expires=expiry(body.expiration_time, now))
    if "clustering" in given:
        after = replace(after, clustering=body.clustering_fields())
    if "require_partition_filter" in given:
        after = replace(after, require_partition_filter=bool(body.require_partition_filter))
    if "table_constraints" in given:
        primary, foreign = body.keys()
        after = replace(after, primary_key=primary, foreign_keys=foreign)
    return _with_refresh(_with_source(_with_partitioning(after, body), body), body)


def _kept(before: Table, body: TableBody, replaces: bool) -> Labels:
    return () if replaces or body.labels is None else before.labels


def _with_partitioning(table: Table, body: TableBody) -> Table:
    given = body.model_fields_set
    if "time_partitioning" in given:
        wanted, held = body.time_parts(), table.time_partitioning
        if _partition_key(wanted) != _partition_key(held):
            raise invalid(f"Cannot change partitioning of table {table.ref}")
        table = replace(table, time_partitioning=wanted)
        nested = body.time_partitioning
        if nested is not None and nested.require_partition_filter is not None:
            table = replace(table, require_partition_filter=nested.require_partition_filter)
    if "range_partitioning" in given and body.range_parts() != table.range_partitioning:
        raise invalid(f"Cannot change partitioning of table {table.ref}")
    return table


def _partition_key(by_time: TimePartitioning | None) -> tuple[str, str | None] | None:
    return None if by_time is None else (by_time.type, by_time.field)


def _with_refresh(table: Table, body: TableBody) -> Table:
    """How a materialized view is refreshed; what is not named stays."""
    materialized = body.materialized_view
    if materialized is None:
        return table
    if table.kind is not Kind.MATERIALIZED_VIEW:
        raise invalid(f"Cannot change table {table.ref} of type {table.kind} into a view")
    for name in ("enable_refresh", "refresh_interval_ms"):
        if name in materialized.model_fields_set:
            table = replace(table, **{name: getattr(materialized, name)})
    return table


def _with_source(table: Table, body: TableBody) -> Table:
    """What a view selects and what an external table reads may change; a kind may not."""
    text, external = body.view_text(), body.external()
    if text is not None:
        if table.kind is not body.table_kind():
            raise invalid(f"Cannot change table {table.ref} of type {table.kind} into a view")
        table = replace(table, view_sql=text)
    if external is not None:
        if table.kind is not Kind.EXTERNAL:
            raise invalid(f"Cannot make the native table {table.ref} external")
        table = replace(table, external=external)
    return table


def expiry(value: int | None, now: datetime) -> datetime | None:
    if value is None or value == 0:
        return None
    moment = from_millis(value)
    if moment <= now:
        raise invalid(f"Invalid expiration time: {value} is in the past", "expirationTime")
    return moment


def table_json(table: Table, rows: int, size: int) -> dict[str, object]:
    """The full resource."""
    ref = table.ref
    body = {
        **_common(table),
        "etag": table.etag,
        "selfLink": f"/bigquery/v2/projects/{ref.project}/datasets/{ref.dataset}"
        f"/tables/{ref.table}",
        "description": table.description,
        "schema": schema_to_rest(table.schema),
        "numBytes": size,
        "numLongTermBytes": 0,
        "numRows": rows,
        "numTotalLogicalBytes": size if table.is_native else None,
        "numActiveLogicalBytes": size if table.is_native else None,
        "numLongTermLogicalBytes": 0 if table.is_native else None,
        "lastModifiedTime": millis(table.modified),
        "location": table.location,
        "tableConstraints": _constraints_json(table),
        "externalDataConfiguration": external_json(table),
        "snapshotDefinition": _snapshot_json(table),
        "maxStaleness": table.max_staleness,
        "defaultRoundingMode": table.default_rounding_mode,
    }
    return drop_missing(body)


def table_list_item(table: Table) -> dict[str, object]:
    """The shorter resource of a listing."""
    body = _common(table)
    view = body.pop("view", None)
    if view is not None:
        body["view"] = {"useLegacySql": False}
    return drop_missing(body)


def reference_json(ref: TableRef) -> dict[str, str]:
    return {"projectId": ref.project, "datasetId": ref.dataset, "tableId": ref.table}


def _common(table: Table) -> dict[str, object]:
    ref = table.ref
    body: dict[str, object] = {
        "kind": "bigquery#table",
        "id": str(ref),
        "tableReference": reference_json(ref),
        "type": str(table.kind),
        "friendlyName": table.friendly_name,
        "labels": dict(table.labels) or None,
        "creationTime": millis(table.created),
        "expirationTime": None if table.expires is None else millis(table.expires),
        "clustering": {"fields": list(table.clustering)} if table.clustering else None,
        "requirePartitionFilter": table.require_partition_filter or None,
        "timePartitioning": time_partitioning_json(table),
        "rangePartitioning": range_partitioning_json(table.range_partitioning),
    }
    if table.kind is Kind.VIEW:
        body["view"] = {"query": table.view_sql, "useLegacySql": False}
    if table.kind is Kind.MATERIALIZED_VIEW:
        body["materializedView"] = _materialized_json(table)
    return body


def _materialized_json(table: Table) -> dict[str, object]:
    return drop_missing(
        {
            "query": table.view_sql,
            "enableRefresh": table.enable_refresh if table.enable_refresh is not None else True,
            "refreshIntervalMs": table.refresh_interval_ms or 1_800_000,
            "lastRefreshTime": millis(table.modified),
        }
    )


def time_partitioning_json(table: Table) -> dict[str, object] | None:
    by_time = table.time_partitioning
    if by_time is None:
        return None
    body = {
        "type": by_time.type,
        "field": by_time.field,
        "expirationMs": by_time.expiration_ms,
        "requirePartitionFilter": table.require_partition_filter or None,
    }
    return drop_missing(body)


def range_partitioning_json(by_range: RangePartitioning | None) -> dict[str, object] | None:
    if by_range is None:
        return None
    bounds = {"start": by_range.start, "end": by_range.end, "interval": by_range.interval}
    return {"field": by_range.field, "range": drop_missing(bounds)}


def _constraints_json(table: Table) -> dict[str, object] | None:
    if not table.primary_key and table.foreign_keys is None:
        return None
    body: dict[str, object] = {}
    if table.primary_key:
        body["primaryKey"] = {"columns": list(table.primary_key)}
    if table.foreign_keys is not None:
        body["foreignKeys"] = json.loads(table.foreign_keys)
    return body


def _snapshot_json(table: Table) -> dict[str, object] | None:
    if table.snapshot_of is None:
        return None
    taken = table.snapshot_time or table.created
    return {
        "baseTableReference": reference_json(table.snapshot_of),
        "snapshotTime": taken.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def external_json(table: Table) -> dict[str, object] | None:
    config = table.external
    if config is None:
        return None
    body: dict[str, object | None] = {
        "sourceUris": list(config.uris),
        "sourceFormat": config.format,
        "autodetect": config.autodetect or None,
        "ignoreUnknownValues": config.ignore_unknown_values or None,
        "maxBadRecords": config.max_bad_records or None,
        "compression": None if config.compression == "NONE" else config.compression,
        "decimalTargetTypes": list(config.decimal_target_types) or None,
    }
    if config.format == "CSV":
        body["csvOptions"] = _csv_json(config)
    if config.format == "PARQUET":
        parquet = config.parquet
        body["parquetOptions"] = {
            "enumAsString": parquet.enum_as_string,
            "enableListInference": parquet.enable_list_inference,
        }
    return {**drop_missing(body), "maxBadRecords": config.max_bad_records}


def _csv_json(config: ExternalConfig) -> dict[str, object]:
    csv = config.csv
    body = {
        "fieldDelimiter": csv.delimiter,
        "quote": csv.quote,
        "skipLeadingRows": csv.skip_leading_rows,
        "nullMarker": csv.null_marker,
        "nullMarkers": list(csv.null_markers) or None,
        "allowJaggedRows": csv.allow_jagged_rows,
        "allowQuotedNewlines": csv.allow_quoted_newlines,
        "encoding": csv.encoding,
    }
    return drop_missing(body)
