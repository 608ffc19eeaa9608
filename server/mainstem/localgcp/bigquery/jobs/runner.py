"""Runs jobs on threads of their own: start, wait, cancel, time out, end."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.database import Database
from mainstem.localgcp.bigquery.errors import BigQueryError, ErrorProto
from mainstem.localgcp.bigquery.jobs.history import History
from mainstem.localgcp.bigquery.jobs.job import Job, Output

MOST_AT_ONCE: Final = 32
CANCELLED: Final = "Job execution was cancelled: User requested cancellation"
log = logging.getLogger(__name__)


class Running:
    """A job under way, as its work and whoever cancels it see it."""

    def __init__(self, job: Job, cursor: duckdb.DuckDBPyConnection) -> None:
        self.job = job
        self.cursor = cursor
        self.location: str | None = None
        self.partial = Output()
        self.finished = threading.Event()
        self._stop_reason: str | None = None

    def stop(self, why: str) -> None:
        self._stop_reason = why
        self.cursor.interrupt()

    def check_stopped(self) -> None:
        if self._stop_reason is not None:
            raise BigQueryError("stopped", self._stop_reason)

    @property
    def stop_reason(self) -> str | None:
        return self._stop_reason


Work = Callable[[Running], Output]


class Runner:
    """Owns the threads; `history` holds what became of each job."""

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="bigquery-job")
        self._running: dict[tuple[str, str], Running] = {}

    def submit(self, job: Job, work: Work, timeout_ms: int | None = None) -> None:
        """Take a job in and run it as soon as a thread is free."""
        self._history.add(job)
        running = Running(job, self._database.cursor())
        self._running[job.ref.project, job.ref.job_id] = running
        self._pool.submit(self._run, running, work, timeout_ms)

    def wait(self, job: Job, seconds: float) -> Job:
        """The job once it is done, or as it is when the time is up."""
        running = self._running.get((job.ref.project, job.ref.job_id))
        if running is not None:
            running.finished.wait(seconds)
        return self._history.get(job.ref.project, job.ref.job_id)

    def cancel(self, job: Job) -> None:
        """Ask a job to stop; one that is done stays as it is."""
        running = self._running.get((job.ref.project, job.ref.job_id))
        if running is not None:
            running.stop(CANCELLED)

    def close(self) -> None:
        """Stop what runs and wait for its threads."""
        for running in list(self._running.values()):
            running.stop("Job execution was cancelled: the emulator is shutting down")
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, running: Running, work: Work, timeout_ms: int | None) -> None:
        job = running.job.start(self._database.now())
        running.job = job
        self._history.put(job)
        timer = _timer(running, timeout_ms)
        try:
            done = self._outcome(running, work)
            self._history.put(done)
        finally:
            timer.cancel()
            running.cursor.close()
            self._running.pop((job.ref.project, job.ref.job_id), None)
            running.finished.set()
        if not done.is_dry_run:
            self._history.keep(done)

    def _outcome(self, running: Running, work: Work) -> Job:
        job = running.job
        try:
            running.check_stopped()
            output = work(running)
        except Exception as problem:
            failure = as_bigquery_error(problem, running)
            return job.fail(
                failure.proto,
                (failure.proto, *failure.stream),
                self._database.now(),
                running.partial,
            )
        location = running.location or job.ref.location
        return job.succeed(output, self._database.now(), location)


def as_bigquery_error(problem: Exception, running: Running | None = None) -> BigQueryError:
    """What a client is told of any exception; what nobody foresaw is logged and internal."""
    if running is not None and running.stop_reason is not None:
        return BigQueryError("stopped", running.stop_reason)
    if isinstance(problem, BigQueryError):
        return problem
    if isinstance(problem, duckdb.OutOfMemoryException):
        return BigQueryError(
            "resourcesExceeded", "Resources exceeded during query execution: out of memory."
        )
    log.error("a job failed in a way nobody foresaw", exc_info=problem)
    return BigQueryError("internalError", f"An internal error occurred: {problem}")


def _timer(running: Running, timeout_ms: int | None) -> threading.Timer:
    """Stops the job after its time; a timer that never starts where there is no limit."""
    reason = f"Job timed out after {(timeout_ms or 0) / 1000:g} sec"
    timer = threading.Timer((timeout_ms or 0) / 1000, running.stop, args=(reason,))
    timer.daemon = True
    if timeout_ms:
        timer.start()
    return timer


def failed_at_once(job: Job, problem: BigQueryError) -> Job:
    """A job that was refused before it began."""
    return replace(job.fail(problem.proto, (problem.proto,), job.created, Output()))


def error_protos(problem: BigQueryError) -> tuple[ErrorProto, ...]:
    return (problem.proto, *problem.stream)
