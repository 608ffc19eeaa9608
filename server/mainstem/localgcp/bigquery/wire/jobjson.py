"""Jobs and query answers as the REST API writes them."""

from collections.abc import Mapping, Sequence

import orjson

from mainstem.localgcp.bigquery.jobs.job import Job, JobRef
from mainstem.localgcp.bigquery.sql.tables import billed
from mainstem.localgcp.bigquery.sql.types import schema_to_rest
from mainstem.localgcp.bigquery.wire.parts import drop_missing, millis


def reference_of(ref: JobRef) -> dict[str, str]:
    return {"projectId": ref.project, "jobId": ref.job_id, "location": ref.location}


def job_json(job: Job) -> dict[str, object]:
    """The full resource."""
    ref = job.ref
    body: dict[str, object] = {
        "kind": "bigquery#job",
        "etag": f"{job.state}-{ref.job_id}",
        "id": str(ref),
        "selfLink": f"/bigquery/v2/projects/{ref.project}/jobs/{ref.job_id}"
        f"?location={ref.location}",
        "user_email": job.user_email,
        "configuration": _configuration(job),
        "jobReference": reference_of(ref),
        "statistics": _statistics(job),
        "status": _status(job),
    }
    return body


def _configuration(job: Job) -> Mapping[str, object]:
    """As it was asked for; a query's destination is known once it has one."""
    query, written = job.configuration.get("query"), job.output.destination
    if not isinstance(query, Mapping) or written is None or "destinationTable" in query:
        return job.configuration
    reference = {
        "projectId": written.project,
        "datasetId": written.dataset,
        "tableId": written.table,
    }
    return {**job.configuration, "query": {**query, "destinationTable": reference}}


def job_list_item(job: Job) -> dict[str, object]:
    body = job_json(job)
    body["state"] = str(job.state)
    if job.error is not None:
        body["errorResult"] = job.error.wire()
    for unlisted in ("etag", "selfLink"):
        body.pop(unlisted)
    return body


def _status(job: Job) -> dict[str, object]:
    status: dict[str, object] = {"state": str(job.state)}
    if job.error is not None:
        status["errorResult"] = job.error.wire()
    if job.errors:
        status["errors"] = [error.wire() for error in job.errors]
    return status


def _statistics(job: Job) -> dict[str, object]:
    output = job.output
    body: dict[str, object | None] = {
        "creationTime": millis(job.created),
        "startTime": None if job.started is None else millis(job.started),
        "endTime": None if job.ended is None else millis(job.ended),
        "totalBytesProcessed": str(output.total_bytes) if job.is_done else None,
        "parentJobId": job.parent,
        "numChildJobs": str(output.child_jobs) if output.child_jobs else None,
        "totalSlotMs": _slot_ms(job),
        "finalExecutionDurationMs": _slot_ms(job),
        **output.statistics,
    }
    return drop_missing(body)


def _slot_ms(job: Job) -> str | None:
    if job.started is None or job.ended is None:
        return None
    return str(max(1, int((job.ended - job.started).total_seconds() * 1000)))


def query_answer(
    job: Job, *, rows: str | None, token: str | None, kind: str, errors: Sequence[object] = ()
) -> bytes:
    """The body of jobs.query and getQueryResults; `rows` is JSON text already."""
    head = _answer_head(job, kind)
    if token is not None:
        head["pageToken"] = token
    if errors:
        head["errors"] = list(errors)
    return with_rows(head, rows)


def with_rows(head: Mapping[str, object], rows: str | None) -> bytes:
    """A JSON object whose rows were written by DuckDB."""
    text = orjson.dumps(head)
    if rows is None:
        return text
    return b"".join((text[:-1], b',"rows":', rows.encode(), b"}"))


def _answer_head(job: Job, kind: str) -> dict[str, object]:
    output, query = job.output, job.output.statistics.get("query")
    statistics = query if isinstance(query, Mapping) else {}
    head: dict[str, object | None] = {
        "kind": kind,
        "etag": f"{job.state}-{job.ref.job_id}",
        "jobReference": reference_of(job.ref),
        "jobComplete": job.is_done,
        "location": job.ref.location,
        "creationTime": millis(job.created),
        "startTime": None if job.started is None else millis(job.started),
        "endTime": None if job.ended is None else millis(job.ended),
    }
    if job.is_done:
        head |= {
            "schema": None if output.schema is None else schema_to_rest(output.schema),
            "totalRows": None if output.rows is None else str(output.rows),
            "totalBytesProcessed": str(output.total_bytes),
            "totalBytesBilled": str(billed(output.total_bytes)),
            "totalSlotMs": _slot_ms(job),
            "cacheHit": False,
            "numDmlAffectedRows": None if output.dml_rows is None else str(output.dml_rows),
            "dmlStats": statistics.get("dmlStats"),
            "statementType": statistics.get("statementType"),
        }
    return drop_missing(head)
