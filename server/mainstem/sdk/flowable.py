"""Tasks that run other tasks: the pure methods through which they steer the engine.

A flowable answers three questions and keeps nothing: which lanes of tasks run under it (`lanes`,
asked when it starts and again whenever the index is rebuilt from rows), how long it waits before
them (`hold`), and what its end is once its lanes are done (`conclude`). Within a lane tasks run
one after another; lanes run side by side as far as `limit` allows. A failed task keeps further
tasks from starting; what runs may end, then `errors`, then `finally` run, then `conclude` is
asked. allowFailure and allowWarning are applied by the engine, after `conclude`.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from pydantic import Field

from mainstem.model.execution import TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.sdk.fields import Property
from mainstem.sdk.inputs import FlowOutput
from mainstem.sdk.task import AnyTask, Outputs, Task

if TYPE_CHECKING:
    from mainstem.sdk.context import RunContext

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lane:
    """Tasks run one after another, with the loop value they carry.

    `needs` are ids of tasks under the same parent that must have ended before the lane starts.
    `iteration` is the place of the value in its list.
    """

    tasks: Sequence[Task]
    value: str | None = None
    needs: Sequence[str] = ()
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class Lanes:
    """Every lane of a flowable and how many may be open at once; 0 means all.

    `halts` says of a child that ended whether further ones are to be kept from starting; without
    it every failure does.
    """

    lanes: Sequence[Lane]
    limit: int = 0
    halts: Callable[[TaskRun], bool] | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait as PAUSED: until resumed, or for `delay`, but no longer than `timeout`."""

    delay: timedelta | None = None
    timeout: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """End in this state with these outputs."""

    state: State
    outputs: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Again:
    """Remove the children and run the lanes once more after a while, with these outputs."""

    after: timedelta
    outputs: Mapping[str, object]


_SEVERITY = (State.KILLED, State.CANCELLED, State.FAILED, State.WARNING, State.PAUSED)


@dataclass(slots=True)
class Tally:
    """How many task runs of the ordinary lanes ended in which state."""

    counts: dict[State, int] = field(default_factory=dict)

    def add(self, state: State) -> None:
        self.counts[state] = self.counts.get(state, 0) + 1

    def has(self, state: State) -> bool:
        return state in self.counts

    def worst(self) -> State:
        """The end state of a list: killed before failed before warning, else success."""
        counts = self.counts
        return next((state for state in _SEVERITY if state in counts), State.SUCCESS)

    def total(self) -> int:
        return sum(self.counts.values())


