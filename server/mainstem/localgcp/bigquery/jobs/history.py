"""What jobs there are and were: recent ones in memory, finished ones in the project's file too."""

import heapq
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
from pydantic import TypeAdapter

from mainstem.localgcp.bigquery.database import Database
from mainstem.localgcp.bigquery.errors import duplicate, not_found
from mainstem.localgcp.bigquery.jobs.job import Job, State
from mainstem.localgcp.bigquery.store import rows_of

ADAPTER: Final = TypeAdapter(Job)
MOST_REMEMBERED: Final = 1000
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a listing leaves in; without a parent child jobs are left out."""

    states: frozenset[State] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    parent: str | None = None
    with_children: bool = False

    def keeps(self, job: Job) -> bool:
        if self.states and job.state not in self.states:
            return False
        if self.parent is not None and job.parent != self.parent:
            return False
        if self.parent is None and not self.with_children and job.parent is not None:
            return False
        return self._in_time(job)

    def _in_time(self, job: Job) -> bool:
        after = self.since is None or job.created >= self.since
        return after and (self.until is None or job.created <= self.until)


class History:
    """Jobs by project and id; every change of a job goes through `put`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._recent: dict[str, OrderedDict[str, Job]] = {}
        self._stored_ids: dict[str, set[str]] = {}
        self._unwritten: list[Job] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="bigquery-history")

    def add(self, job: Job) -> None:
        """Take in a new job; an id is used once."""
        if self.find(job.ref.project, job.ref.job_id) is not None:
            raise duplicate(f"Already Exists: Job {job.ref}")
        self.put(job)

    def put(self, job: Job) -> None:
        with self._guard:
            recent = self._recent.setdefault(job.ref.project, OrderedDict())
            recent[job.ref.job_id] = job
            while len(recent) > MOST_REMEMBERED and next(iter(recent.values())).is_done:
                recent.popitem(last=False)

    def keep(self, job: Job) -> None:
        """Have a finished job written where it survives us; many are written at once."""
        with self._guard:
            self._unwritten.append(job)
            if len(self._unwritten) > 1:
                return
        self._writer.submit(self._write)

    def close(self) -> None:
        """Write what is left."""
        self._writer.shutdown(wait=True)

    def _write(self) -> None:
        with self._guard:
            batch, self._unwritten = self._unwritten, []
        by_project: dict[str, list[Job]] = {}
        for job in batch:
            by_project.setdefault(job.ref.project, []).append(job)
        for project, jobs in by_project.items():
            self._database.open(project)
            with self._database.reading() as cursor:
                cursor.execute("BEGIN TRANSACTION")
                cursor.executemany(
                    f"INSERT INTO {rows_of(project, 'jobs')} VALUES (?, ?, ?, ?)",
                    [
                        [job.ref.job_id, job.created, job.parent, ADAPTER.dump_json(job).decode()]
                        for job in jobs
                    ],
                )
                cursor.execute("COMMIT")
            self._ids(project).update(job.ref.job_id for job in jobs)

    def find(self, project: str, job_id: str) -> Job | None:
        recent = self._recent.get(project)
        found = None if recent is None else recent.get(job_id)
        if found is None and job_id in self._ids(project):
            return self._read_one(project, job_id)
        return found

    def get(self, project: str, job_id: str, location: str | None = None) -> Job:
        """The job; asked in another location than it ran in, BigQuery does not find it."""
        found = self.find(project, job_id)
        if found is None or (location and location.upper() != found.ref.location.upper()):
            where = location or self._database.default_location
            raise not_found(f"Not found: Job {project}:{where}.{job_id}")
        return found

    def forget(self, job: Job) -> None:
        self._writer.submit(lambda: None).result()
        with self._guard:
            self._recent.setdefault(job.ref.project, OrderedDict()).pop(job.ref.job_id, None)
        with self._database.reading() as cursor:
            cursor.execute(
                f"DELETE FROM {rows_of(job.ref.project, 'jobs')} WHERE job_id = ? OR parent = ?",
                [job.ref.job_id, job.ref.job_id],
            )

    def newest_first(self, project: str, wanted: JobFilter) -> Iterator[Job]:
        """The jobs a filter keeps; the caller stops when it has enough."""
        with self._guard:
            recent = sorted(self._recent.get(project, {}).values(), key=_age, reverse=True)
        known = {job.ref.job_id for job in recent}
        stored = (job for job in self._stored(project) if job.ref.job_id not in known)
        for job in heapq.merge(recent, stored, key=_age, reverse=True):
            if wanted.keeps(job):
                yield job

    def _ids(self, project: str) -> set[str]:
        """The ids in the project's file, so that a new id costs no query."""
        known = self._stored_ids.get(project)
        if known is None:
            if not self._database.exists(project):
                return set()
            self._database.open(project)
            with self._database.reading() as cursor:
                rows = cursor.execute(f"SELECT job_id FROM {rows_of(project, 'jobs')}").fetchall()
            known = self._stored_ids.setdefault(project, {job_id for (job_id,) in rows})
        return known

    def _read_one(self, project: str, job_id: str) -> Job | None:
        self._database.open(project)
        with self._database.reading() as cursor:
            row = cursor.execute(
                f"SELECT body FROM {rows_of(project, 'jobs')} WHERE job_id = ?", [job_id]
            ).fetchone()
        return None if row is None else ADAPTER.validate_json(row[0])

    def _stored(self, project: str) -> Iterator[Job]:
        if not self._database.exists(project):
            return
        self._database.open(project)
        with self._database.reading() as cursor:
            rows: duckdb.DuckDBPyConnection = cursor.execute(
                f"SELECT body FROM {rows_of(project, 'jobs')} ORDER BY created DESC, job_id DESC"
            )
            while batch := rows.fetchmany(BATCH):
                for (body,) in batch:
                    yield ADAPTER.validate_json(body)


def _age(job: Job) -> tuple[datetime, str]:
    return job.created, job.ref.job_id
