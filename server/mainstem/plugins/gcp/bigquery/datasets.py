"""Datasets and tables as wholes."""

from typing import Any, Literal

from mainstem.plugins.gcp.bigquery.common import BigQueryTask, JobTask, follow_job, table_id
from mainstem.plugins.gcp.connection import google_errors
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs


class DatasetTask(BigQueryTask):
    """Common properties of dataset tasks; lifetimes in milliseconds."""

    name: Property[Text]
    friendly_name: Property[Text] | None = None
    labels: Property[dict[str, Text]] | None = None
    default_table_lifetime: Property[int] | None = None
    default_partition_expiration_ms: Property[int] | None = None

    def configure(self, ctx: RunContext, dataset: Any) -> list[str]:
        """Put the given properties on a dataset object; returns the names that were set."""
        changed = []
        for attribute, prop in (
            ("friendly_name", self.friendly_name),
            ("labels", self.labels),
            ("default_table_expiration_ms", self.default_table_lifetime),
            ("default_partition_expiration_ms", self.default_partition_expiration_ms),
        ):
            if prop is not None:
                setattr(dataset, attribute, ctx.render(prop))
                changed.append(attribute)
        if self.description is not None:
            dataset.description = ctx.render_text(self.description)
            changed.append("description")
        return changed


class CreateDataset(DatasetTask):
    """Create a dataset."""

    TYPE = "io.kestra.plugin.gcp.bigquery.CreateDataset"

    if_exists: Property[Literal["ERROR", "UPDATE", "SKIP"]] = Property("ERROR", str)

    def run(self, ctx: RunContext) -> Outputs:
        from google.api_core.exceptions import Conflict, Forbidden
        from google.cloud import bigquery

        name, policy = ctx.render(self.name), ctx.render(self.if_exists)
        with google_errors(f"create dataset `{name}`"):
            client = self.client(ctx)
            dataset = bigquery.Dataset(f"{client.project}.{name}")
            dataset.location = client.location
            changed = self.configure(ctx, dataset)
            try:
                found = client.create_dataset(dataset)
            except (Conflict, Forbidden):
                # Who may not create datasets is refused before anybody looks whether it is there.
                existing = _existing(client, dataset.reference)
                if existing is None:
                    raise
                if policy == "ERROR":
                    raise TaskFailed(f"dataset `{name}` exists already (ifExists: ERROR)") from None
                found = existing
                if policy == "UPDATE" and changed:
                    self.configure(ctx, found)
                    found = client.update_dataset(found, changed)
                ctx.log.info(f"dataset `{name}` exists: {policy.lower()}")
            else:
                ctx.log.info(f"created dataset `{name}` in {found.location}")
            _check_location(ctx, found, client.location)
            return _outputs(found)


def _existing(client: Any, reference: Any) -> Any:
    from google.api_core.exceptions import Forbidden, NotFound

    try:
        return client.get_dataset(reference)
    except (Forbidden, NotFound):
        return None


class UpdateDataset(DatasetTask):
    """Change the properties of a dataset."""

    TYPE = "io.kestra.plugin.gcp.bigquery.UpdateDataset"

    def run(self, ctx: RunContext) -> Outputs:
        name = ctx.render(self.name)
        with google_errors(f"update dataset `{name}`"):
            client = self.client(ctx)
            found = client.get_dataset(f"{client.project}.{name}")
            changed = self.configure(ctx, found)
            return _outputs(client.update_dataset(found, changed) if changed else found)


class DeleteDataset(BigQueryTask):
    """Delete a dataset, with `deleteContents` its tables too."""

    TYPE = "io.kestra.plugin.gcp.bigquery.DeleteDataset"

    name: Property[Text]
    delete_contents: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        name = ctx.render(self.name)
        with google_errors(f"delete dataset `{name}`"):
            client = self.client(ctx)
            client.delete_dataset(
                f"{client.project}.{name}", delete_contents=ctx.render(self.delete_contents)
            )
            return {"dataset": name, "project": client.project}


