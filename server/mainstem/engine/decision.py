"""What the engine is told and what it answers: two closed families of frozen values.

Events that repeat or come late are harmless: each names the task run and attempt it speaks of,
and one that does not fit the present state gives an empty Decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mainstem.model.execution import Execution, ExecutionTrigger, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.light import light
from mainstem.model.log import LogLine
from mainstem.model.state import State
from mainstem.sdk.task import Task, WorkerGroup

EMPTY: Mapping[str, object] = {}


class TimerKind(StrEnum):
    """Why the engine asked to be woken."""

    RETRY = "RETRY"
    PAUSE_DELAY = "PAUSE_DELAY"
    PAUSE_TIMEOUT = "PAUSE_TIMEOUT"
    LOOP = "LOOP"
    SLA = "SLA"
    TIMEOUT = "TIMEOUT"


# --- events ----------------------------------------------------------------------------------


@light
@dataclass(frozen=True, slots=True)
class Begin:
    """Start a CREATED execution that was admitted, or go on with a RESTARTED one."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The flow's concurrency limit is reached: wait as QUEUED."""

    running: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """The flow's concurrency limit is reached: end at once as CANCELLED or FAILED."""

    state: State


@dataclass(frozen=True, slots=True)
class Unqueued:
    """Leave the queue for `state`: RUNNING starts it, a terminal state ends it."""

    state: State = State.RUNNING


@light
@dataclass(frozen=True, slots=True)
class Started:
    """A worker took up an attempt."""

    task_run_id: str
    attempt: int
    at: datetime


@light
@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt ended. `started_at` serves when Started was not told separately.

    `state` is what the task did (SUCCESS, WARNING, FAILED, KILLED, SKIPPED, CANCELLED); retries,
    allowFailure and allowWarning are applied here, not by the worker.
    """

    task_run_id: str
    attempt: int
    state: State
    at: datetime
    outputs: Mapping[str, object] | None = None
    started_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, object] = field(default_factory=dict)
    removed_variables: tuple[str, ...] = ()
    end_execution: State | None = None
    log_file: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of an attempt died without a result."""

    task_run_id: str
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DynamicRun:
    """A task reports a run of its own making (a dbt model) under its task run.

    Sent once when it starts (RUNNING) and once when it ends; `id` names it both times.
    """

    task_run_id: str
    id: str
    task_id: str
    state: State
    at: datetime
    outputs: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class WorkspaceRuns:
    """Task runs inside a WorkingDirectory, as the worker that drives it has them now."""

    task_run_id: str
    task_runs: tuple[TaskRun, ...]


@dataclass(frozen=True, slots=True)
class ChildCreated:
    """The execution asked for by a SubflowRequest exists."""

    task_run_id: str
    execution_id: str
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class ChildRefused:
    """The execution asked for cannot be: no such flow, disabled, bad inputs."""

    task_run_id: str
    execution_id: str
    message: str
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """A child execution ended; must be told exactly once for each child.

    `variables` are the root variables of the child, needed when the request wanted them.
    """

    task_run_id: str
    execution_id: str
    state: State
    outputs: Mapping[str, object] | None = None
    iteration: int | None = None
    variables: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class TimerRang:
    """A timer that was set is due."""

    kind: TimerKind
    task_run_id: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class KillRequested:
    """End everything as soon as workers let go; without `cascade` subflows go on by themselves."""

    cascade: bool = True


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """Start nothing new until resumed; what runs may end."""


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """Go on after a pause: of one task run, of all paused ones, or of the whole execution.

    `inputs` are the coerced values of `onResume`. `to` KILLING or FAILED ends the pause that way.
    """

    inputs: Mapping[str, object] = field(default_factory=dict)
    task_run_id: str | None = None
    to: State = State.RUNNING


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """Run again what failed; the rest stays. With a revision, as a new execution on that one."""

    revision: int | None = None
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayRequested:
    """Make a new execution out of this one, from a task run on or from the start."""

    task_run_id: str | None = None
    revision: int | None = None
    execution_id: str | None = None
    # Instead of those of the old one.
    inputs: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ChangeTaskRunState:
    """A user overrides how a task run ended; what follows from it runs."""

    task_run_id: str
    state: State


