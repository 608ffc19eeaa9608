"""Worker threads: take jobs, make attempts, report."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from mainstem.engine.decision import Finished, Started
from mainstem.model.flow_id import FlowId
from mainstem.model.log import LogLine
from mainstem.model.state import State
from mainstem.telemetry import about
from mainstem.worker.attempt import make_attempt
from mainstem.worker.context import AttemptContext
from mainstem.worker.deadline import Deadlines
from mainstem.worker.folders import sweep
from mainstem.worker.job import Job, Progress, Report, Tell
from mainstem.worker.services import WorkerServices
from mainstem.worker.workspace import WorkspaceJob, run_workspace, shared_folder

_log = logging.getLogger("mainstem.worker")


class WorkerPool:
    """Runs up to `threads` attempts at once; the rest wait in order of submission."""

    def __init__(self, services: WorkerServices, tell: Tell, threads: int) -> None:
        self._services = services
        self._tell = tell
        self._threads = threads
        self._deadlines = Deadlines()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="mainstem-worker")
        self._lock = threading.Lock()
        self._running: dict[str, AttemptContext] = {}
        self._waiting: dict[str, Job] = {}
        self._kept = 0
        self._closing = False
        self._draining = False

    @property
    def slots(self) -> int:
        return self._threads

    @property
    def load(self) -> tuple[int, int]:
        """How many attempts run, and how many wait for a thread."""
        with self._lock:
            return len(self._running), len(self._waiting)

    def keep_place(self) -> bool:
        """Keep a free thread for an attempt, if there is one: `submit` or `free_place` must follow.

        An attempt that has a place can be recorded as running before it is handed over.
        """
        with self._lock:
            busy = len(self._running) + len(self._waiting) + self._kept
            if busy >= self._threads or self._draining or self._closing:
                return False
            self._kept += 1
            return True

    def keep_places(self) -> int:
        """Keep every free thread; returns how many."""
        kept = 0
        while self.keep_place():
            kept += 1
        return kept

    def free_place(self, places: int = 1) -> None:
        """Give back places that were kept."""
        with self._lock:
            self._kept -= places

    def submit(self, job: Job) -> None:
        """Queue an attempt; its report comes through `tell`."""
        with self._lock:
            self._waiting[job.task_run.id] = job
            self._kept -= job.is_begun
        self._executor.submit(self._work, job)

    def submit_workspace(self, work: WorkspaceJob) -> None:
        """Queue a WorkingDirectory; its report comes through `tell`."""
        job = work.job
        with self._lock:
            self._waiting[job.task_run.id] = job
        self._executor.submit(self._work_in_folder, work, job)

    def run_inline(self, job: Job) -> Report:
        """Make the attempt in the caller's thread and return its report."""
        context = AttemptContext(job, self._services, self._tell)
        try:
            with _about(job):
                return make_attempt(context, self._deadlines)
        finally:
            context.cleanup()

    def cancel(self, task_run_id: str, attempt: int | None = None) -> None:
        """Kill a running attempt, any or this one; one that waits is reported KILLED at once."""
        with self._lock:
            context = self._running.get(task_run_id)
            job = context.job if context else self._waiting.get(task_run_id)
            if job is None or attempt not in (None, job.attempt):
                return
            if context is None:
                del self._waiting[task_run_id]
        if context is not None:
            context.kill()
        else:
            at = self._services.clock.now()
            finished = Finished(task_run_id, job.attempt, State.KILLED, at, started_at=at)
            self._tell(Report(job.execution.id, finished))

    def flushing(self) -> AbstractContextManager[object]:
        """To be held from taking lines until they are written."""
        return self._services.flushing

    def take_lines(self) -> list[tuple[LogLine, FlowId | None]]:
        """Lines written by running attempts since the last call."""
        with self._lock:
            contexts = list(self._running.values())
        return [(line, c.job.execution.flow) for c in contexts for line in c.take_lines()]

    def sweep(self) -> int:
        """Remove what a killed server left, before the first attempt; returns how many."""
        return sweep(self._services.work_root)

    def drain(self) -> None:
        """Begin no attempt from now on; those that wait keep their rows and are made later."""
        with self._lock:
            self._waiting.clear()
            self._draining = True

    def close(self, *, kill: bool) -> None:
        """Stop taking jobs and wait for the running ones, killing them first if asked.

        What is killed here is not reported: its row stays RUNNING and the next start makes it
        again.
        """
        self._closing = kill
        with self._lock:
            self._waiting.clear()
            contexts = list(self._running.values())
        if kill:
            for context in contexts:
                context.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._deadlines.close()

    def _work(self, job: Job) -> None:
        context = AttemptContext(job, self._services, self._tell)
        self._attempt(context, lambda: make_attempt(context, self._deadlines))

    def _work_in_folder(self, work: WorkspaceJob, job: Job) -> None:
        folder = shared_folder(self._services.work_root, job)
        context = AttemptContext(job, self._services, self._tell, folder)
        self._attempt(
            context,
            lambda: run_workspace(work, context, self._services, self._tell, self._deadlines),
        )

    def _attempt(self, context: AttemptContext, make: Callable[[], Report]) -> None:
        job = context.job
        with self._lock:
            if self._draining or self._waiting.get(job.task_run.id) is not job:
                return  # cancelled meanwhile, perhaps with another attempt waiting already
            del self._waiting[job.task_run.id]
            self._running[job.task_run.id] = context
        try:
            with _about(job):
                report = self._made(context, make)
        finally:
            with self._lock:
                self._running.pop(job.task_run.id, None)
        try:
            if not (self._closing and context.is_killed):
                self._tell(report)
        finally:
            context.cleanup()

    def _made(self, context: AttemptContext, make: Callable[[], Report]) -> Report:
        job = context.job
        try:
            if not job.is_begun:
                started = Started(job.task_run.id, job.attempt, self._services.clock.now())
                self._tell(Progress(job.execution.id, started))
            return make()
        except BaseException as error:
            _log.exception("a worker thread failed")
            at = self._services.clock.now()
            failed = Finished(job.task_run.id, job.attempt, State.FAILED, at)
            if not isinstance(error, Exception):
                raise
            return Report(job.execution.id, failed, context.take_lines())


def _about(job: Job) -> AbstractContextManager[None]:
    """What is logged within belongs to this attempt."""
    return about(
        execution=job.execution.id,
        flow=str(job.execution.flow),
        task_run=job.task_run.id,
        task=job.task_run.task_id,
        attempt=job.attempt,
    )
