"""A worker of a shared database: takes jobs from rows, tells results to the inbox.

Law: a claim and its Started are one transaction, a result and its check of the claim are another;
a worker that was given up finds its claim gone and is refused.
"""

import logging
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mainstem import __version__
from mainstem.bus.inprocess import CANCELS, EXECUTIONS, INBOX, JOBS, Bus, execution_topic
from mainstem.clock import Clock
from mainstem.engine.decision import Started, Submit
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
from mainstem.store.jobs import StoredJob, StoredWorker
from mainstem.worker.handing import ask_finished, ask_lost
from mainstem.worker.job import Job, Progress, Report
from mainstem.worker.pool import WorkerPool
from mainstem.worker.wire import dump_event, task_run_of
from mainstem.worker.workspace import WorkspaceJob

_log = logging.getLogger("mainstem.worker")

_PATIENCE: Final = 5.0
# A signal that was lost delays a kill by no more than this.
_OBEY: Final = timedelta(seconds=1)
_NO_CLAIM: Final[tuple[str, FlowId | None]] = ("", None)


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
        self._tokens: dict[str, tuple[str, FlowId | None]] = {}
        self._lock = threading.Lock()
        self._beaten_at: datetime | None = None
        self._draining = False
        self._closing = threading.Event()
        self._cancelled = threading.Event()
        self._obeyed_at: datetime | None = None
        services.bus.subscribe([CANCELS], lambda _topic: self._cancelled.set())

    @property
    def interval_seconds(self) -> float:
        return min(self._beat_seconds, 1.0)

    def connect(self, pool: WorkerPool) -> None:
        """Use this pool; it tells its results to `tell`."""
        self._pool = pool

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
        while not self._draining:
            free = self.pool.slots - len(self._tokens)
            if free <= 0 or not self._claim(min(free, self.pool.slots)):
                return

    def _beat(self, now: datetime) -> None:
        last = self._beaten_at
        if last is not None and (now - last).total_seconds() < self._beat_seconds / 3:
            return
        with self._services.database.write() as tx:
            known = last is not None and jobs.beat(
                tx, self.id, len(self._tokens), now, draining=self._draining
            )
            if not known:
                jobs.register(tx, self._row(now), now)
        self._beaten_at = now

    def _row(self, now: datetime) -> StoredWorker:
        return StoredWorker(
            self.id, self._instance, socket.gethostname(), self._group, self.pool.slots,
            __version__, now, now, len(self._tokens), self._draining,
        )  # fmt: skip

    def _obey(self) -> None:
        """Kill attempts that are cancelled or no longer ours."""
        with self._lock:
            mine = list(self._tokens)
        if not mine:
            return
        with self._services.database.read() as tx:
            held = jobs.held_by(tx, self.id)
        for task_run_id in mine:
            if held.get(task_run_id, True):
                self.pool.cancel(task_run_id)

    def _claim(self, limit: int) -> bool:
        services, token = self._services, random_id()
        now = services.clock.now()
        with services.database.write() as tx:
            taken = jobs.claim(tx, self.id, self._group, token, limit)
            for job in taken:
                kind, payload = dump_event(Started(job.task_run_id, job.attempt, now))
                inbox.ask(tx, Asked(job.execution_id, kind, payload), now)
        if not taken:
            return False
        services.bus.publish(INBOX)
        lives: dict[str, LiveExecution] = {}
        for job in taken:
            try:
                self._begin(job, lives, token)
            except Transient:
                raise
            except Exception as error:
                _log.exception("a job cannot be taken up", extra={"task_run": job.task_run_id})
                self._give_back(job.task_run_id, token, job.execution_id, str(error))
        return len(taken) == limit

    def _begin(self, stored: StoredJob, lives: dict[str, LiveExecution], token: str) -> None:
        live = lives.get(stored.execution_id) or self._load(stored.execution_id)
        lives[stored.execution_id] = live
        node = live.node(stored.task_run_id)
        assert node.plan is not None
        task, run = node.plan.task, node.run
        with self._lock:
            self._tokens[run.id] = (token, live.execution.flow)
        if isinstance(task, WorkspaceTask):
            submit = Submit(run, task, stored.attempt, node.plan.worker_group)
            self.pool.submit_workspace(WorkspaceJob(open_workspace(live, run.id), submit, task))
            return
        assert isinstance(task, RunnableTask)
        variables = live.variables_for(run.id, detached=True)
        self.pool.submit(Job(live.flow, live.execution, task, run, stored.attempt, variables))

    def _load(self, execution_id: str) -> LiveExecution:
        with self._services.database.read() as tx:
            execution = rows.get(tx, execution_id).execution
            runs = rows.task_runs_of(tx, execution_id)
        flow = self._services.flows.load(execution.flow, execution.revision)
        return LiveExecution.load(flow, execution, runs, constants=self._services.constants)

    # telling

    def tell(self, item: Report | Progress) -> None:
        """Store what an attempt tells; waits for a database that is away, as long as it takes."""
        event = item.finished if isinstance(item, Report) else item.event
        if isinstance(event, Started):
            return  # told with the claim
        task_run_id = task_run_of(event)
        with self._lock:
            token, flow = self._tokens.get(task_run_id, _NO_CLAIM)
        failures = 0
        while True:
            try:
                told = self._store(item, task_run_id, token, flow)
                break
            except Transient as error:
                failures += 1
                _log.warning("a result waits for the database", extra={"reason": error.message})
                if self._closing.wait(min(2.0**failures / 10, _PATIENCE)):
                    return
        if not told:
            _log.warning("a result came too late and was refused", extra={"task_run": task_run_id})
            self.pool.cancel(task_run_id)
        if isinstance(item, Report):
            with self._lock:
                self._tokens.pop(task_run_id, None)
            self._services.bus.publish(JOBS)
        self._services.bus.publish(INBOX)

    def _store(
        self, item: Report | Progress, task_run_id: str, token: str, flow: FlowId | None
    ) -> bool:
        event = item.finished if isinstance(item, Report) else item.event
        kind, payload = dump_event(event)
        services = self._services
        with services.database.write() as tx:
            if not jobs.is_claimed(tx, task_run_id, token):
                return False
            logs.add_lines(tx, [(line, flow) for line in item.lines])
            if isinstance(item, Report) and item.metrics and flow is not None:
                logs.add_metrics(tx, item.execution_id, flow, item.metrics)
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
        with self._lock:
            left = dict(self._tokens)
        try:
            for task_run_id, (token, _flow) in left.items():
                self._give_back(task_run_id, token, None, None)
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
        with self._lock:
            self._tokens.pop(task_run_id, None)
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