@dataclass(frozen=True, slots=True)
class ChangeExecutionState:
    """A user overrides how an ended execution ended; nothing runs."""

    state: State


@dataclass(frozen=True, slots=True)
class ForceRun:
    """Run an execution that waits in a queue, for its date or in a pause."""


@dataclass(frozen=True, slots=True)
class SetLabels:
    """Add or overwrite labels."""

    labels: Mapping[str, str]


Event = (
    Begin
    | Enqueued
    | Rejected
    | Unqueued
    | Started
    | Finished
    | Lost
    | DynamicRun
    | WorkspaceRuns
    | ChildCreated
    | ChildRefused
    | ChildEnded
    | TimerRang
    | KillRequested
    | PauseRequested
    | ResumeRequested
    | RestartRequested
    | ReplayRequested
    | ChangeTaskRunState
    | ChangeExecutionState
    | ForceRun
    | SetLabels
)


# --- answers ---------------------------------------------------------------------------------


@light
@dataclass(frozen=True, slots=True)
class Submit:
    """An attempt that a worker of `worker_group` should make."""

    task_run: TaskRun
    task: Task
    attempt: int
    worker_group: WorkerGroup | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """Wake the engine at `at` with TimerRang; a timer with the same key is replaced."""

    key: str
    at: datetime
    kind: TimerKind
    task_run_id: str | None = None
    subject: str | None = None

    def rang(self) -> TimerRang:
        return TimerRang(self.kind, self.task_run_id, self.subject)


@dataclass(frozen=True, slots=True)
class SubflowRequest:
    """A child execution to create; `inputs` are rendered but not yet coerced.

    The answer is ChildCreated or ChildRefused, and ChildEnded at the end of every created child.
    """

    execution_id: str
    task_run_id: str
    flow: FlowId
    inputs: Mapping[str, object]
    labels: Mapping[str, str]
    trigger: ExecutionTrigger
    revision: int | None = None
    iteration: int | None = None
    schedule_at: datetime | None = None
    wait: bool = True
    wants_variables: bool = False


@dataclass(frozen=True, slots=True)
class NewExecution:
    """An execution with its task runs to insert, then to be sent Begin."""

    execution: Execution
    task_runs: tuple[TaskRun, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputsFile:
    """Outputs to be kept as a file at `uri` before the Decision is committed.

    A map is one JSON text, a list one for each line.
    """

    uri: str
    outputs: Mapping[str, object] | Sequence[Mapping[str, object]]


@light
@dataclass(frozen=True, slots=True)
class Decision:
    """The delta for the store and the world that one event causes.

    `task_runs` are added or changed rows in order of creation. `begin` asks for a Begin event
    after the commit. `ended` marks the moment at which the execution entered a terminal state;
    listeners and afterExecution tasks may still run until `closed`.
    """

    execution: Execution | None = None
    task_runs: tuple[TaskRun, ...] = ()
    removed: tuple[str, ...] = ()
    submit: tuple[Submit, ...] = ()
    cancel: tuple[str, ...] = ()
    timers: tuple[Timer, ...] = ()
    dropped_timers: tuple[str, ...] = ()
    children: tuple[SubflowRequest, ...] = ()
    kill_children_of: tuple[str, ...] = ()
    files: tuple[OutputsFile, ...] = ()
    logs: tuple[LogLine, ...] = ()
    new_executions: tuple[NewExecution, ...] = ()
    begin: bool = False
    ended: bool = False
    closed: bool = False

    @property
    def is_empty(self) -> bool:
        return self is NOTHING or self == NOTHING


NOTHING = Decision()