class DeleteTable(BigQueryTask):
    """Delete a table."""

    TYPE = "io.kestra.plugin.gcp.bigquery.DeleteTable"

    dataset: Property[Text]
    table: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        dataset, table = ctx.render(self.dataset), ctx.render(self.table)
        with google_errors(f"delete table `{dataset}.{table}`"):
            client = self.client(ctx)
            client.delete_table(f"{client.project}.{dataset}.{table}")
            return {"project": client.project, "datasetId": dataset, "table": table}


class Copy(JobTask):
    """Copy tables."""

    TYPE = "io.kestra.plugin.gcp.bigquery.Copy"

    source_tables: Property[list[Text]]

    def run(self, ctx: RunContext) -> Outputs:
        from google.cloud import bigquery

        if self.destination_table is None:
            raise TaskFailed("`destinationTable` is missing")
        with google_errors("the copy failed"):
            client = self.client(ctx)
            sources = [table_id(name, client.project) for name in ctx.render(self.source_tables)]
            target = table_id(ctx.render(self.destination_table), client.project)
            config = bigquery.CopyJobConfig(labels=self.job_labels(ctx))
            for name, prop in (
                ("write_disposition", self.write_disposition),
                ("create_disposition", self.create_disposition),
            ):
                if prop is not None:
                    setattr(config, name, ctx.render(prop))
            job = follow_job(ctx, lambda: client.copy_table(sources, target, job_config=config))
            return {"jobId": job.job_id, "destinationTable": target}


class ExtractToGcs(JobTask):
    """Export a table to Cloud Storage."""

    TYPE = "io.kestra.plugin.gcp.bigquery.ExtractToGcs"

    source_table: Property[Text]
    destination_uris: Property[list[Text]]
    format: Property[Literal["CSV", "NEWLINE_DELIMITED_JSON", "AVRO", "PARQUET"]] = Property(
        "CSV", str
    )
    compression: Property[Literal["NONE", "GZIP", "SNAPPY", "DEFLATE"]] | None = None
    field_delimiter: Property[Text] | None = None
    print_header: Property[bool] | None = None
    use_avro_logical_types: Property[bool] | None = None
    job_timeout_ms: Property[int] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        from google.cloud import bigquery

        with google_errors("the export failed"):
            client = self.client(ctx)
            source = table_id(ctx.render(self.source_table), client.project)
            config = bigquery.ExtractJobConfig(  # type: ignore[no-untyped-call]
                labels=self.job_labels(ctx), destination_format=ctx.render(self.format)
            )
            for name, prop in (
                ("compression", self.compression),
                ("field_delimiter", self.field_delimiter),
                ("print_header", self.print_header),
                ("use_avro_logical_types", self.use_avro_logical_types),
                ("job_timeout_ms", self.job_timeout_ms),
            ):
                if prop is not None:
                    setattr(config, name, ctx.render(prop))
            uris = ctx.render(self.destination_uris)
            job = follow_job(ctx, lambda: client.extract_table(source, uris, job_config=config))
            return {
                "jobId": job.job_id,
                "sourceTable": source,
                "destinationUris": uris,
                "fileCounts": list(job.destination_uri_file_counts or []),
            }


def _check_location(ctx: RunContext, dataset: Any, wanted: str | None) -> None:
    if wanted and dataset.location and dataset.location.lower() != wanted.lower():
        ctx.log.warn(
            f"dataset `{dataset.dataset_id}` is in {dataset.location}, not in {wanted}: jobs with "
            f"location {wanted} will not find it. Set `location: {dataset.location}`"
        )


def _outputs(dataset: Any) -> Outputs:
    return {
        "dataset": dataset.dataset_id,
        "project": dataset.project,
        "friendlyName": dataset.friendly_name,
        "description": dataset.description,
        "location": dataset.location,
    }
