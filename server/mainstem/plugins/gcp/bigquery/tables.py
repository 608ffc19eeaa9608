"""Tables as wholes: create, change, describe."""

from datetime import timedelta
from typing import Any, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.gcp.bigquery.common import BigQueryTask
from mainstem.plugins.gcp.connection import google_errors
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import Outputs


class FieldDefinition(Properties):
    """A column."""

    name: Property[Text]
    type: Property[Text]
    sub_fields: "tuple[FieldDefinition, ...]" = ()
    mode: Property[Literal["NULLABLE", "REQUIRED", "REPEATED"]] | None = None
    description: Property[Text] | None = None

    def wire(self, ctx: RunContext) -> dict[str, Any]:
        own = _given(
            ctx,
            {
                "name": self.name,
                "type": self.type,
                "mode": self.mode,
                "description": self.description,
            },
        )
        inner = [field.wire(ctx) for field in self.sub_fields]
        return {**own, "fields": inner} if inner else own


class SchemaDefinition(Properties):
    fields: tuple[FieldDefinition, ...] = ()


class TimePartitioning(Properties):
    """Partitions by time, of a column or of the time of loading."""

    type: Property[Literal["DAY", "HOUR", "MONTH", "YEAR"]] = Property("DAY", str)
    expiration: Property[Duration] | None = None
    field: Property[Text] | None = None
    require_partition_filter: Property[bool] | None = None

    def wire(self, ctx: RunContext) -> dict[str, Any]:
        found = _given(ctx, {"type": self.type, "field": self.field})
        if self.expiration is not None:
            found["expirationMs"] = _millis(ctx.render(self.expiration))
        return found


class Range(Properties):
    start: Property[int]
    end: Property[int]
    interval: Property[int]


class RangePartitioning(Properties):
    """Partitions by ranges of whole numbers."""

    field: Property[Text]
    range: Range

    def wire(self, ctx: RunContext) -> dict[str, Any]:
        edges = {"start": self.range.start, "end": self.range.end, "interval": self.range.interval}
        return {
            "field": ctx.render(self.field),
            "range": {name: str(ctx.render(prop)) for name, prop in edges.items()},
        }


class StandardTable(Properties):
    clustering: Property[list[Text]] | None = None
    time_partitioning: TimePartitioning | None = None
    range_partitioning: RangePartitioning | None = None


class View(Properties):
    query: Property[Text]


class MaterializedView(View):
    enable_refresh: Property[bool] | None = None
    refresh_interval: Property[Duration] | None = None


class ExternalTable(Properties):
    """A table whose rows are objects of Cloud Storage."""

    source_uris: Property[list[Text]]
    format_type: Property[Text]
    autodetect: Property[bool] | None = None
    compression: Property[Text] | None = None
    max_bad_records: Property[int] | None = None
    ignore_unknown_values: Property[bool] | None = None


class TableDefinition(Properties):
    """What a table is."""

    type: Property[Literal["TABLE", "VIEW", "MATERIALIZED_VIEW", "EXTERNAL"]] = Property(
        "TABLE", str
    )
    schema_: SchemaDefinition | None = None
    standard_table_definition: StandardTable | None = None
    view_definition: View | None = None
    materialized_view_definition: MaterializedView | None = None
    external_table_definition: ExternalTable | None = None

    def wire(self, ctx: RunContext) -> dict[str, Any]:
        """The members of a table resource."""
        fields = [field.wire(ctx) for field in self.schema_.fields] if self.schema_ else []
        found: dict[str, Any] = {"schema": {"fields": fields}} if fields else {}
        return {**found, **self._layout(ctx), **self._source(ctx)}

    def _layout(self, ctx: RunContext) -> dict[str, Any]:
        table = self.standard_table_definition
        found: dict[str, Any] = {}
        if table is None:
            return {}
        if table.clustering is not None:
            found["clustering"] = {"fields": ctx.render(table.clustering)}
        if table.time_partitioning is not None:
            found["timePartitioning"] = table.time_partitioning.wire(ctx)
            needs = table.time_partitioning.require_partition_filter
            if needs is not None:
                found["requirePartitionFilter"] = ctx.render(needs)
        if table.range_partitioning is not None:
            found["rangePartitioning"] = table.range_partitioning.wire(ctx)
        return found

    def _source(self, ctx: RunContext) -> dict[str, Any]:
        kind = ctx.render(self.type)
        if kind == "VIEW":
            view = _needed(self.view_definition, "viewDefinition", kind)
            return {"view": {"query": ctx.render(view.query), "useLegacySql": False}}
        if kind == "MATERIALIZED_VIEW":
            made = _needed(self.materialized_view_definition, "materializedViewDefinition", kind)
            options = _given(ctx, {"query": made.query, "enableRefresh": made.enable_refresh})
            if made.refresh_interval is not None:
                options["refreshIntervalMs"] = _millis(ctx.render(made.refresh_interval))
            return {"materializedView": options}
        if kind == "EXTERNAL":
            outside = _needed(self.external_table_definition, "externalTableDefinition", kind)
            return {"externalDataConfiguration": _external(ctx, outside)}
        return {}


def _external(ctx: RunContext, given: ExternalTable) -> dict[str, Any]:
    found = _given(
        ctx,
        {
            "sourceUris": given.source_uris,
            "sourceFormat": given.format_type,
            "autodetect": given.autodetect,
            "compression": given.compression,
            "maxBadRecords": given.max_bad_records,
            "ignoreUnknownValues": given.ignore_unknown_values,
        },
    )
    kind = found["sourceFormat"].upper()
    found["sourceFormat"] = {"JSON": "NEWLINE_DELIMITED_JSON"}.get(kind, kind)
    return found


