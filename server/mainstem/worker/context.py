"""One attempt as its task sees it: the implementation of sdk RunContext."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from mainstem.engine.decision import DynamicRun
from mainstem.expr import (
    ENCRYPTED_TYPE,
    Scope,
    render,
    render_typed,
    render_value,
    seal,
)
from mainstem.ids import random_id
from mainstem.model.log import Level, LogLine
from mainstem.model.metric import Metric, MetricKind
from mainstem.model.state import State
from mainstem.sdk.context import Executions, FlowRef, PluginSettings, TaskKilled
from mainstem.sdk.fields import Property
from mainstem.sdk.registry import built_task
from mainstem.sdk.runner import Command, CommandResult, TaskRunner
from mainstem.sdk.task import Task
from mainstem.secrets.mask import Masker
from mainstem.services.host import ExecutionHost, secret_inputs
from mainstem.store.logs import StoredMetric
from mainstem.worker.adapters import TaskFiles, TaskKv, TaskNamespaceFiles
from mainstem.worker.caching import ResultCache
from mainstem.worker.folders import make_empty, remove
from mainstem.worker.job import Job, Progress, Tell
from mainstem.worker.logs import AttemptLog
from mainstem.worker.outputs import storable
from mainstem.worker.runners import choose_runner
from mainstem.worker.services import WorkerServices

T = TypeVar("T")


@dataclass(slots=True)
class Wishes:
    """What the task asked of its own execution; carried by the Finished event."""

    labels: dict[str, str] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    end: State | None = None


class _Child:
    """A dynamic task run: told when it starts and when it ends, with log lines of its own."""

    def __init__(self, context: "AttemptContext", task_id: str) -> None:
        self._context = context
        self._task_id = task_id
        self._id = random_id()
        template = LogLine(
            at=context.now(),
            level=Level.INFO,
            message="",
            execution_id=context.execution_id,
            task_run_id=self._id,
            task_id=task_id,
            attempt=1,
        )
        self._log = context.sub_log(template)
        self._tell(State.RUNNING, None)

    def log(self, level: Level, message: str) -> None:
        self._log.log(level, message)

    def finish(self, state: State, outputs: Mapping[str, object] | None = None) -> None:
        self._tell(state, storable(outputs))

    def _tell(self, state: State, outputs: Mapping[str, object] | None) -> None:
        event = DynamicRun(
            self._context.task_run_id, self._id, self._task_id, state, self._context.now(), outputs
        )
        self._context.tell(Progress(self._context.execution_id, event, self._log.take()))


class AttemptContext:
    """Implements RunContext. `kill` may be called from any thread, once or more."""

    def __init__(
        self, job: Job, services: WorkerServices, tell: Tell, workdir: Path | None = None
    ) -> None:
        self.job = job
        self.tell = tell
        self.wishes = Wishes()
        self.metrics: list[StoredMetric] = []
        self._services = services
        self._masker = Masker(secret_inputs(services.host, job.execution))
        self._given_workdir = workdir
        self._made_workdir: Path | None = None
        self._killed = False
        self._bell: threading.Event | None = None
        self._stops: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._logs: list[AttemptLog] = []
        self._adopted: list[AttemptContext] = []
        template = LogLine(
            at=job.task_run.history.started_at,
            level=Level.INFO,
            message="",
            execution_id=job.execution.id,
            task_run_id=job.task_run.id,
            task_id=job.task_run.task_id,
            attempt=job.attempt,
        )
        self._log = self.sub_log(template)
        if job.task.log_to_file:
            self._log.kept = []

    # identity

    @property
    def flow(self) -> FlowRef:
        execution = self.job.execution
        return FlowRef(execution.flow, execution.revision, execution.commit)

    @property
    def execution_id(self) -> str:
        return self.job.execution.id

    @property
    def task_run_id(self) -> str:
        return self.job.task_run.id

    @property
    def task_id(self) -> str:
        return self.job.task_run.task_id

    @property
    def attempt(self) -> int:
        return self.job.attempt

    # what it may use

    @property
    def log(self) -> AttemptLog:
        return self._log

    @cached_property
    def files(self) -> TaskFiles:
        return TaskFiles(self._services.storage, self.job.execution, self.job.task_run)

    @cached_property
    def kv(self) -> TaskKv:
        namespace = self.job.execution.flow.namespace
        return TaskKv(self._services.kv, namespace, self._services.host.reach)

    @cached_property
    def namespace_files(self) -> TaskNamespaceFiles:
        reach = self._services.host.reach
        return TaskNamespaceFiles(self._services.files, self.job.execution, reach)

    @cached_property
    def executions(self) -> Executions:
        return self._services.executions(self.job.execution.flow.namespace)

    @property
    def settings(self) -> PluginSettings:
        return self._services.plugin_settings

    @property
    def workdir(self) -> Path:
        if self._given_workdir is not None:
            return self._given_workdir
        if self._made_workdir is None:
            name = f"{self.job.task_run.id}-{self.job.attempt}"
            self._made_workdir = self._services.work_root / name
            make_empty(self._made_workdir)
        return self._made_workdir

    @cached_property
    def variables(self) -> Mapping[str, object]:
        return self.job.variables

    def now(self) -> datetime:
        return self._services.clock.now()

    # rendering

    @cached_property
    def _host(self) -> ExecutionHost:
        return ExecutionHost(
            self._services.host,
            self.job.execution,
            self._masker,
            self.job.with_state,
            in_transaction=False,
        )

    def _scope(self, extra: Mapping[str, object] | None = None) -> Scope:
        own: dict[str, object] = {}
        if self._given_workdir is not None or self._made_workdir is not None:
            own["workingDir"] = str(self.workdir)
        if not own and not extra:
            return Scope(self.variables, self._host, self._services.options)
        merged = {**self.variables, **own, **(extra or {})}
        return Scope(merged, self._host, self._services.options)

    def render(self, prop: Property[T]) -> T:
        return prop.resolve(self.render_value)

    def render_text(self, text: str) -> str:
        return render(text, self._scope())

    def render_value(self, value: object, extra: Mapping[str, object] | None = None) -> object:
        return render_value(value, self._scope(extra))

    def render_typed(self, text: str) -> object:
        return render_typed(text, self._scope())

    def secret(self, key: str, namespace: str | None = None) -> str:
        return self._host.secret(key, namespace, None)

    def encrypt(self, text: str) -> object:
        return {"type": ENCRYPTED_TYPE, "value": seal(self._services.host.encryption_key(), text)}

    def mask(self, value: str) -> None:
        self._masker.add(value)

    def hides(self, text: str) -> bool:
        return self._masker.mask(text) != text

    # reporting

    def metric(
        self, name: str, value: float, kind: MetricKind = MetricKind.COUNTER, /, **tags: str
    ) -> None:
        metric = Metric(name, float(value), kind, tags)
        self.metrics.append(StoredMetric(metric, self.task_run_id, self.task_id, self.now()))

    def child(self, task_id: str) -> _Child:
        return _Child(self, task_id)

    def sub_log(self, template: LogLine) -> AttemptLog:
        """A log of this attempt or of a run it reports."""
        log = AttemptLog(
            template,
            self._services.clock,
            self._masker,
            self.job.task.threshold(),
        )
        with self._lock:
            self._logs.append(log)
        return log

    def take_lines(self) -> list[LogLine]:
        """All lines not yet taken, in the order of their logs, those of adopted ones last."""
        with self._services.flushing:
            with self._lock:
                logs, adopted = list(self._logs), list(self._adopted)
            lines = [line for log in logs for line in log.take()]
            return [*lines, *(line for child in adopted for line in child.take_lines())]

    @contextmanager
    def adopt(self, child: "AttemptContext") -> Iterator[None]:
        """Within the block a kill reaches the child, and its lines are taken with one's own."""
        with self._lock:
            self._adopted.append(child)
        self.on_kill(child.kill)
        try:
            yield
        finally:
            with self._lock:
                self._adopted.remove(child)
                if child.kill in self._stops:
                    self._stops.remove(child.kill)

    def build_task(self, properties: Mapping[str, object]) -> Task:
        return built_task(self._services.registry, properties)

    def set_labels(self, labels: Mapping[str, str]) -> None:
        self.wishes.labels.update(labels)

    def set_variables(self, variables: Mapping[str, object], remove: Iterable[str] = ()) -> None:
        self.wishes.variables.update(variables)
        self.wishes.removed.extend(remove)

    def end_execution(self, state: State) -> None:
        self.wishes.end = state

    def result_cache(self) -> ResultCache | None:
        """The cache of results, when the task asks for one."""
        wanted = self.job.task.task_cache
        if wanted is None or not wanted.enabled:
            return None
        return ResultCache(self, self._services.task_cache)

    # commands and ending

    def run_command(self, runner: TaskRunner | None, command: Command) -> CommandResult:
        return choose_runner(runner, self._services, self.log).run(self, command)

    def on_kill(self, stop: Callable[[], None]) -> None:
        with self._lock:
            if not self._killed:
                self._stops.append(stop)
                return
        stop()

    @property
    def is_killed(self) -> bool:
        return self._killed

    def wait(self, seconds: float) -> bool:
        with self._lock:
            if self._killed:
                return True
            bell = self._bell = self._bell or threading.Event()
        return bell.wait(seconds)

    def kill(self) -> None:
        """Ask the task to stop; callbacks registered by it are called here."""
        with self._lock:
            self._killed = True
            stops, self._stops = self._stops, []
            if self._bell is not None:
                self._bell.set()
        for stop in stops:
            try:
                stop()
            except Exception as error:
                self.log.warn(f"the task could not be stopped: {error}")

    def raise_if_killed(self) -> None:
        if self._killed:
            raise TaskKilled

    def cleanup(self) -> None:
        """Remove the working directory that this attempt made."""
        if self._made_workdir is not None:
            remove(self._made_workdir)
