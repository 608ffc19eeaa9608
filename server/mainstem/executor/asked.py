"""Stored events to the engine's events."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mainstem.engine.decision import (
    Begin,
    ChangeExecutionState,
    ChangeTaskRunState,
    Event,
    ForceRun,
    KillRequested,
    PauseRequested,
    ReplayRequested,
    RestartRequested,
    ResumeRequested,
    SetLabels,
    Unqueued,
)
from mainstem.errors import Bug
from mainstem.model.state import State
from mainstem.store.inbox import Asked
from mainstem.worker.wire import READERS

_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Event]]] = {
    "Begin": lambda _: Begin(),
    "KillRequested": lambda p: KillRequested(p.get("cascade", True)),
    "PauseRequested": lambda _: PauseRequested(),
    "ResumeRequested": lambda p: ResumeRequested(
        p.get("inputs") or {}, p.get("task_run_id"), State(p.get("to", "RUNNING"))
    ),
    "RestartRequested": lambda p: RestartRequested(p.get("revision"), p.get("execution_id")),
    "ReplayRequested": lambda p: ReplayRequested(
        p.get("task_run_id"), p.get("revision"), p.get("execution_id"), p.get("inputs")
    ),
    "ChangeTaskRunState": lambda p: ChangeTaskRunState(p["task_run_id"], State(p["state"])),
    "ChangeExecutionState": lambda p: ChangeExecutionState(State(p["state"])),
    "ForceRun": lambda _: ForceRun(),
    "Unqueued": lambda p: Unqueued(State(p["state"])),
    "SetLabels": lambda p: SetLabels(p["labels"]),
    **READERS,
}


def event_of(asked: Asked) -> Event:
    """Raises Bug for a kind that nobody should have stored."""
    reader = _READERS.get(asked.kind)
    if reader is None:
        raise Bug(f"the inbox holds an event of unknown kind {asked.kind}")
    return reader(asked.payload)
