"""One function per page: what it asks, and the template that shows it."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mainstem.localgcp.bigquery import console as bigquery
from mainstem.localgcp.console import format
from mainstem.localgcp.console.sources import Sources
from mainstem.localgcp.console.storage import StorageUnavailable, StoredObject

PREVIEW_BYTES = 16_384
PREVIEW_ROWS = 50
JOBS_PER_PAGE = 50
TABLE_TABS = ("schema", "preview", "details")


@dataclass(frozen=True, slots=True)
class Question:
    """What the reader asked for: the parts of the path and of the query."""

    path: Mapping[str, str]
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    template: str
    section: str
    title: str
    values: Mapping[str, object]


PageFunction = Callable[[Sources, Question], Page]


def overview(sources: Sources, question: Question) -> Page:
    warehouse = sources.warehouse
    try:
        buckets: int | None = len(sources.buckets.all(sources.project))
    except StorageUnavailable:
        buckets = None
    projects = _projects(sources)
    datasets = [one for project in projects for one in bigquery.datasets(warehouse, project)]
    recent = [one for project in projects for one in bigquery.jobs(warehouse, project, limit=8)]
    return Page(
        "overview.html",
        "overview",
        "Overview",
        {
            "endpoints": sources.endpoints,
            "buckets": buckets,
            "datasets": len(datasets),
            "tables": sum(one.tables for one in datasets),
            "secrets": len(sources.secrets()),
            "jobs": sorted(recent, key=lambda one: one.created, reverse=True)[:8],
        },
    )


def buckets(sources: Sources, question: Question) -> Page:
    found = sources.buckets.all(sources.project)
    return Page("buckets.html", "storage", "Buckets", {"buckets": found})


def folder(sources: Sources, question: Question) -> Page:
    bucket, prefix = question.path["bucket"], question.query.get("prefix", "")
    listing = sources.buckets.folder(bucket, prefix, question.query.get("page", ""))
    parents = [""]
    for part in prefix.split("/")[:-1]:
        parents.append(f"{parents[-1]}{part}/")
    return Page(
        "folder.html",
        "storage",
        bucket,
        {"bucket": bucket, "prefix": prefix, "parents": parents[1:], "listing": listing},
    )


def stored_object(sources: Sources, question: Question) -> Page:
    stored = sources.buckets.find(question.path["bucket"], question.path["name"])
    head = _decompressed(stored, sources.buckets.head(stored, PREVIEW_BYTES))
    is_parquet = head.startswith(b"PAR1")
    return Page(
        "object.html",
        "storage",
        stored.name,
        {
            "object": stored,
            "preview": None if is_parquet else format.text_of(head, stored.content_type),
            "is_cut": len(head) < stored.size,
            "shown": len(head),
        },
    )


def datasets(sources: Sources, question: Question) -> Page:
    warehouse = sources.warehouse
    by_project = [
        (project, bigquery.datasets(warehouse, project)) for project in _projects(sources)
    ]
    return Page("datasets.html", "bigquery", "Datasets", {"projects": by_project})


def dataset(sources: Sources, question: Question) -> Page:
    project, name = question.path["project"], question.path["dataset"]
    warehouse = sources.warehouse
    summary = next(
        (one for one in bigquery.datasets(warehouse, project) if one.dataset == name), None
    )
    if summary is None:
        raise LookupError(f"Dataset {project}:{name}")
    found = bigquery.tables(warehouse, project, name)
    return Page("dataset.html", "bigquery", name, {"dataset": summary, "tables": found})


def table(sources: Sources, question: Question) -> Page:
    where = question.path["project"], question.path["dataset"], question.path["table"]
    tab = question.query.get("tab", "schema")
    if tab not in TABLE_TABS:
        raise LookupError(f"Tab {tab}")
    warehouse = sources.warehouse
    detail = bigquery.table(warehouse, *where)
    preview = None
    if tab == "preview":
        preview = bigquery.preview(warehouse, *where, limit=PREVIEW_ROWS)
    return Page(
        "table.html",
        "bigquery",
        where[2],
        {"table": detail, "tab": tab, "tabs": TABLE_TABS, "preview": preview},
    )


def jobs(sources: Sources, question: Question) -> Page:
    projects = _projects(sources)
    project = question.query.get("project") or (projects[0] if projects else sources.project)
    before = question.query.get("before")
    try:
        limit = datetime.fromisoformat(before) if before else None
    except ValueError:
        raise LookupError(f"Jobs before {before}") from None
    found = bigquery.jobs(sources.warehouse, project, limit=JOBS_PER_PAGE, before=limit)
    older = found[-1].created.isoformat() if len(found) == JOBS_PER_PAGE else None
    return Page(
        "jobs.html",
        "jobs",
        "Jobs",
        {"jobs": found, "project": project, "projects": projects, "older": older},
    )


def job(sources: Sources, question: Question) -> Page:
    project, job_id = question.path["project"], question.path["job"]
    found = bigquery.job(sources.warehouse, project, job_id)
    return Page("job.html", "jobs", job_id, {"job": found})


def secrets(sources: Sources, question: Question) -> Page:
    return Page("secrets.html", "secrets", "Secrets", {"secrets": sources.secrets()})


def _projects(sources: Sources) -> list[str]:
    """Every project with data, the one this emulator was started for first."""
    found = bigquery.projects(sources.warehouse)
    return sorted(found, key=lambda name: (name != sources.project, name))


def _decompressed(stored: StoredObject, head: bytes) -> bytes:
    """The text inside a gzip object, as far as its first bytes tell."""
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head, PREVIEW_BYTES)
    except (zlib.error, gzip.BadGzipFile):
        return head
