"""One run of a flow, and the runs of its tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mainstem.model.flow_id import FlowId
from mainstem.model.light import light
from mainstem.model.state import (
    EXECUTION_TRANSITIONS,
    TASK_RUN_TRANSITIONS,
    History,
    State,
)

SYSTEM_LABEL: Final = "system."
CORRELATION_ID: Final = "system.correlationId"


@light
@dataclass(frozen=True, slots=True)
class ExecutionTrigger:
    """What started an execution: a trigger, a parent's Subflow task, or a backfill slot."""

    id: str
    type: str
    variables: Mapping[str, object] = field(default_factory=dict)


@light
@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a runnable task; the first has number 1."""

    number: int
    history: History
    log_file: str | None = None

    def to(self, state: State, at: datetime) -> "Attempt":
        history = self.history.to(state, at=at, table=TASK_RUN_TRANSITIONS)
        return Attempt(self.number, history, self.log_file)


@light
@dataclass(frozen=True, slots=True)
class TaskRun:
    """One run of a task within an execution.

    `position` orders the task runs of an execution by creation. `value` is the loop value of a
    direct child of a loop. `outputs` holds small values only; files are URIs of internal storage.
    """

    id: str
    execution_id: str
    task_id: str
    history: History
    position: int
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    attempts: tuple[Attempt, ...] = ()
    outputs: Mapping[str, object] | None = None
    dynamic: bool = False

    @property
    def state(self) -> State:
        return self.history.current

    def to(self, state: State, at: datetime) -> "TaskRun":
        """Enter `state`; raises InvalidTransition where the table forbids it."""
        history = self.history.to(state, at=at, table=TASK_RUN_TRANSITIONS)
        if history is self.history:
            return self
        return self.changed(history, self.attempts, self.outputs)

    def changed(
        self,
        history: History,
        attempts: tuple[Attempt, ...],
        outputs: Mapping[str, object] | None,
    ) -> "TaskRun":
        """A copy with what changes as it runs; `replace` costs several times as much."""
        return TaskRun(
            self.id,
            self.execution_id,
            self.task_id,
            history,
            self.position,
            self.parent_id,
            self.value,
            self.iteration,
            attempts,
            outputs,
            self.dynamic,
        )


@light
@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a flow; `labels` keep their order, `variables` are extra root variables."""

    id: str
    flow: FlowId
    revision: int
    history: History
    inputs: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, object] = field(default_factory=dict)
    outputs: Mapping[str, object] | None = None
    trigger: ExecutionTrigger | None = None
    parent_id: str | None = None
    original_id: str | None = None
    schedule_at: datetime | None = None
    commit: str | None = None
    attempt: int = 1
    error: str | None = None

    @property
    def state(self) -> State:
        return self.history.current

    def to(self, state: State, at: datetime) -> "Execution":
        """Enter `state`; raises InvalidTransition where the table forbids it."""
        history = self.history.to(state, at=at, table=EXECUTION_TRANSITIONS)
        if history is self.history:
            return self
        return Execution(
            self.id,
            self.flow,
            self.revision,
            history,
            self.inputs,
            self.labels,
            self.variables,
            self.outputs,
            self.trigger,
            self.parent_id,
            self.original_id,
            self.schedule_at,
            self.commit,
            self.attempt,
            self.error,
        )
