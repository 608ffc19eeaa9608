"""States of executions, task runs and attempts, and every legal move between them.

A history is the list of moments at which a state was entered. Two tables say which moves are
legal: one for executions, one for task runs (attempts share it). `History.to` is the only way a
state changes, so a move outside the tables cannot be stored. Terminal states lead only to
RESTARTED or back into work by an explicit action of a user (restart, replay, changed state).
Source: SEMANTICS.md section 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from mainstem.errors import Conflict
from mainstem.model.light import light


class State(StrEnum):
    CREATED = "CREATED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    RESTARTED = "RESTARTED"
    KILLING = "KILLING"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    FAILED = "FAILED"
    KILLED = "KILLED"
    CANCELLED = "CANCELLED"
    RETRYING = "RETRYING"
    RETRIED = "RETRIED"
    SKIPPED = "SKIPPED"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL

    @property
    def is_created(self) -> bool:
        return self is State.CREATED or self is State.RESTARTED

    @property
    def is_running(self) -> bool:
        return self is State.RUNNING or self is State.KILLING

    @property
    def is_failed(self) -> bool:
        return self is State.FAILED

    @property
    def is_paused(self) -> bool:
        return self is State.PAUSED


_S = State
TERMINAL: Final[frozenset[State]] = frozenset(
    {_S.SUCCESS, _S.WARNING, _S.FAILED, _S.KILLED, _S.CANCELLED, _S.RETRIED, _S.SKIPPED}
)
ACTIVE: Final[frozenset[State]] = frozenset(State) - TERMINAL

_ENDS: Final = frozenset({_S.SUCCESS, _S.WARNING, _S.FAILED, _S.KILLED, _S.CANCELLED})
_AGAIN: Final = frozenset({_S.RESTARTED, _S.RUNNING})

EXECUTION_TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    _S.CREATED: _ENDS | {_S.QUEUED, _S.RUNNING, _S.PAUSED, _S.KILLING, _S.RESTARTED},
    _S.QUEUED: _ENDS | {_S.CREATED, _S.RUNNING, _S.KILLING, _S.RESTARTED},
    _S.RUNNING: _ENDS | {_S.PAUSED, _S.RETRYING, _S.RETRIED, _S.KILLING, _S.RESTARTED},
    _S.PAUSED: _ENDS | {_S.RESTARTED, _S.RUNNING, _S.RETRYING, _S.RETRIED, _S.KILLING},
    _S.RESTARTED: _ENDS | {_S.RUNNING, _S.PAUSED, _S.KILLING, _S.RETRYING},
    _S.RETRYING: _ENDS | {_S.RUNNING, _S.PAUSED, _S.RETRIED, _S.KILLING, _S.RESTARTED},
    _S.KILLING: frozenset({_S.KILLED, _S.FAILED, _S.SUCCESS, _S.WARNING, _S.CANCELLED}),
    _S.SUCCESS: _AGAIN | _ENDS,
    _S.WARNING: _AGAIN | _ENDS,
    _S.FAILED: _AGAIN | _ENDS,
    _S.KILLED: _AGAIN | _ENDS,
    _S.CANCELLED: _AGAIN | _ENDS,
    _S.RETRIED: _AGAIN,
    _S.SKIPPED: frozenset(),
}

TASK_RUN_TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    _S.CREATED: _ENDS | {_S.RUNNING, _S.SKIPPED, _S.RESTARTED},
    _S.QUEUED: frozenset(),
    _S.RUNNING: frozenset(State) - {_S.RUNNING, _S.QUEUED},
    _S.PAUSED: _ENDS | _AGAIN | {_S.KILLING, _S.RETRIED},
    _S.RESTARTED: _ENDS | {_S.RUNNING, _S.SKIPPED, _S.KILLING, _S.RETRIED},
    _S.RETRYING: frozenset(
        {_S.CREATED, _S.RETRIED, _S.RESTARTED, _S.RUNNING, _S.KILLED, _S.FAILED, _S.CANCELLED}
    ),
    _S.KILLING: _ENDS | {_S.SKIPPED, _S.RETRIED},
    _S.SUCCESS: _AGAIN | _ENDS,
    _S.WARNING: _AGAIN | _ENDS,
    _S.FAILED: _AGAIN | _ENDS,
    _S.KILLED: _AGAIN | _ENDS,
    _S.CANCELLED: _AGAIN | _ENDS,
    _S.RETRIED: _AGAIN,
    _S.SKIPPED: _AGAIN | _ENDS,
}


class InvalidTransition(Conflict):
    """The state machine has no such move."""

    def __init__(self, current: State, new: State) -> None:
        super().__init__(f"a run that is {current} cannot become {new}")
        self.current = current
        self.new = new


@light
@dataclass(frozen=True, slots=True)
class Moment:
    """A state and when it was entered."""

    state: State
    at: datetime


@light
@dataclass(frozen=True, slots=True)
class History:
    """The moments of one run, oldest first; never empty."""

    moments: tuple[Moment, ...]

    @staticmethod
    def begin(at: datetime, state: State = State.CREATED) -> "History":
        return History((Moment(state, at),))

    @property
    def current(self) -> State:
        return self.moments[-1].state

    @property
    def started_at(self) -> datetime:
        return self.moments[0].at

    @property
    def ended_at(self) -> datetime | None:
        last = self.moments[-1]
        return last.at if last.state in TERMINAL else None

    def duration(self, now: datetime) -> timedelta:
        """From the first moment to the end, or to `now` while it goes on."""
        return (self.ended_at or now) - self.started_at

    def to(self, new: State, *, at: datetime, table: Mapping[State, frozenset[State]]) -> "History":
        """Enter `new`; the state already current is kept without a new moment.

        Raises InvalidTransition for a move that `table` does not list.
        """
        current = self.moments[-1].state
        if new is current:
            return self
        if new not in table[current]:
            raise InvalidTransition(current, new)
        return History((*self.moments, Moment(new, at)))

    def entered(self, state: State) -> datetime | None:
        """When `state` was entered first, if ever."""
        return next((m.at for m in self.moments if m.state is state), None)
