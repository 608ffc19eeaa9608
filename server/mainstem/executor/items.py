"""What the executor's queue carries."""

from collections.abc import Callable
from dataclasses import dataclass

from mainstem.engine.decision import Event
from mainstem.model.execution import Execution
from mainstem.model.light import light
from mainstem.model.trigger import Evaluation
from mainstem.worker.job import Progress, Report


@light
@dataclass(frozen=True, slots=True)
class Created:
    """An execution whose row exists and which nobody has looked at yet."""

    execution: Execution


@light
@dataclass(frozen=True, slots=True)
class Fresh:
    """A prepared execution whose row the batch is to insert, with what fired it.

    `done` is called in the executor's thread once that is committed, or with what forbade it.
    """

    execution: Execution
    evaluation: Evaluation | None
    done: Callable[[Exception | None], None]


@light
@dataclass(frozen=True, slots=True)
class Told:
    """An event for an execution; None means that the date it waited for has come.

    `timer` is the key of the timer that rang, `asked` the number of the stored event: their rows
    go with the batch.
    """

    execution_id: str
    event: Event | None
    timer: str | None = None
    asked: int | None = None


@dataclass(frozen=True, slots=True)
class Noticed:
    """An execution that another process made; its note in the inbox goes with the batch."""

    execution_id: str
    asked: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A stored event that means nothing; its row goes."""

    asked: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """An execution that was open when the process started."""

    execution_id: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Look into the inbox."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End after the batch at hand."""


Item = Created | Fresh | Told | Noticed | Unreadable | Recovered | Report | Progress | Wake | Stop


def subject_of(item: Item) -> str | None:
    """The execution that an item is about."""
    match item:
        case Created(execution) | Fresh(execution):
            return execution.id
        case Told(execution_id) | Recovered(execution_id) | Progress(execution_id):
            return execution_id
        case Noticed(execution_id):
            return execution_id
        case Report():
            return item.execution_id
        case _:
            return None
