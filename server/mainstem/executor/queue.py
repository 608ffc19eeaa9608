"""Attempts handed to the workers of a shared database, as rows of the committing transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from mainstem.bus.inprocess import CANCELS, INBOX, JOBS, Bus
from mainstem.clock import Clock
from mainstem.engine.decision import Submit
from mainstem.model.state import State
from mainstem.store import jobs
from mainstem.store.database import Database
from mainstem.store.jobs import StoredJob
from mainstem.worker.handing import ask_finished, ask_lost

_SWEEP_SECONDS: Final = 2.0


def job_of(execution_id: str, submit: Submit) -> StoredJob:
    """The row of an attempt to make."""
    group = submit.worker_group
    return StoredJob(
        submit.task_run.id,
        execution_id,
        submit.attempt,
        (group.key or "") if group else "",
        group.fallback if group else None,
    )


class JobQueue:
    """What the executor does to jobs besides writing their rows."""

    def __init__(self, database: Database, clock: Clock, bus: Bus) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus

    def announce(self) -> None:
        """There are new jobs."""
        self._bus.publish(JOBS)

    def cancel(self, task_run_ids: Iterable[str]) -> None:
        """End these attempts; those that nobody has taken end at once."""
        now = self._clock.now()
        with self._database.write() as tx:
            for job in jobs.cancel(tx, list(task_run_ids)):
                ask_finished(tx, job, State.KILLED, now)
        self._bus.publish(CANCELS, INBOX)

    def known(self, execution_id: str) -> dict[str, int]:
        """Attempts by task run that wait for a worker or have one."""
        with self._database.read() as tx:
            return jobs.of_execution(tx, execution_id)


class JobSweep:
    """A component of the leading executor: gives up workers that are gone."""

    name = "job-sweep"
    interval_seconds = _SWEEP_SECONDS
    wakes_on: tuple[str, ...] = ()

    def __init__(self, database: Database, bus: Bus, lost_seconds: float) -> None:
        self._database = database
        self._bus = bus
        self._lost_seconds = lost_seconds
        self._leading_since: datetime | None = None

    def lead(self, since: datetime | None) -> None:
        """Begin or, with None, stop to decide about workers."""
        self._leading_since = since

    def tick(self, now: datetime) -> None:
        since = self._leading_since
        if since is None:
            return
        # Nobody could have been heard before this process began to lead: the database was away.
        listened = (now - since).total_seconds() > self._lost_seconds
        with self._database.write() as tx:
            silent = self._lost_seconds if listened else None
            lost = jobs.take_lost(tx, silent, now)
            for job in lost:
                ask_lost(tx, job, now)
            unserved = jobs.take_unserved(tx)
            for job in unserved:
                ended = State.FAILED if job.fallback == "FAIL" else State.CANCELLED
                ask_finished(tx, job, ended, now)
        if lost or unserved:
            self._bus.publish(INBOX)
