"""What workers tell, as stored events: names and JSON-compatible values, and back."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from sqlalchemy import RowMapping

from mainstem.engine.decision import (
    DynamicRun,
    Event,
    Finished,
    Lost,
    Started,
    WorkspaceRuns,
)
from mainstem.errors import Bug
from mainstem.model.execution import TaskRun
from mainstem.model.state import State
from mainstem.store.columns import from_micros, to_micros
from mainstem.store.rows import TASK_RUN_COLUMNS, task_run_from, task_run_values


def task_run_of(event: Event) -> str:
    """The task run whose attempt tells the event."""
    match event:
        case Started() | Lost() | Finished() | DynamicRun() | WorkspaceRuns():
            return event.task_run_id
        case _:
            raise Bug(f"workers do not tell {type(event).__name__}")


def dump_event(event: Event) -> tuple[str, dict[str, object]]:
    """Kind and payload of an event that workers tell."""
    match event:
        case Started() | Lost():
            payload: dict[str, object] = {"attempt": event.attempt, "at": to_micros(event.at)}
        case Finished():
            payload = {
                "attempt": event.attempt,
                "state": event.state.value,
                "at": to_micros(event.at),
                "outputs": event.outputs,
                "started_at": to_micros(event.started_at) if event.started_at else None,
                "labels": dict(event.labels),
                "variables": dict(event.variables),
                "removed_variables": list(event.removed_variables),
                "end_execution": event.end_execution.value if event.end_execution else None,
                "log_file": event.log_file,
            }
        case DynamicRun():
            payload = {
                "id": event.id,
                "task_id": event.task_id,
                "state": event.state.value,
                "at": to_micros(event.at),
                "outputs": event.outputs,
            }
        case WorkspaceRuns():
            payload = {"task_runs": [_dump_run(run) for run in event.task_runs]}
        case _:
            raise Bug(f"workers do not tell {type(event).__name__}")
    return type(event).__name__, {**payload, "task_run_id": event.task_run_id}


def _dump_run(run: TaskRun) -> dict[str, object]:
    row = dict(zip(TASK_RUN_COLUMNS, task_run_values(run), strict=True))
    return {**row, "outputs": run.outputs}


def _finished(p: Mapping[str, Any]) -> Finished:
    begun, end = p["started_at"], p["end_execution"]
    return Finished(
        p["task_run_id"],
        p["attempt"],
        State(p["state"]),
        from_micros(p["at"]),
        p["outputs"],
        from_micros(begun) if begun is not None else None,
        p["labels"],
        p["variables"],
        tuple(p["removed_variables"]),
        State(end) if end else None,
        p["log_file"],
    )


def _dynamic(p: Mapping[str, Any]) -> DynamicRun:
    return DynamicRun(
        p["task_run_id"],
        p["id"],
        p["task_id"],
        State(p["state"]),
        from_micros(p["at"]),
        p["outputs"],
    )


def _workspace(p: Mapping[str, Any]) -> WorkspaceRuns:
    return WorkspaceRuns(p["task_run_id"], tuple(map(_load_run, p["task_runs"])))


def _load_run(row: Mapping[str, Any]) -> TaskRun:
    return task_run_from(cast("RowMapping", row))


READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Event]]] = {
    "Started": lambda p: Started(p["task_run_id"], p["attempt"], from_micros(p["at"])),
    "Lost": lambda p: Lost(p["task_run_id"], p["attempt"], from_micros(p["at"])),
    "Finished": _finished,
    "DynamicRun": _dynamic,
    "WorkspaceRuns": _workspace,
}
