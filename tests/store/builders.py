"""Rows for tests, with everything defaulted."""

from datetime import UTC, datetime, timedelta

from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.state import EXECUTION_TRANSITIONS, TASK_RUN_TRANSITIONS, History, State
from mainstem.store.executions import Versioned
from mainstem.store.flows import FlowRevision

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FLOW = FlowId("zoomcamp", "taxi")


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def history(*states: State, at: datetime = NOON) -> History:
    found = History.begin(at)
    for number, state in enumerate(states, 1):
        found = found.to(state, at=at + timedelta(seconds=number), table=EXECUTION_TRANSITIONS)
    return found


def execution(
    name: str,
    *states: State,
    at: datetime = NOON,
    flow: FlowId = FLOW,
    **more: object,
) -> Execution:
    return Execution(name, flow, 1, history(*states, at=at), **more)  # type: ignore[arg-type]


def stored(*items: Execution, closed: bool = False) -> list[Versioned]:
    return [Versioned(item, 1, closed) for item in items]


def task_run(
    name: str, execution_id: str, position: int, *states: State, task: str = "t"
) -> TaskRun:
    found = History.begin(NOON)
    for state in states:
        found = found.to(state, at=later(1), table=TASK_RUN_TRANSITIONS)
    return TaskRun(name, execution_id, task, found, position)


def revision(
    flow: FlowId = FLOW, number: int = 1, source: str = "id: taxi", **more: object
) -> FlowRevision:
    return FlowRevision(flow, number, source, NOON, **more)  # type: ignore[arg-type]


def line(message: str, level: Level = Level.INFO, **more: object) -> LogLine:
    return LogLine(at=NOON, level=level, message=message, **more)  # type: ignore[arg-type]
