"""A worker of a shared database: takes jobs from rows, tells results to the inbox.

Law: a claim and its Started are one transaction, a result and its check of the claim are another;
a worker that was given up finds its claim gone and is refused.
"""

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Final

from sqlalchemy import Connection

from mainstem import __version__
from mainstem.bus.inprocess import CANCELS, EXECUTIONS, INBOX, JOBS, Bus, execution_topic
from mainstem.clock import Clock
from mainstem.engine.decision import Event, Finished, Started, Submit
from mainstem.engine.environment import Constants
from mainstem.engine.live import LiveExecution
from mainstem.engine.workspace import open_workspace
from mainstem.errors import MainstemError, Transient
from mainstem.ids import random_id
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.state import State
from mainstem.sdk.flowable import WorkspaceTask
from mainstem.sdk.task import RunnableTask
from mainstem.services.flows import FlowService
from mainstem.store import executions as rows
from mainstem.store import inbox, jobs, logs
from mainstem.store.database import Database
from mainstem.store.inbox import Asked
from mainstem.store.jobs import Held, StoredJob, StoredWorker
from mainstem.worker.claims import Claim, Claims, Key, Phase
from mainstem.worker.handing import ask_finished, ask_lost
from mainstem.worker.job import Job, Progress, Report
from mainstem.worker.pool import WorkerPool
from mainstem.worker.wire import dump_event, task_run_of
from mainstem.worker.workspace import WorkspaceJob

_log = logging.getLogger("mainstem.worker")

_PATIENCE: Final = 5.0
# A signal that was lost delays a kill by no more than this.
_OBEY: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class RemoteServices:
    """What a worker needs to find its jobs and to tell of them."""

    database: Database
    flows: FlowService
    constants: Constants
    clock: Clock
    bus: Bus


