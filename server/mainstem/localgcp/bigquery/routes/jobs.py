"""Jobs: insert, get, list, cancel, delete."""

from datetime import datetime
from itertools import islice

from fastapi import APIRouter, Request

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.jobs.history import JobFilter
from mainstem.localgcp.bigquery.jobs.job import Job, State
from mainstem.localgcp.bigquery.jobs.submit import Submission, submit
from mainstem.localgcp.bigquery.pages import place_of, token_of, whole_number
from mainstem.localgcp.bigquery.routes.http import (
    Body,
    JsonAnswer,
    User,
    Warehouse,
    without_none,
)
from mainstem.localgcp.bigquery.wire.base import read
from mainstem.localgcp.bigquery.wire.jobjson import job_json, job_list_item
from mainstem.localgcp.bigquery.wire.jobs import JobBody
from mainstem.localgcp.bigquery.wire.parts import from_millis

router = APIRouter()
ALL = "/projects/{project}/jobs"
ONE = ALL + "/{job}"
QUERY_SECONDS = 0.1
OTHER_SECONDS = 2.0
MOST_LISTED = 1000
STATES = {"done": State.DONE, "pending": State.PENDING, "running": State.RUNNING}


@router.post(ALL)
def insert_job(project: str, body: Body, warehouse: Warehouse, user: User) -> JsonAnswer:
    """Start a job; short ones are done when this answers, which spares clients a poll."""
    return JsonAnswer(job_json(start_job(warehouse, submission(project, body, user))))


def submission(project: str, body: object, user: str) -> Submission:
    read_body = read(JobBody, body)
    assert isinstance(body, dict)
    return Submission(project, read_body, body["configuration"], user_email=user)


def start_job(warehouse: Warehouse, request: Submission) -> Job:
    job = submit(warehouse, request)
    if job.is_done:
        return job
    return warehouse.runner.wait(job, QUERY_SECONDS if job.kind == "QUERY" else OTHER_SECONDS)


@router.get(ALL)
def list_jobs(project: str, warehouse: Warehouse, request: Request) -> JsonAnswer:
    query = request.query_params
    wanted = JobFilter(
        states=frozenset(_state(name) for name in query.getlist("stateFilter")),
        since=_moment("minCreationTime", query.get("minCreationTime")),
        until=_moment("maxCreationTime", query.get("maxCreationTime")),
        parent=query.get("parentJobId"),
    )
    start = place_of(query.get("pageToken"))
    limit = min(whole_number("maxResults", query.get("maxResults")) or 50, MOST_LISTED)
    found = list(islice(warehouse.history.newest_first(project, wanted), start, start + limit + 1))
    body = {
        "kind": "bigquery#jobList",
        "etag": "jobs",
        "jobs": [job_list_item(job) for job in found[:limit]],
        "nextPageToken": token_of(start + limit) if len(found) > limit else None,
    }
    return JsonAnswer(without_none(body))


def _state(name: str) -> State:
    if name.lower() not in STATES:
        raise invalid(f"Invalid value for stateFilter: {name}", "stateFilter")
    return STATES[name.lower()]


def _moment(name: str, text: str | None) -> datetime | None:
    millis = whole_number(name, text)
    return None if millis is None else from_millis(millis)


@router.get(ONE)
def get_job(project: str, job: str, warehouse: Warehouse, request: Request) -> JsonAnswer:
    found = warehouse.history.get(project, job, request.query_params.get("location"))
    return JsonAnswer(job_json(found))


@router.post(ONE + "/cancel")
def cancel_job(project: str, job: str, warehouse: Warehouse, request: Request) -> JsonAnswer:
    found = warehouse.history.get(project, job, request.query_params.get("location"))
    warehouse.runner.cancel(found)
    now = warehouse.runner.wait(found, QUERY_SECONDS)
    return JsonAnswer({"kind": "bigquery#jobCancelResponse", "job": job_json(now)})


@router.delete(ONE + "/delete")
def delete_job(project: str, job: str, warehouse: Warehouse, request: Request) -> JsonAnswer:
    found = warehouse.history.get(project, job, request.query_params.get("location"))
    if not found.is_done:
        raise invalid(f"Cannot delete job {found.ref}: it is still running")
    if found.parent is not None:
        raise invalid(f"Cannot delete job {found.ref}: it is a child of {found.parent}")
    warehouse.history.forget(found)
    return JsonAnswer(b"", status_code=204)
