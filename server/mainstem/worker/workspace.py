"""Drives the children of a WorkingDirectory: one worker, one folder, the engine's own rules."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mainstem.engine.advance import advance
from mainstem.engine.decision import Begin, Event, Finished, Submit, Timer, WorkspaceRuns
from mainstem.engine.live import LiveExecution
from mainstem.errors import MainstemError
from mainstem.model.state import State
from mainstem.sdk.flowable import WorkspaceTask
from mainstem.sdk.task import RunnableTask
from mainstem.store.logs import StoredMetric
from mainstem.worker.attempt import make_attempt
from mainstem.worker.context import AttemptContext
from mainstem.worker.deadline import Deadlines
from mainstem.worker.folders import make_empty, remove
from mainstem.worker.job import Job, Progress, Report, Tell
from mainstem.worker.services import WorkerServices


@dataclass(slots=True)
class WorkspaceJob:
    """The worker's own index of the execution, and the attempt to make."""

    live: LiveExecution
    submit: Submit
    task: WorkspaceTask

    @property
    def job(self) -> Job:
        """The attempt of the WorkingDirectory itself."""
        return _job(self.live, self.submit)


def _job(live: LiveExecution, submit: Submit) -> Job:
    return Job(
        live.flow,
        live.execution,
        submit.task,
        submit.task_run,
        submit.attempt,
        live.variables_for(submit.task_run.id),
    )


@dataclass(slots=True)
class _Drive:
    """The loop over events of the local index."""

    work: WorkspaceJob
    folder: AttemptContext
    services: WorkerServices
    tell: Tell
    deadlines: Deadlines
    pending: deque[Event] = field(default_factory=deque)
    timers: list[Timer] = field(default_factory=list)
    wishes: Finished | None = None
    metrics: list[StoredMetric] = field(default_factory=list)

    def run(self) -> None:
        self.pending.append(Begin())
        while (self.pending or self.timers) and not self.folder.is_killed:
            if not self.pending:
                self._wait()
                continue
            self._step(self.pending.popleft())

    def _wait(self) -> None:
        """Sleep until the next retry is due; a kill ends the wait."""
        timer = min(self.timers, key=lambda item: item.at)
        left = (timer.at - self.services.clock.now()).total_seconds()
        if left > 0 and self.folder.wait(left):
            return
        self.timers.remove(timer)
        self.pending.append(timer.rang())

    def _step(self, event: Event) -> None:
        work = self.work
        decision = advance(work.live, event, self.services.environment(self._now()))
        self.timers = [t for t in self.timers if t.key not in decision.dropped_timers]
        self.timers.extend(decision.timers)
        runs = WorkspaceRuns(work.submit.task_run.id, decision.task_runs)
        self.tell(Progress(work.live.execution.id, runs, decision.logs))
        for inner in decision.submit:
            if self.folder.is_killed:
                return
            self.pending.append(self._attempt(inner))

    def _attempt(self, inner: Submit) -> Finished:
        assert isinstance(inner.task, RunnableTask)
        job = _job(self.work.live, inner)
        child = AttemptContext(job, self.services, self.tell, self.folder.workdir)
        with self.folder.adopt(child):
            report = make_attempt(child, self.deadlines)
        self.metrics.extend(report.metrics)
        if report.lines:
            silent = WorkspaceRuns(self.work.submit.task_run.id, ())
            self.tell(Progress(report.execution_id, silent, report.lines))
        self.wishes = _joined(self.wishes, report.finished)
        return report.finished

    def _now(self) -> datetime:
        return self.services.clock.now()


def run_workspace(
    work: WorkspaceJob,
    folder: AttemptContext,
    services: WorkerServices,
    tell: Tell,
    deadlines: Deadlines,
) -> Report:
    """Fill the folder, run the children, collect; never raises."""
    started = services.clock.now()
    drive = _Drive(work, folder, services, tell, deadlines)
    outputs = None
    try:
        make_empty(folder.workdir)
        work.task.fill(folder)
        drive.run()
        state = State.KILLED if folder.is_killed else (work.live.verdict or State.FAILED)
        outputs = dict(work.task.collect(folder) or {}) or None
    except MainstemError as error:
        folder.log.error(error.message)
        state = State.FAILED
    except Exception as error:
        folder.log.error(f"{type(error).__name__}: {error}")
        state = State.FAILED
    remove(folder.workdir)
    finished = Finished(
        work.submit.task_run.id,
        work.submit.attempt,
        state,
        services.clock.now(),
        outputs,
        started_at=started,
    )
    if drive.wishes is not None:
        finished = replace(
            finished,
            labels=drive.wishes.labels,
            variables=drive.wishes.variables,
            removed_variables=drive.wishes.removed_variables,
            end_execution=drive.wishes.end_execution,
        )
    return Report(work.live.execution.id, finished, folder.take_lines(), tuple(drive.metrics))


def shared_folder(root: Path, job: Job) -> Path:
    """Where the children of a WorkingDirectory work; `run_workspace` makes it."""
    return root / f"shared-{job.task_run.id}"


def _joined(wishes: Finished | None, more: Finished) -> Finished:
    """What the children asked of their execution so far."""
    if wishes is None:
        return more
    return replace(
        wishes,
        labels={**wishes.labels, **more.labels},
        variables={**wishes.variables, **more.variables},
        removed_variables=(*wishes.removed_variables, *more.removed_variables),
        end_execution=more.end_execution or wishes.end_execution,
    )
