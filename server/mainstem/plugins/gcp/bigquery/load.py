"""Loading files into tables."""

from typing import Any, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.gcp.bigquery.common import (
    CreateDisposition,
    JobTask,
    SchemaUpdate,
    TimeUnit,
    WriteDisposition,
    described,
    follow_job,
    table_id,
)
from mainstem.plugins.gcp.connection import google_errors
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import Outputs

Format = Literal["AVRO", "JSON", "PARQUET", "ORC", "CSV"]
_SOURCE = {"JSON": "NEWLINE_DELIMITED_JSON"}

__all__ = ["CreateDisposition", "Load", "LoadFromGcs", "WriteDisposition"]


class CsvOptions(Properties):
    """How CSV files are read."""

    allow_jagged_rows: Property[bool] | None = None
    allow_quoted_new_lines: Property[bool] | None = None
    encoding: Property[Text] | None = None
    field_delimiter: Property[Text] | None = None
    quote: Property[Text] | None = None
    skip_leading_rows: Property[int] | None = None
    null_marker: Property[Text] | None = None

    def apply(self, ctx: RunContext, config: Any) -> None:
        for name, prop in (
            ("allow_jagged_rows", self.allow_jagged_rows),
            ("allow_quoted_newlines", self.allow_quoted_new_lines),
            ("encoding", self.encoding),
            ("field_delimiter", self.field_delimiter),
            ("quote_character", self.quote),
            ("skip_leading_rows", self.skip_leading_rows),
            ("null_marker", self.null_marker),
        ):
            if prop is not None:
                setattr(config, name, ctx.render(prop))


class AvroOptions(Properties):
    """How Avro files are read."""

    use_avro_logical_types: Property[bool] | None = None


class LoadTask(JobTask):
    """Common properties of load tasks."""

    clustering_fields: Property[list[Text]] | None = None
    schema_update_options: Property[list[SchemaUpdate]] | None = None
    time_partitioning_field: Property[Text] | None = None
    time_partitioning_type: Property[TimeUnit] = Property("DAY", TimeUnit)
    autodetect: Property[bool] | None = None
    ignore_unknown_values: Property[bool] | None = None
    max_bad_records: Property[int] | None = None
    schema_: Property[dict[str, object]] | None = None
    format: Format | None = None
    csv_options: CsvOptions | None = None
    avro_options: AvroOptions | None = None

    def config(self, ctx: RunContext) -> Any:
        """The load configuration of the given properties."""
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(labels=self.job_labels(ctx))
        if self.format is not None:
            config.source_format = _SOURCE.get(self.format, self.format)
        for name, prop in (
            ("write_disposition", self.write_disposition),
            ("create_disposition", self.create_disposition),
            ("clustering_fields", self.clustering_fields),
            ("schema_update_options", self.schema_update_options),
            ("autodetect", self.autodetect),
            ("ignore_unknown_values", self.ignore_unknown_values),
            ("max_bad_records", self.max_bad_records),
        ):
            if prop is not None:
                setattr(config, name, ctx.render(prop))
        if self.time_partitioning_field is not None:
            config.time_partitioning = bigquery.TimePartitioning(
                field=ctx.render(self.time_partitioning_field),
                type_=ctx.render(self.time_partitioning_type),
            )
        if self.schema_ is not None:
            config.schema = _schema(ctx.render(self.schema_))
        if self.csv_options is not None:
            self.csv_options.apply(ctx, config)
        if self.avro_options is not None and self.avro_options.use_avro_logical_types is not None:
            config.use_avro_logical_types = ctx.render(self.avro_options.use_avro_logical_types)
        return config

    def target(self, ctx: RunContext, project: str) -> str:
        if self.destination_table is None:
            raise InvalidInput("`destinationTable` is missing")
        return table_id(ctx.render(self.destination_table), project)

    def finish(self, ctx: RunContext, job: Any) -> Outputs:
        """Outputs and metrics of a load job that ended well."""
        ctx.metric("output.rows", job.output_rows or 0)
        ctx.metric("output.bytes", job.output_bytes or 0)
        ctx.metric("input.bytes", job.input_file_bytes or 0)
        if job.errors:
            ctx.log.warn(f"{len(job.errors)} bad records were skipped: {job.errors[0]['message']}")
        target = described(job.destination)
        name = ".".join(target.values()) if target else None
        ctx.log.info(f"loaded {job.output_rows} rows into {name}")
        return {"jobId": job.job_id, "destinationTable": name, "rows": job.output_rows}


class Load(LoadTask):
    """Load a file of internal storage into a table."""

    TYPE = "io.kestra.plugin.gcp.bigquery.Load"

    from_: Property[Text]
    failed_on_empty: Property[bool] = Property(True, bool)

    def run(self, ctx: RunContext) -> Outputs:
        uri = ctx.render(self.from_)
        if ctx.files.size(uri) == 0:
            if ctx.render(self.failed_on_empty):
                raise InvalidInput(f"`from` is an empty file: {uri} (failedOnEmpty)")
            return {"rows": 0}
        with google_errors("the load failed"), ctx.files.open(uri) as file:
            client = self.client(ctx)
            target = self.target(ctx, client.project)
            job = follow_job(
                ctx,
                lambda: client.load_table_from_file(file, target, job_config=self.config(ctx)),
            )
            return self.finish(ctx, job)


class LoadFromGcs(LoadTask):
    """Load objects of Cloud Storage into a table."""

    TYPE = "io.kestra.plugin.gcp.bigquery.LoadFromGcs"

    from_: Property[list[Text]]

    def run(self, ctx: RunContext) -> Outputs:
        uris = ctx.render(self.from_)
        with google_errors("the load failed"):
            client = self.client(ctx)
            target = self.target(ctx, client.project)
            job = follow_job(
                ctx,
                lambda: client.load_table_from_uri(uris, target, job_config=self.config(ctx)),
            )
            return self.finish(ctx, job)


def _schema(given: dict[str, object]) -> list[Any]:
    from google.cloud import bigquery

    fields = given.get("fields")
    if not isinstance(fields, list) or not fields:
        raise InvalidInput("`schema` must have `fields`, a list of {name, type, mode?}")
    try:
        return [bigquery.SchemaField.from_api_repr(field) for field in fields]
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"`schema`: every field needs `name` and `type` ({error})") from error
