"""Synchronous queries and the rows of query jobs."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid, not_found
from mainstem.localgcp.bigquery.jobs.job import Job
from mainstem.localgcp.bigquery.jobs.submit import Submission, submit
from mainstem.localgcp.bigquery.model import TableRef
from mainstem.localgcp.bigquery.names import relation
from mainstem.localgcp.bigquery.pages import place_of, token_of, whole_number
from mainstem.localgcp.bigquery.partitions import rows_of, split
from mainstem.localgcp.bigquery.routes.http import Body, JsonAnswer, User, Warehouse
from mainstem.localgcp.bigquery.rows import Window, read_page
from mainstem.localgcp.bigquery.wire.base import read
from mainstem.localgcp.bigquery.wire.jobjson import query_answer
from mainstem.localgcp.bigquery.wire.jobs import (
    ConfigurationBody,
    JobBody,
    JobReferenceBody,
    QueryRequest,
)

router = APIRouter()
DEFAULT_WAIT_MS: Final = 10_000
LONGEST_WAIT_MS: Final = 200_000
MOST_REQUEST_IDS: Final = 10_000


class RequestIds:
    """Which job a request id started: the same request twice is one job."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self._jobs: OrderedDict[tuple[str, str], str] = OrderedDict()

    def get(self, project: str, request_id: str) -> str | None:
        return self._jobs.get((project, request_id))

    def remember(self, project: str, request_id: str, job_id: str) -> None:
        self._jobs[project, request_id] = job_id
        while len(self._jobs) > MOST_REQUEST_IDS:
            self._jobs.popitem(last=False)


@router.post("/projects/{project}/queries")
def query(
    project: str, body: Body, warehouse: Warehouse, user: User, request: Request
) -> JsonAnswer:
    """Run a query and answer with its first page, if it is done in time."""
    wanted = read(QueryRequest, body)
    assert isinstance(body, Mapping)
    configuration = wanted.as_job(body)
    reference = JobReferenceBody(location=wanted.location)
    job_body = JobBody(
        configuration=read(ConfigurationBody, configuration), job_reference=reference
    )
    job = _started(
        warehouse,
        request,
        Submission(project, job_body, configuration, user_email=user),
        wanted.request_id,
    )
    if job.is_dry_run:
        return JsonAnswer(query_answer(job, rows=None, token=None, kind="bigquery#queryResponse"))
    wait_ms = DEFAULT_WAIT_MS if wanted.timeout_ms is None else wanted.timeout_ms
    job = warehouse.runner.wait(job, min(wait_ms, LONGEST_WAIT_MS) / 1000)
    options = wanted.format_options
    int64 = bool(options and options.use_int64_timestamp)
    return _answer(warehouse, job, Window(0, wanted.max_results), int64, "bigquery#queryResponse")


def _started(
    warehouse: Warehouse, request: Request, asked: Submission, request_id: str | None
) -> Job:
    ids = request.app.state.request_ids
    if request_id is None or asked.body.configuration.dry_run:
        return submit(warehouse, asked)
    with ids.guard:
        earlier = ids.get(asked.project, request_id)
        if earlier is not None:
            return warehouse.history.get(asked.project, earlier)
        job = submit(warehouse, asked)
        ids.remember(asked.project, request_id, job.ref.job_id)
        return job


@router.get("/projects/{project}/queries/{job_id}")
def get_query_results(
    project: str, job_id: str, warehouse: Warehouse, request: Request
) -> JsonAnswer:
    """A page of a query job's rows, once it is done."""
    query = request.query_params
    found = warehouse.history.get(project, job_id, query.get("location"))
    if found.kind != "QUERY":
        raise invalid(f"Job {found.ref} is a {found.kind} job and has no query results")
    wait_ms = whole_number("timeoutMs", query.get("timeoutMs"))
    wait_ms = DEFAULT_WAIT_MS if wait_ms is None else min(wait_ms, LONGEST_WAIT_MS)
    job = warehouse.runner.wait(found, wait_ms / 1000)
    start = place_of(query.get("pageToken"))
    if not start:
        start = whole_number("startIndex", query.get("startIndex")) or 0
    limit = whole_number("maxResults", query.get("maxResults"))
    int64 = query.get("formatOptions.useInt64Timestamp", "").lower() == "true"
    return _answer(warehouse, job, Window(start, limit), int64, "bigquery#getQueryResultsResponse")


def _answer(warehouse: Warehouse, job: Job, window: Window, int64: bool, kind: str) -> JsonAnswer:
    if job.error is not None:
        raise BigQueryError(job.error.reason, job.error.message, location=job.error.location)
    output = job.output
    if not job.is_done or output.schema is None or output.destination is None:
        return JsonAnswer(query_answer(job, rows=None, token=None, kind=kind))
    if output.rows is not None and window.start >= output.rows:
        return JsonAnswer(query_answer(job, rows="[]", token=None, kind=kind))
    if window.limit == 0:
        return JsonAnswer(query_answer(job, rows=None, token=None, kind=kind))
    _check_still_there(warehouse, job)
    with warehouse.database.reading() as cursor:
        page = read_page(
            cursor,
            _source(warehouse, output.destination),
            output.schema,
            replace(window, total=_total(warehouse, job)),
            int64_timestamps=int64,
        )
    following = token_of(window.start + len(page.rows)) if page.has_more else None
    return JsonAnswer(query_answer(job, rows=page.body(), token=following, kind=kind))


def _total(warehouse: Warehouse, job: Job) -> int | None:
    """How many rows there are, where nobody can have changed them since."""
    ref = job.output.destination
    assert ref is not None
    return job.output.rows if warehouse.results.find(ref) is not None else None


def _check_still_there(warehouse: Warehouse, job: Job) -> None:
    """Rows of an anonymous table do not outlive the process, nor a table its deletion."""
    ref = job.output.destination
    assert ref is not None
    if warehouse.results.find(ref) is not None:
        return
    catalog = warehouse.database.catalog(ref.project)
    if catalog.find_table(split(ref)[0], warehouse.database.now()) is None:
        raise not_found(f"Not found: Table {ref}")


def _source(warehouse: Warehouse, ref: TableRef) -> str:
    plain, partition = split(ref)
    if partition is None:
        return relation(ref)
    catalog = warehouse.database.catalog(ref.project)
    return rows_of(catalog.table(plain, warehouse.database.now()), partition)