class FlowContext(Protocol):
    """What a task that runs in the engine may look at and ask for."""

    @property
    def outputs(self) -> Mapping[str, object]:
        """The outputs that its own task run has so far."""

    @property
    def variables(self) -> Mapping[str, object]: ...
    @property
    def now(self) -> datetime: ...
    @property
    def started_at(self) -> datetime: ...
    def render(self, text: str) -> str: ...
    def render_value(self, value: object, extra: Mapping[str, object] | None = None) -> object:
        """Render text, lists and maps recursively, with `extra` root variables if given."""

    def property(self, prop: Property[T]) -> T:
        """Render a property and convert it to its type."""

    def read(self, uri: str) -> str:
        """The text of a file in internal storage."""

    def warn(self, message: str) -> None:
        """Write a log line of this task run."""

    def render_typed(self, value: object) -> object:
        """Render text, lists and maps; a lone expression keeps its type."""

    def coerce_outputs(
        self, declared: Sequence[FlowOutput], values: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Give rendered outputs the types that they are declared with."""

    def children(self) -> Sequence[TaskRun]:
        """Task runs of its ordinary tasks, in order of creation."""

    def store(self, name: str, rows: Sequence[Mapping[str, object]]) -> str:
        """Keep rows as a file of this task run, a JSON text in each line; gives its URI."""


class FlowableTask(Task):
    """A task whose work is other tasks."""

    ON_WORKER: ClassVar[bool] = False
    """Whether one worker runs all children itself, in one shared working directory."""

    LENDS_VALUE: ClassVar[bool] = False
    """Whether children see the loop value of this task's run as their own."""

    LOOPS: ClassVar[bool] = False
    """Whether `conclude` may answer Again."""

    WATCHES_TIMEOUT: ClassVar[bool] = False
    """Whether `timeout` is a matter of `hold` rather than a limit over all children."""

    ISOLATES: ClassVar[bool] = False
    """Whether each lane is a context of its own.

    The tasks below see `item` and the outputs of their own iteration without an index.
    """

    errors: tuple[AnyTask, ...] = ()
    finally_: tuple[AnyTask, ...] = Field(default=(), alias="finally")

    @abstractmethod
    def lanes(self, ctx: FlowContext) -> Lanes:
        """What runs under this task; must give the same lanes for the same execution."""

    def opening(self, ctx: FlowContext) -> Mapping[str, object] | None:
        """Outputs that the task run has from its start; its children see them."""
        return None

    def hold(self, ctx: FlowContext) -> Hold | None:
        """A pause before the lanes."""
        return None

    def hold_tasks(self) -> tuple[Task, ...]:
        """What runs, one after another, while it waits."""
        return ()

    def hold_ends_as(self) -> State:
        """What a pause becomes when its delay is over: RUNNING goes on with the lanes."""
        return State.RUNNING

    def conclude(self, ctx: FlowContext, tally: Tally) -> State | Done | Again:
        """The end state, asked when every lane and branch is done."""
        return tally.worst()

    def main_tasks(self) -> Iterator[Task]:
        """Tasks directly inside, error branches left out."""
        return iter(())

    def error_tasks(self) -> tuple[Task, ...]:
        """What runs once its ordinary tasks are done and one of them failed."""
        return self.errors

    def subtasks(self) -> Iterator[Task]:
        yield from self.hold_tasks()
        yield from self.main_tasks()
        yield from self.error_tasks()
        yield from self.finally_


class WorkspaceTask(FlowableTask):
    """A flowable whose children share one folder on one worker; `ctx.workdir` is that folder."""

    ON_WORKER: ClassVar[bool] = True

    @abstractmethod
    def fill(self, ctx: "RunContext") -> None:
        """Put into the folder what the children expect there."""

    @abstractmethod
    def collect(self, ctx: "RunContext") -> Outputs | None:
        """Take from the folder what is kept, once the children are done; gives the outputs."""


@dataclass(frozen=True, slots=True)
class ChildRequest:
    """A child execution to make, rendered but not coerced."""

    flow: FlowId
    inputs: Mapping[str, object]
    labels: Mapping[str, str]
    revision: int | None = None
    schedule_at: datetime | None = None
    inherit_labels: bool = False


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child ended; `variables` are its root variables when `wants_variables` said so."""

    execution_id: str
    state: State
    outputs: Mapping[str, object] | None = None
    variables: Mapping[str, object] | None = None


class ExecutableTask(Task):
    """A task whose work is one child execution or many."""

    MANY: ClassVar[bool] = False
    """Whether it makes a batch of children, addressed by iteration."""

    RETRIES: ClassVar[bool] = True

    wait: bool = True
    transmit_failed: bool = True

    @abstractmethod
    def requests(self, ctx: FlowContext) -> Sequence[ChildRequest]:
        """The children to make; none ends the task SUCCESS at once."""

    @property
    def wants_variables(self) -> bool:
        return False

    def outputs_of(self, ctx: FlowContext, end: ChildEnd) -> Mapping[str, object] | None:
        """What this task gives of a child's outputs; raises InvalidInput when it cannot."""
        return end.outputs

    def state_of(self, child: State) -> State:
        """The state that a child's end means for this task."""
        troubled = (State.FAILED, State.KILLED, State.WARNING, State.PAUSED)
        return child if self.transmit_failed and child in troubled else State.SUCCESS
