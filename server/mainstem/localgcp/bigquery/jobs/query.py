"""Query jobs: GoogleSQL through the SQL layer, its rows into a table, its story into statistics."""

from dataclasses import dataclass

from mainstem.localgcp.bigquery.destination import Target
from mainstem.localgcp.bigquery.engine import Engine
from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.host import JobHost
from mainstem.localgcp.bigquery.jobs.job import Job, Output
from mainstem.localgcp.bigquery.jobs.runner import Running
from mainstem.localgcp.bigquery.model import DatasetRef, TableRef
from mainstem.localgcp.bigquery.sql.types import Field
from mainstem.localgcp.bigquery.wire.jobs import QueryBody


@dataclass(frozen=True, slots=True)
class Query:
    """A query job as it was asked for."""

    project: str
    body: QueryBody
    target: Target | None
    default_dataset: DatasetRef | None
    is_dry_run: bool
    job: Job


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the rows of an answer are."""

    table: TableRef
    fields: tuple[Field, ...]
    rows: int


def query_of(body: QueryBody, target: Target | None, project: str, job: Job) -> Query:
    """Read the configuration, refusing what could only be ignored."""
    if body.use_legacy_sql is not False:
        raise invalid(
            "The local BigQuery emulator does not support legacy SQL, which is what "
            "useLegacySql means unless it is set to false.",
            "useLegacySql",
        )
    for used in body.connection_properties:
        raise invalid(
            f"The local BigQuery emulator does not support the connection property {used.key}.",
            "connectionProperties",
        )
    if not body.query.strip():
        raise BigQueryError("required", "Required parameter is missing: query", location="query")
    default = body.default_dataset
    dataset = None if default is None else default.ref(project)
    return Query(project, body, target, dataset, job.is_dry_run, job)


def run_query(engine: Engine, running: Running, query: Query) -> Output:
    raise NotImplementedError


def describe_query(host: JobHost, sql: str) -> tuple[Field, ...]:
    raise NotImplementedError