def _needed(given: Any, name: str, kind: str) -> Any:
    if given is None:
        raise InvalidInput(f"a table of type {kind} needs `tableDefinition.{name}`")
    return given


def _given(ctx: RunContext, props: dict[str, Property[Any] | None]) -> dict[str, Any]:
    return {name: ctx.render(prop) for name, prop in props.items() if prop is not None}


def _millis(length: timedelta) -> str:
    return str(int(length.total_seconds() * 1000))


class TableTask(BigQueryTask):
    """Common properties of tasks on one table."""

    dataset: Property[Text]
    table: Property[Text]

    def named(self, ctx: RunContext, client: Any) -> str:
        return f"{client.project}.{ctx.render(self.dataset)}.{ctx.render(self.table)}"


class TableChange(TableTask):
    """Common properties of tasks that say what a table is."""

    table_definition: TableDefinition | None = None
    friendly_name: Property[Text] | None = None
    labels: Property[dict[str, Text]] | None = None
    require_partition_filter: Property[bool] | None = None
    expiration_duration: Property[Duration] | None = None

    def wire(self, ctx: RunContext) -> dict[str, Any]:
        """The members of the table resource that the task gives."""
        found = self.table_definition.wire(ctx) if self.table_definition else {}
        found |= _given(
            ctx,
            {
                "friendlyName": self.friendly_name,
                "labels": self.labels,
                "requirePartitionFilter": self.require_partition_filter,
            },
        )
        if self.description is not None:
            found["description"] = ctx.render_text(self.description)
        if self.expiration_duration is not None:
            ends = ctx.now() + ctx.render(self.expiration_duration)
            found["expirationTime"] = str(int(ends.timestamp() * 1000))
        return found


class CreateTable(TableChange):
    """Create a table, a view or an external table."""

    TYPE = "io.kestra.plugin.gcp.bigquery.CreateTable"

    def run(self, ctx: RunContext) -> Outputs:
        from google.cloud import bigquery

        with google_errors(f"create table `{ctx.render(self.table)}`"):
            client = self.client(ctx)
            reference = bigquery.TableReference.from_string(self.named(ctx, client))
            resource = {"tableReference": reference.to_api_repr(), **self.wire(ctx)}
            made = client.create_table(bigquery.Table.from_api_repr(resource))
        ctx.log.info(f"created table `{made.full_table_id}`")
        return described_table(made)


_ATTRIBUTES = {
    "schema": "schema",
    "clustering": "clustering_fields",
    "timePartitioning": "time_partitioning",
    "requirePartitionFilter": "require_partition_filter",
    "view": "view_query",
    "externalDataConfiguration": "external_data_configuration",
    "friendlyName": "friendly_name",
    "labels": "labels",
    "description": "description",
    "expirationTime": "expires",
}


class UpdateTable(TableChange):
    """Change what is given of a table."""

    TYPE = "io.kestra.plugin.gcp.bigquery.UpdateTable"

    def run(self, ctx: RunContext) -> Outputs:
        from google.cloud import bigquery

        with google_errors(f"update table `{ctx.render(self.table)}`"):
            client = self.client(ctx)
            found = client.get_table(self.named(ctx, client))
            given = self.wire(ctx)
            changed = bigquery.Table.from_api_repr({**found.to_api_repr(), **given})
            names = [_ATTRIBUTES[name] for name in given if name in _ATTRIBUTES]
            after = client.update_table(changed, names) if names else found
        return described_table(after)


class TableMetadata(TableTask):
    """Describe a table."""

    TYPE = "io.kestra.plugin.gcp.bigquery.TableMetadata"

    if_not_exists: Property[Literal["ERROR", "SKIP"]] = Property("ERROR", str)

    def run(self, ctx: RunContext) -> Outputs:
        from google.api_core.exceptions import NotFound

        with google_errors(f"describe table `{ctx.render(self.table)}`"):
            client = self.client(ctx)
            name = self.named(ctx, client)
            try:
                return described_table(client.get_table(name))
            except NotFound:
                if ctx.render(self.if_not_exists) == "SKIP":
                    ctx.log.info(f"there is no table `{name}` (ifNotExists: SKIP)")
                    return {}
                raise TaskFailed(f"there is no table `{name}` (ifNotExists: ERROR)") from None


def described_table(table: Any) -> dict[str, object]:
    """A table as tasks give it to expressions."""
    resource = table.to_api_repr()
    fields = resource.get("schema", {}).get("fields", [])
    layout = {
        "clustering": table.clustering_fields,
        "timePartitioning": resource.get("timePartitioning"),
        "rangePartitioning": resource.get("rangePartitioning"),
    }
    view = {"query": table.view_query} if table.view_query else None
    return {
        "projectId": table.project,
        "datasetId": table.dataset_id,
        "table": table.table_id,
        "etag": table.etag,
        "generatedId": table.full_table_id,
        "selfLink": table.self_link,
        "friendlyName": table.friendly_name,
        "description": table.description,
        "creationTime": table.created,
        "expirationTime": table.expires,
        "lastModifiedTime": table.modified,
        "numBytes": table.num_bytes,
        "numRows": table.num_rows,
        "labels": dict(table.labels or {}),
        "requirePartitionFilter": table.require_partition_filter,
        "definition": {
            "type": table.table_type,
            "schema": {"fields": fields},
            "standardTableDefinition": layout if table.table_type == "TABLE" else None,
            "viewDefinition": view,
            "externalTableDefinition": resource.get("externalDataConfiguration"),
        },
    }
