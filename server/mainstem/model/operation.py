"""A change of many executions that goes on behind the scenes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """What is done to each; the words of the addresses."""

    KILL = "kill"
    RESTART = "restart"
    REPLAY = "replay"
    PAUSE = "pause"
    RESUME = "resume"
    UNQUEUE = "unqueue"
    FORCE_RUN = "force-run"
    CHANGE_STATUS = "change-status"
    LABELS = "labels"
    DELETE = "delete"


class OperationState(StrEnum):
    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An execution that could not be changed, and why."""

    id: str
    message: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`done` counts all that were looked at, `failed` those of them that refused."""

    id: str
    action: Action
    argument: Mapping[str, object]
    state: OperationState
    total: int
    created_at: datetime
    done: int = 0
    failed: int = 0
    ended_at: datetime | None = None
    principal: str = ""
    refused: tuple[Refusal, ...] = field(default=())
