"""Partitions of a table: copy and delete a range of them."""

import re
from datetime import UTC, datetime
from typing import Any, Final, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.gcp.bigquery.common import BigQueryTask, JobTask, follow_job, table_id
from mainstem.plugins.gcp.connection import google_errors
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_FORMATS: Final = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}

PartitionType = Literal["HOUR", "DAY", "MONTH", "YEAR", "RANGE"]


class PartitionTask(BigQueryTask):
    """Partitions from `from` to `to`, both included: moments, or numbers of a RANGE."""

    dataset: Property[Text]
    table: Property[Text]
    partition_type: Property[PartitionType]
    from_: Property[Text]
    to: Property[Text]

    def partitions(self, ctx: RunContext, client: Any) -> list[str]:
        """The ids of the partitions that exist and are meant."""
        dataset, table = ctx.render(self.dataset), ctx.render(self.table)
        kind = ctx.render(self.partition_type)
        low, high = _edge(kind, ctx.render(self.from_)), _edge(kind, ctx.render(self.to))
        if not re.fullmatch(r"\w{1,1024}", dataset, re.ASCII):
            raise InvalidInput(f"`{dataset}` is not the name of a dataset")
        view = f"`{client.project}.{dataset}.INFORMATION_SCHEMA.PARTITIONS`"
        sql = f"SELECT partition_id FROM {view} WHERE table_name = @table ORDER BY 1"  # noqa: S608
        known = client.query(sql, job_config=_named(table)).result()
        found = []
        for row in known:
            place = _place(kind, row["partition_id"])
            if place is not None and low <= place <= high:
                found.append(row["partition_id"])
        return found

    def outputs(self, ctx: RunContext, client: Any, found: list[str]) -> dict[str, object]:
        return {
            "projectId": client.project,
            "datasetId": ctx.render(self.dataset),
            "table": ctx.render(self.table),
            "partitions": found,
        }


def _named(table: str) -> Any:
    from google.cloud import bigquery

    return bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("table", "STRING", table)]
    )


def _edge(kind: str, text: str) -> Any:
    try:
        if kind == "RANGE":
            return int(text)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        wanted = "a whole number" if kind == "RANGE" else "a moment such as 2024-01-31T00:00"
        raise InvalidInput(f"`from` and `to` must be {wanted}, not `{text}`") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _place(kind: str, partition: str | None) -> Any:
    """Where a partition lies; None for those that are no part of any range."""
    if partition is None or partition.startswith("__"):
        return None
    try:
        if kind == "RANGE":
            return int(partition)
        return datetime.strptime(partition, _FORMATS[kind]).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidInput(
            f"the table has a partition `{partition}`: `partitionType: {kind}` is not its kind"
        ) from error


class DeletePartitions(PartitionTask):
    """Delete partitions of a table."""

    TYPE = "io.kestra.plugin.gcp.bigquery.DeletePartitions"

    def run(self, ctx: RunContext) -> Outputs:
        table = f"{ctx.render(self.dataset)}.{ctx.render(self.table)}"
        with google_errors(f"delete partitions of `{table}`"):
            client = self.client(ctx)
            found = self.partitions(ctx, client)
            for partition in found:
                client.delete_table(f"{client.project}.{table}${partition}")
            ctx.log.info(f"deleted {len(found)} partitions of `{table}`")
            return self.outputs(ctx, client, found)


class CopyPartitions(PartitionTask, JobTask):
    """Copy partitions of a table into another."""

    TYPE = "io.kestra.plugin.gcp.bigquery.CopyPartitions"

    destination_table: Property[Text]
    skip_empty: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        from google.cloud import bigquery

        table = f"{ctx.render(self.dataset)}.{ctx.render(self.table)}"
        with google_errors(f"copy partitions of `{table}`"):
            client = self.client(ctx)
            found = self.partitions(ctx, client)
            if not found:
                if ctx.render(self.skip_empty):
                    return {**self.outputs(ctx, client, found), "jobId": None}
                raise TaskFailed(f"`{table}` has no partition between `from` and `to` (skipEmpty)")
            config = bigquery.CopyJobConfig(labels=self.job_labels(ctx))
            for name, prop in (
                ("write_disposition", self.write_disposition),
                ("create_disposition", self.create_disposition),
            ):
                if prop is not None:
                    setattr(config, name, ctx.render(prop))
            sources = [f"{client.project}.{table}${partition}" for partition in found]
            target = table_id(ctx.render(self.destination_table), client.project)
            job = follow_job(ctx, lambda: client.copy_table(sources, target, job_config=config))
            return {**self.outputs(ctx, client, found), "jobId": job.job_id}
