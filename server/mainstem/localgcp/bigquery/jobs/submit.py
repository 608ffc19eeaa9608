"""From a job resource to a job that runs: ids, defaults, the work of its kind."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mainstem.localgcp.bigquery.destination import Target
from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.jobs.copy import Copy, run_copy
from mainstem.localgcp.bigquery.jobs.extract import extract_of, run_extract
from mainstem.localgcp.bigquery.jobs.job import Job, JobRef
from mainstem.localgcp.bigquery.jobs.load import load_of, run_load
from mainstem.localgcp.bigquery.jobs.query import query_of, run_query
from mainstem.localgcp.bigquery.jobs.runner import Running, Work, as_bigquery_error
from mainstem.localgcp.bigquery.partitions import split
from mainstem.localgcp.bigquery.warehouse import Warehouse
from mainstem.localgcp.bigquery.wire.jobs import (
    ConfigurationBody,
    CopyBody,
    Destination,
    JobBody,
    LoadBody,
)
from mainstem.localgcp.bigquery.wire.parts import labels_of
from mainstem.localgcp.bigquery.wire.times import moment_of

JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,1024}")
DEFAULT_WRITE: Final = {"query": "WRITE_EMPTY", "load": "WRITE_APPEND", "copy": "WRITE_EMPTY"}
NOBODY: Final = "developer@local-gcp.example"


@dataclass(frozen=True, slots=True)
class Submission:
    """A request for a job: the body as read and as written, and the file that came with it."""

    project: str
    body: JobBody
    configuration: Mapping[str, object]
    upload: Path | None = None
    user_email: str = NOBODY


def submit(warehouse: Warehouse, request: Submission) -> Job:
    """Start the job; a dry run is over when this returns, and leaves no trace."""
    job = new_job(warehouse, request)
    work = _work(warehouse, request, job)
    if job.is_dry_run:
        return _dry_run(warehouse, job, work)
    warehouse.runner.submit(job, work, request.body.configuration.job_timeout_ms)
    return job


def new_job(warehouse: Warehouse, request: Submission) -> Job:
    """The job in its first state, its configuration complete."""
    reference, configuration = request.body.job_reference, request.body.configuration
    if reference.project_id not in (None, request.project):
        raise invalid(
            f"Value {reference.project_id} in content does not agree with value "
            f"{request.project} in path"
        )
    job_id = reference.job_id or f"job_{secrets.token_urlsafe(20)}"
    if not JOB_ID.fullmatch(job_id):
        raise invalid(f"Invalid job ID '{job_id}'", "jobReference.jobId")
    location = reference.location or warehouse.database.default_location
    return Job(
        ref=JobRef(request.project, job_id, location),
        kind=configuration.kind(),
        configuration=_completed(request.configuration, configuration.kind()),
        created=warehouse.database.now(),
        user_email=request.user_email,
        labels=labels_of(configuration.labels or {}, ()),
        is_dry_run=bool(configuration.dry_run),
    )


def _completed(configuration: Mapping[str, object], kind: str) -> Mapping[str, object]:
    """The configuration with the defaults that the service reports."""
    key = kind.lower()
    part = configuration.get(key)
    own = dict(part) if isinstance(part, Mapping) else {}
    if key in DEFAULT_WRITE:
        own.setdefault("createDisposition", "CREATE_IF_NEEDED")
        own.setdefault("writeDisposition", DEFAULT_WRITE[key])
    if key == "query":
        own.setdefault("priority", "INTERACTIVE")
        own["useLegacySql"] = False
    return {**configuration, key: own, "jobType": kind}


def _work(warehouse: Warehouse, request: Submission, job: Job) -> Work:
    """The work of the job's kind; a configuration that cannot be is refused here, at once."""
    body, project = request.body.configuration, request.project
    if body.query is not None:
        query = query_of(body.query, target_of(body.query, project), project, job)
        return lambda running: run_query(warehouse, _at(running, request), query)
    if job.is_dry_run:
        raise invalid(f"Dry runs are for queries, not for {job.kind} jobs", "dryRun")
    if body.load is not None:
        load = load_of(body.load, _load_target(body.load, project), request.upload)
        return lambda running: run_load(warehouse, _at(running, request), load)
    if body.copy_ is not None:
        copy = _copy_of(body.copy_, project)
        return lambda running: run_copy(warehouse, _at(running, request), copy)
    return _extract_work(warehouse, request, body)


def _extract_work(warehouse: Warehouse, request: Submission, body: ConfigurationBody) -> Work:
    assert body.extract is not None
    extract = extract_of(body.extract, request.project)
    return lambda running: run_extract(warehouse, _at(running, request), extract)


def _at(running: Running, request: Submission) -> Running:
    running.location = request.body.job_reference.location
    return running


def _dry_run(warehouse: Warehouse, job: Job, work: Work) -> Job:
    running = Running(job, warehouse.database.cursor())
    started = job.start(warehouse.database.now())
    try:
        output = work(running)
    except Exception as problem:
        raise as_bigquery_error(problem) from problem
    finally:
        running.cursor.close()
    location = running.location or job.ref.location
    return started.succeed(output, warehouse.database.now(), location)


def target_of(body: Destination, project: str, write: str = "WRITE_EMPTY") -> Target | None:
    """The destination that a query or load job names."""
    if body.destination_table is None:
        return None
    by_time, by_range = body.time_partitioning, body.range_partitioning
    ref, partition = split(body.destination_table.ref(project))
    return Target(
        ref=ref,
        partition=partition,
        write=body.write_disposition or write,
        create=body.create_disposition or "CREATE_IF_NEEDED",
        time_partitioning=None if by_time is None else by_time.read(),
        range_partitioning=None if by_range is None else by_range.read(),
        require_partition_filter=bool(by_time and by_time.require_partition_filter),
        clustering=() if body.clustering is None else body.clustering.fields,
        updates=body.schema_update_options,
    )


def _load_target(body: LoadBody, project: str) -> Target:
    target = target_of(body, project, "WRITE_APPEND")
    if target is None:
        raise BigQueryError(
            "required",
            "Required parameter is missing: destinationTable",
            location="destinationTable",
        )
    if target.updates and target.write == "WRITE_EMPTY":
        raise invalid("Schema update options should only be specified with WRITE_APPEND")
    said = body.destination_table_properties
    if said is None:
        return target
    return replace(
        target,
        description=said.description,
        friendly_name=said.friendly_name,
        labels=labels_of(said.labels or {}, ()),
    )


def _copy_of(body: CopyBody, project: str) -> Copy:
    named = body.source_tables or ((body.source_table,) if body.source_table else ())
    if not named:
        raise invalid("Required parameter is missing: sourceTables", "sourceTables")
    ref, partition = split(body.destination_table.ref(project))
    target = Target(
        ref=ref,
        partition=partition,
        write=body.write_disposition or "WRITE_EMPTY",
        create=body.create_disposition or "CREATE_IF_NEEDED",
    )
    operation = body.operation_type.replace("OPERATION_TYPE_UNSPECIFIED", "COPY")
    expires = body.destination_expiration_time
    return Copy(
        tuple(split(table.ref(project)) for table in named),
        target,
        operation,
        None if not expires else moment_of(expires),
    )
