"""The scheduler as a component."""

from datetime import datetime, timedelta
from typing import Final

from mainstem.bus.inprocess import DUE
from mainstem.model.trigger import TriggerKind, TriggerState
from mainstem.scheduler.backfill import Backfills
from mainstem.scheduler.poll import MakeRoom, Polls
from mainstem.scheduler.schedules import Schedules
from mainstem.services.triggers import TriggerService
from mainstem.store import triggers as rows

_LIMIT: Final = 500
_LONGEST: Final = 1.0
_SHORTEST: Final = 0.005
_SWEEP: Final = timedelta(seconds=30)
_ROUNDS: Final = 20


class Scheduler:
    """Ticks when something is due, when triggers change, and at least once a second."""

    name = "scheduler"
    wakes_on = (DUE,)

    def __init__(self, triggers: TriggerService, make_room: MakeRoom) -> None:
        self._parts = triggers.parts
        self._schedules = Schedules(triggers)
        self._backfills = Backfills(triggers)
        self._polls = Polls(triggers, make_room)
        self._recovered = False
        self._swept_at: datetime | None = None
        self._pause = _LONGEST

    @property
    def interval_seconds(self) -> float:
        """Until the next date, at most a second."""
        return self._pause

    def tick(self, now: datetime) -> None:
        """Fire what is due at `now`."""
        self._sweep(now)
        if not self._recovered:
            self._schedules.recover(self._due(now))
            self._recovered = True
        for _ in range(_ROUNDS):
            if not self._fire(self._due(now)):
                break
        for _ in range(_ROUNDS):
            if not self._backfills.tick():
                break
        self._pause = self._until_next()

    def close(self) -> None:
        """Wait for the polls at hand."""
        self._polls.close()

    def _fire(self, states: list[TriggerState]) -> bool:
        """Whether a schedule moved on, so that its next date may be due as well."""
        self._polls.tick([state for state in states if state.kind is TriggerKind.POLL])
        schedules = [state for state in states if state.kind is TriggerKind.SCHEDULE]
        return self._schedules.tick(schedules) > 0

    def _due(self, now: datetime) -> list[TriggerState]:
        with self._parts.database.read() as tx:
            return rows.due(tx, now, _LIMIT)

    def _sweep(self, now: datetime) -> None:
        """Free triggers whose execution ended while nobody followed it."""
        if self._swept_at is not None and now - self._swept_at < _SWEEP:
            return
        with self._parts.database.write() as tx:
            rows.unlock_ended(tx)
        self._swept_at = now

    def _until_next(self) -> float:
        with self._parts.database.read() as tx:
            next_at = rows.next_due(tx)
        if next_at is None:
            return _LONGEST
        left = (next_at - self._parts.clock.now()).total_seconds()
        return _LONGEST if left <= 0 else min(max(left, _SHORTEST), _LONGEST)
