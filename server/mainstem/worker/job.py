"""What a worker is given, and what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mainstem.engine.decision import Event, Finished
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.light import light
from mainstem.model.log import LogLine
from mainstem.sdk.flow import Flow
from mainstem.sdk.task import Task
from mainstem.store.logs import StoredMetric


@light
@dataclass(frozen=True, slots=True)
class Job:
    """One attempt to make. `variables` are the root variables of its expressions.

    `is_begun` when its row says already that it runs, since a place was kept for it.
    """

    flow: Flow
    execution: Execution
    task: Task
    task_run: TaskRun
    attempt: int
    variables: Mapping[str, object]
    with_state: Callable[[str], list[dict[str, object]]] | None = None
    is_begun: bool = False


@light
@dataclass(frozen=True, slots=True)
class Report:
    """How an attempt ended, with the log lines not yet written and its metrics."""

    execution_id: str
    finished: Finished
    lines: Sequence[LogLine] = ()
    metrics: Sequence[StoredMetric] = ()


@light
@dataclass(frozen=True, slots=True)
class Progress:
    """Something an attempt tells while it runs."""

    execution_id: str
    event: Event
    lines: Sequence[LogLine] = field(default=())


Tell = Callable[[Report | Progress], None]