class RemoteWorker:
    """A component: claims as many jobs as there are free places, and keeps its row alive."""

    name = "worker"
    wakes_on: tuple[str, ...] = (JOBS, CANCELS)

    def __init__(
        self, services: RemoteServices, *, instance: str, group: str | None, beat_seconds: float
    ) -> None:
        self._services = services
        self._instance = instance
        self._group = group or ""
        self._beat_seconds = beat_seconds
        self.id = random_id()
        self._pool: WorkerPool | None = None
        self._claims = Claims()
        self._told_here: Callable[[Report | Progress], bool] = lambda _item: False
        self._returned: SimpleQueue[Report | Progress] = SimpleQueue()
        # Whether jobs may wait for a place that becomes free here.
        self._awaited = threading.Event()
        self._beaten_at: datetime | None = None
        self._draining = False
        self._asked_to_drain = False
        self._closing = threading.Event()
        self._cancelled = threading.Event()
        self._obeyed_at: datetime | None = None
        services.bus.subscribe([CANCELS], lambda _topic: self._cancelled.set())
        services.bus.subscribe([JOBS], lambda _topic: self._awaited.set())

    @property
    def interval_seconds(self) -> float:
        return min(self._beat_seconds, 1.0)

    def connect(self, pool: WorkerPool, told_here: Callable[[Report | Progress], bool]) -> None:
        """Use this pool; it tells its results to `tell`.

        `told_here` is the executor of this process, which takes them while it leads.
        """
        self._pool = pool
        self._told_here = told_here

    @property
    def pool(self) -> WorkerPool:
        assert self._pool is not None
        return self._pool

    # taking

    def tick(self, now: datetime) -> None:
        self._beat(now)
        if self._cancelled.is_set() or self._obeyed_at is None or now - self._obeyed_at > _OBEY:
            self._cancelled.clear()
            self._obey()
            self._obeyed_at = now
        self._store_returned()
        while self.takes_jobs and self._claim():
            continue

    @property
    def takes_jobs(self) -> bool:
        return not (self._draining or self._asked_to_drain)

    def _beat(self, now: datetime) -> None:
        last = self._beaten_at
        if last is not None and (now - last).total_seconds() < self._beat_seconds / 3:
            return
        with self._services.database.write() as tx:
            asked = None
            if last is not None:
                busy = len(self._claims.open())
                asked = jobs.beat(tx, self.id, busy, now, draining=self._draining)
            if asked is None:
                jobs.register(tx, self._row(now), now)
        self._asked_to_drain = bool(asked)
        self._beaten_at = now

    def _row(self, now: datetime) -> StoredWorker:
        return StoredWorker(
            self.id, self._instance, socket.gethostname(), self._group, self.pool.slots,
            __version__, now, now, len(self._claims.open()), self._draining,
        )  # fmt: skip

    def _obey(self) -> None:
        """Kill attempts that are cancelled or no longer ours; give back rows that nobody makes.

        Such a row is left by a transaction of which nobody knows whether it went through.
        """
        ended, orphans = self._claims.compare(self._held)
        for task_run_id, attempt in ended:
            self.pool.cancel(task_run_id, attempt)
        for task_run_id, held in orphans:
            self._give_back(task_run_id, held.token, None, None)

    def _held(self) -> dict[str, Held]:
        with self._services.database.glance() as tx:
            return jobs.held_by(tx, self.id)

    def _claim(self) -> bool:
        """Take jobs for the free places; True when more may be waiting for others."""
        places = self.pool.keep_places()
        if not places:
            return False
        self._awaited.clear()
        token, taken = random_id(), []
        try:
            taken = self._take(token, places)
        finally:
            self.pool.free_place(places - len(taken))
        if taken:
            self._services.bus.publish(INBOX)
        self._take_up(taken, token)
        if len(taken) == places:
            self._awaited.set()
        return len(taken) == places

    def _take(self, token: str, limit: int) -> list[StoredJob]:
        now = self._services.clock.now()
        with self._services.database.write() as tx:
            taken = jobs.claim(tx, self.id, self._group, token, limit)
            for job in taken:
                kind, payload = dump_event(Started(job.task_run_id, job.attempt, now))
                inbox.ask(tx, Asked(job.execution_id, kind, payload), now)
        return taken

    def _take_up(self, taken: Sequence[StoredJob], token: str) -> None:
        lives: dict[str, LiveExecution] = {}
        for number, job in enumerate(taken):
            try:
                self._begin(job, lives, token)
            except Transient:
                # The rows of those left are given back as rows that nobody makes.
                self.pool.free_place(len(taken) - number)
                raise
            except Exception as error:
                self.pool.free_place()
                _log.exception("a job cannot be taken up", extra={"task_run": job.task_run_id})
                self._give_back(job.task_run_id, token, job.execution_id, str(error))

    # for the executor of this process

    def claim_here(self, job: StoredJob, flow: FlowId) -> StoredJob | None:
        """The job as claimed for a free place here; None when it goes to whoever is free.

        `begin`, or `drop` and the place freed, must follow.
        """
        if not self.takes_jobs or self._beaten_at is None or job.worker_group != self._group:
            return None
        if not self.pool.keep_place():
            return None
        token = random_id()
        self._claims.add((job.task_run_id, job.attempt), Claim(token, flow, Phase.KEPT))
        return replace(job, worker_id=self.id, token=token)

    def begin(self, key: Key) -> None:
        """The claim is committed: the attempt is made from now on."""
        self._claims.enter(key, Phase.MADE)

    def drop(self, keys: Iterable[Key]) -> None:
        """These attempts are over, or never began."""
        self._claims.drop(keys)
        self._look_for_more()

    def take_back(self, item: Report | Progress) -> None:
        """The executor of this process does not handle it after all: it goes to the inbox."""
        self._returned.put(item)
        self._services.bus.nudge(JOBS)

    def _look_for_more(self) -> None:
        if self._awaited.is_set():
            self._services.bus.nudge(JOBS)

    def _store_returned(self) -> None:
        while not self._returned.empty():
            self._tell_rows(self._returned.get())

    def _begin(self, stored: StoredJob, lives: dict[str, LiveExecution], token: str) -> None:
        live = lives.get(stored.execution_id) or self._load(stored.execution_id)
        lives[stored.execution_id] = live
        node = live.node(stored.task_run_id)
        assert node.plan is not None
        task, run = node.plan.task, node.run
        key = (run.id, stored.attempt)
        self._claims.add(key, Claim(token, live.execution.flow, Phase.MADE))
        if isinstance(task, WorkspaceTask):
            submit = Submit(run, task, stored.attempt, node.plan.worker_group)
            self.pool.submit_workspace(WorkspaceJob(open_workspace(live, run.id), submit, task))
            self.pool.free_place()
            return
        assert isinstance(task, RunnableTask)
        variables = live.variables_for(run.id, detached=True)
        job = Job(live.flow, live.execution, task, run, stored.attempt, variables, is_begun=True)
        self.pool.submit(job)

    def _load(self, execution_id: str) -> LiveExecution:
        with self._services.database.read() as tx:
            execution = rows.get(tx, execution_id).execution
            runs = rows.task_runs_of(tx, execution_id)
        flow = self._services.flows.load(execution.flow, execution.revision)
        return LiveExecution.load(flow, execution, runs, constants=self._services.constants)

    # telling

    def tell(self, item: Report | Progress) -> None:
        """Pass on what an attempt tells: to the executor if it is here, else to its inbox."""
        if isinstance(_event(item), Started):
            return  # told with the claim
        found = self._found(item)
        if found is not None and self._told_here(item):
            self._look_for_more()
            return
        self._tell_rows(item)

    def _found(self, item: Report | Progress) -> tuple[Key, Claim] | None:
        event = _event(item)
        attempt = event.attempt if isinstance(event, Finished) else None
        return self._claims.find(task_run_of(event), attempt)

    def _tell_rows(self, item: Report | Progress) -> None:
        """Waits for a database that is away, as long as it takes."""
        task_run_id, found = task_run_of(_event(item)), self._found(item)
        failures = 0
        while True:
            try:
                told = found is not None and self._store(item, task_run_id, found[1])
                break
            except Transient as error:
                failures += 1
                _log.warning("a result waits for the database", extra={"reason": error.message})
                if self._closing.wait(min(2.0**failures / 10, _PATIENCE)):
                    return
        if not told:
            _log.warning("a result came too late and was refused", extra={"task_run": task_run_id})
            if found is not None:
                self.pool.cancel(*found[0])
        if isinstance(item, Report):
            if found is not None:
                self._claims.enter(found[0], Phase.TOLD)
            self._look_for_more()
        self._services.bus.publish(INBOX)

    def _store(self, item: Report | Progress, task_run_id: str, claim: Claim) -> bool:
        kind, payload = dump_event(_event(item))
        services = self._services
        with services.database.write() as tx:
            if not jobs.is_claimed(tx, task_run_id, claim.token):
                return False
            logs.add_lines(tx, [(line, claim.flow) for line in item.lines])
            if isinstance(item, Report) and item.metrics:
                logs.add_metrics(tx, item.execution_id, claim.flow, item.metrics)
            inbox.ask(tx, Asked(item.execution_id, kind, payload), services.clock.now())
        return True

    # ending

    def drain(self) -> None:
        """Take nothing more."""
        self._draining = True

    def give_up(self) -> None:
        """Wait no longer for a database that is away."""
        self._draining = True
        self._closing.set()

    def close(self) -> None:
        """Hand back what still runs, and leave."""
        self.give_up()
        try:
            self._store_returned()
            for (task_run_id, _attempt), claim in self._claims.open().items():
                self._give_back(task_run_id, claim.token, None, None)
            with self._services.database.write() as tx:
                jobs.leave(tx, self.id)
        except MainstemError as error:
            _log.warning("jobs could not be handed back", extra={"reason": error.message})
        self._services.bus.publish(INBOX, JOBS)

    def _give_back(
        self, task_run_id: str, token: str, execution_id: str | None, failure: str | None
    ) -> None:
        """End a claim: another worker makes the attempt again, or, after a failure, none does."""
        now = self._services.clock.now()
        with self._services.database.write() as tx:
            given = jobs.give_back(tx, task_run_id, token)
            if given is None:
                return
            if failure is None:
                ask_lost(tx, given, now)
            else:
                self._fail(tx, given, failure, now)
        self._claims.drop([(task_run_id, given.attempt)])
        topics = [execution_topic(execution_id)] if execution_id else []
        self._services.bus.publish(INBOX, EXECUTIONS, *topics)

    def _fail(self, tx: Connection, job: StoredJob, failure: str, now: datetime) -> None:
        line = LogLine(
            at=now, level=Level.ERROR, message=f"The worker cannot take up the task: {failure}",
            execution_id=job.execution_id, task_run_id=job.task_run_id, attempt=job.attempt,
        )  # fmt: skip
        flow = rows.get(tx, job.execution_id).execution.flow
        logs.add_lines(tx, [(line, flow)])
        ask_finished(tx, job, State.FAILED, now)


def _event(item: Report | Progress) -> Event:
    return item.finished if isinstance(item, Report) else item.event
