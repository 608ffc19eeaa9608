"""Attempts handed to the workers of a shared database, as rows of the committing transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from mainstem.bus.inprocess import CANCELS, INBOX, JOBS, Bus
from mainstem.clock import Clock
from mainstem.engine.decision import Submit
from mainstem.model.execution import Execution
from mainstem.model.state import State
from mainstem.sdk.task import RunnableTask
from mainstem.store import jobs
from mainstem.store.database import Database
from mainstem.store.jobs import StoredJob
from mainstem.worker.handing import ask_finished, ask_lost
from mainstem.worker.job import Progress, Report
from mainstem.worker.remote import RemoteWorker

_SWEEP_SECONDS: Final = 2.0


class JobQueue:
    """What the executor does to jobs besides writing their rows."""

    def __init__(self, database: Database, clock: Clock, bus: Bus) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._here: RemoteWorker | None = None

    def connect(self, worker: RemoteWorker) -> None:
        """Give attempts to the worker of this process while it has free places."""
        self._here = worker

    def job_for(self, execution: Execution, submit: Submit) -> StoredJob:
        """The row of an attempt; claimed, with a token, where this process makes it at once.

        Then it must be recorded as running in the transaction that queues it.
        """
        group = submit.worker_group
        job = StoredJob(
            submit.task_run.id,
            execution.id,
            submit.attempt,
            (group.key or "") if group else "",
            group.fallback if group else None,
        )
        if self._here is None or not isinstance(submit.task, RunnableTask):
            return job
        return self._here.claim_here(job, execution.flow) or job

    def begin(self, task_run_id: str, attempt: int) -> None:
        """The claim is committed; its attempt follows."""
        if self._here is not None:
            self._here.begin((task_run_id, attempt))

    def drop(self, attempts: Sequence[tuple[str, int]]) -> None:
        """Forget claims (task run, attempt) of this process."""
        if self._here is not None and attempts:
            self._here.drop(attempts)

    def take_back(self, item: Report | Progress) -> None:
        """What an attempt of this process told and the executor will not handle."""
        if self._here is not None:
            self._here.take_back(item)

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
