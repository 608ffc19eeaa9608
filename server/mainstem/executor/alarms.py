"""Timers of all open executions, next first."""

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime

from mainstem.engine.decision import Event, TimerKind, TimerRang
from mainstem.executor.items import Told
from mainstem.store.inbox import StoredTimer

SCHEDULE = "SCHEDULE"

Key = tuple[str, str]


class Alarms:
    """A heap over the timer rows; a replaced or dropped timer is skipped when it comes up."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, Key]] = []
        self._timers: dict[Key, StoredTimer] = {}

    def load(self, timers: Iterable[StoredTimer]) -> None:
        for timer in timers:
            self._set(timer)

    def clear(self) -> None:
        self._heap.clear()
        self._timers.clear()

    def follow(self, changed: Mapping[Key, StoredTimer], dropped: Iterable[Key]) -> None:
        """Take over what a committed batch set and dropped."""
        for key in dropped:
            self._timers.pop(key, None)
        for timer in changed.values():
            self._set(timer)

    def next_at(self) -> datetime | None:
        while self._heap:
            at, key = self._heap[0]
            timer = self._timers.get(key)
            if timer is not None and timer.at == at:
                return at
            heapq.heappop(self._heap)
        return None

    def due(self, now: datetime) -> list[Told]:
        """Timers that have come, in order; each is given once."""
        found = []
        while (at := self.next_at()) is not None and at <= now:
            _, key = heapq.heappop(self._heap)
            timer = self._timers.pop(key)
            found.append(Told(timer.execution_id, _event(timer), timer.key))
        return found

    def _set(self, timer: StoredTimer) -> None:
        key = (timer.execution_id, timer.key)
        self._timers[key] = timer
        heapq.heappush(self._heap, (timer.at, key))


def _event(timer: StoredTimer) -> Event | None:
    """None for the executor's own alarm: the date that an execution waits for has come."""
    if timer.kind == SCHEDULE:
        return None
    return TimerRang(TimerKind(timer.kind), timer.task_run_id, timer.subject)
