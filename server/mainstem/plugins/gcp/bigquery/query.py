"""Queries."""

from typing import Any, Literal

from mainstem.plugins.gcp.bigquery.common import (
    JobTask,
    SchemaUpdate,
    TimeUnit,
    described,
    follow_job,
    rows_of,
    table_id,
)
from mainstem.plugins.gcp.connection import google_errors
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.rowfiles import FetchType, fetch_type, fetched
from mainstem.sdk.task import Outputs


class Query(JobTask):
    """Run a SQL statement or script on BigQuery."""

    TYPE = "io.kestra.plugin.gcp.bigquery.Query"

    sql: Property[Text]
    legacy_sql: Property[bool] = Property(False, bool)
    use_legacy_sql: Property[bool] = Property(False, bool)
    fetch: bool = False
    store: bool = False
    fetch_one: bool = False
    fetch_type: Property[FetchType] = Property("NONE", FetchType)
    clustering_fields: Property[list[Text]] | None = None
    schema_update_options: Property[list[SchemaUpdate]] | None = None
    time_partitioning_field: Property[Text] | None = None
    time_partitioning_type: Property[TimeUnit] = Property("DAY", TimeUnit)
    range_partitioning_field: Property[Text] | None = None
    range_partitioning_start: Property[int] | None = None
    range_partitioning_end: Property[int] | None = None
    range_partitioning_interval: Property[int] | None = None
    default_dataset: Property[Text] | None = None
    priority: Property[Literal["INTERACTIVE", "BATCH"]] = Property("INTERACTIVE", str)
    allow_large_results: Property[bool] | None = None
    use_query_cache: Property[bool] | None = None
    flatten_results: Property[bool] = Property(True, bool)
    maximum_billing_tier: Property[int] | None = None
    maximum_bytes_billed: Property[int] | None = None
    create_session: Property[bool] | None = None
    max_results: Property[int] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        sql = ctx.render(self.sql)
        ctx.log.debug(f"running\n{sql}")
        with google_errors("the query failed"):
            client = self.client(ctx)
            config = self._config(ctx, client.project)
            job = follow_job(ctx, lambda: client.query(sql, job_config=config))
            return {**_statistics(ctx, job), **self._rows(ctx, job)}

    def _rows(self, ctx: RunContext, job: Any) -> dict[str, object]:
        how = fetch_type(
            ctx, self.fetch_type, fetch=self.fetch, store=self.store, fetch_one=self.fetch_one
        )
        if how == "NONE" or job.dry_run:
            return {}
        limit = ctx.render(self.max_results) if self.max_results is not None else None
        return fetched(ctx, rows_of(job.result(max_results=limit)), how)

    def _config(self, ctx: RunContext, project: str) -> Any:
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            dry_run=ctx.render(self.dry_run),
            use_legacy_sql=ctx.render(self.legacy_sql) or ctx.render(self.use_legacy_sql),
            priority=ctx.render(self.priority),
            labels=self.job_labels(ctx),
        )
        optional = (
            ("write_disposition", self.write_disposition),
            ("create_disposition", self.create_disposition),
            ("clustering_fields", self.clustering_fields),
            ("schema_update_options", self.schema_update_options),
            ("allow_large_results", self.allow_large_results),
            ("use_query_cache", self.use_query_cache),
            ("maximum_billing_tier", self.maximum_billing_tier),
            ("maximum_bytes_billed", self.maximum_bytes_billed),
            ("create_session", self.create_session),
        )
        for name, prop in optional:
            if prop is not None:
                setattr(config, name, ctx.render(prop))
        if self.destination_table is not None:
            config.destination = table_id(ctx.render(self.destination_table), project)
        if self.default_dataset is not None:
            dataset = ctx.render(self.default_dataset)
            config.default_dataset = dataset if "." in dataset else f"{project}.{dataset}"
        if self.job_timeout is not None:
            limit = ctx.render(self.job_timeout)
            config.job_timeout_ms = int(limit.total_seconds() * 1000)
        self._partition(ctx, config)
        return config

    def _partition(self, ctx: RunContext, config: Any) -> None:
        from google.cloud import bigquery

        if self.time_partitioning_field is not None:
            config.time_partitioning = bigquery.TimePartitioning(
                field=ctx.render(self.time_partitioning_field),
                type_=ctx.render(self.time_partitioning_type),
            )
        if self.range_partitioning_field is not None:
            edges = {
                name: ctx.render(prop)
                for name, prop in (
                    ("start", self.range_partitioning_start),
                    ("end", self.range_partitioning_end),
                    ("interval", self.range_partitioning_interval),
                )
                if prop is not None
            }
            config.range_partitioning = bigquery.RangePartitioning(
                field=ctx.render(self.range_partitioning_field),
                range_=bigquery.PartitionRange(**edges),
            )


def _statistics(ctx: RunContext, job: Any) -> dict[str, object]:
    """Outputs and metrics that every query has."""
    for name, value in (
        ("total.bytes.processed", job.total_bytes_processed),
        ("total.bytes.billed", job.total_bytes_billed),
        ("num.dml.affected.rows", job.num_dml_affected_rows),
        ("total.slot.ms", job.slot_millis),
    ):
        if value is not None:
            ctx.metric(name, value)
    affected = job.num_dml_affected_rows
    if affected is not None:
        ctx.log.info(f"{job.statement_type}: {affected} rows affected")
    elif job.statement_type:
        ctx.log.info(f"{job.statement_type}: {job.total_bytes_processed or 0} bytes processed")
    return {
        "jobId": job.job_id,
        "statementType": job.statement_type,
        "destinationTable": described(job.destination),
        "affectedRows": affected,
        "bytesProcessed": job.total_bytes_processed,
    }
