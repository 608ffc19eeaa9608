"""Log lines of executions."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from mainstem.model.light import light


class Level(IntEnum):
    """Severities, comparable: a line passes a threshold when its level is at least that."""

    TRACE = 5
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40


@light
@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as written by a task, the engine or a trigger; `message` is already masked."""

    at: datetime
    level: Level
    message: str
    execution_id: str | None = None
    task_run_id: str | None = None
    task_id: str | None = None
    attempt: int | None = None
    trigger_id: str | None = None
