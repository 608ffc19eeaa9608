"""What the BigQuery tasks share: the client, jobs, table names, rows."""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Literal

from mainstem.errors import InvalidInput
from mainstem.model.metric import MetricKind
from mainstem.plugins.gcp.connection import GcpConnection, GcpTask, client_options
from mainstem.sdk.context import RunContext, TaskKilled
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.rowfiles import FetchType
from mainstem.sdk.task import Retry

__all__ = ["BigQueryTask", "FetchType", "JobTask", "plain_row", "table_id"]

_POLL_SECONDS: Final = 0.05
_LONGEST_POLL: Final = 2.0
_MOST_REASONS: Final = 20

WriteDisposition = Literal["WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_APPEND", "WRITE_EMPTY"]
CreateDisposition = Literal["CREATE_IF_NEEDED", "CREATE_NEVER"]
SchemaUpdate = Literal["ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"]
TimeUnit = Literal["HOUR", "DAY", "MONTH", "YEAR"]


class BigQueryConnection(GcpConnection):
    """Whatever has a BigQuery client; `location` is where its jobs run."""

    location: Property[Text] | None = None
    retry_auto: Retry | None = None
    retry_reasons: Property[list[Text]] | None = None
    retry_messages: Property[list[Text]] | None = None

    def client(self, ctx: RunContext) -> Any:
        from google.cloud import bigquery

        endpoint = ctx.settings.gcp.bigquery
        return bigquery.Client(
            project=self.project(ctx),
            credentials=self.credentials(ctx, endpoint),
            location=ctx.render(self.location) if self.location is not None else None,
            client_options=client_options(endpoint),
        )


class BigQueryTask(BigQueryConnection, GcpTask):
    """A task with a BigQuery client."""


class JobTask(BigQueryTask):
    """Common properties of tasks that run a job."""

    destination_table: Property[Text] | None = None
    write_disposition: Property[WriteDisposition] | None = None
    create_disposition: Property[CreateDisposition] | None = None
    job_timeout: Property[Duration] | None = None
    labels: Property[dict[str, Text]] | None = None
    dry_run: Property[bool] = Property(False, bool)

    def job_labels(self, ctx: RunContext) -> dict[str, str]:
        """The given labels, and those by which a job is found from its execution."""
        own = {
            "mainstem_namespace": _label(ctx.flow.id.namespace),
            "mainstem_flow": _label(ctx.flow.id.id),
            "mainstem_execution": _label(ctx.execution_id),
            "mainstem_task": _label(ctx.task_id),
        }
        return {**own, **(ctx.render(self.labels) if self.labels is not None else {})}


def follow_job(ctx: RunContext, start: Callable[[], Any]) -> Any:
    """Start a job and wait for its end; a kill of the task cancels the job.

    Raises Google's error when the job failed.
    """
    job = start()
    ctx.log.debug(f"job {job.job_id} started in {job.location}")
    ctx.on_kill(job.cancel)
    pause = _POLL_SECONDS
    while not job.done():
        if ctx.wait(pause):
            raise TaskKilled
        pause = min(pause * 1.5, _LONGEST_POLL)
    _log_reasons(ctx, job)
    job.result()
    if job.started and job.ended:
        seconds = (job.ended - job.started).total_seconds()
        ctx.metric("job.duration", seconds, MetricKind.TIMER)
    return job


def _log_reasons(ctx: RunContext, job: Any) -> None:
    """What a failed job says besides its first error, which is often just a count of others."""
    if job.error_result is None:
        return
    told = job.error_result.get("message")
    for item in (job.errors or [])[:_MOST_REASONS]:
        message, where = item.get("message"), item.get("location")
        if message and message != told:
            ctx.log.error(f"{message} ({where})" if where and where not in message else message)


def table_id(text: str, project: str) -> str:
    """`dataset.table` or `project.dataset.table` in full; raises InvalidInput."""
    parts = text.strip().strip("`").replace(":", ".", 1).split(".")
    if len(parts) == 2:
        return f"{project}.{text.strip().strip('`')}"
    if len(parts) != 3 or not all(parts):
        raise InvalidInput(f"`{text}` is not a table: write dataset.table or project.dataset.table")
    return ".".join(parts)


def described(reference: Any) -> dict[str, str] | None:
    """A table reference as tasks give it to expressions."""
    if reference is None:
        return None
    return {
        "project": reference.project,
        "dataset": reference.dataset_id,
        "table": reference.table_id,
    }


def rows_of(result: Any) -> Iterator[dict[str, object]]:
    """Rows as maps of plain values."""
    for row in result:
        yield plain_row(row)


def plain_row(row: Mapping[str, Any]) -> dict[str, object]:
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, int, float, bool, bytes, datetime, date, time)):
        return value
    return str(value)


def _label(text: str) -> str:
    """Text as a label value: lower case, at most 63 of letters, digits, `_` and `-`."""
    kept = [c if c.isalnum() or c in "_-" else "-" for c in text.lower()]
    return "".join(kept)[:63]
