"""Components and the threads that tick them."""

import logging
import threading
from datetime import datetime
from typing import Protocol

from mainstem.bus.inprocess import Bus
from mainstem.clock import Clock

_log = logging.getLogger("mainstem.runtime")

_LONGEST_BACK_OFF = 60.0


class Component(Protocol):
    """Work done again and again; `wakes_on` are bus topics that bring the next tick forward."""

    @property
    def name(self) -> str: ...
    @property
    def interval_seconds(self) -> float: ...
    @property
    def wakes_on(self) -> tuple[str, ...]: ...
    def tick(self, now: datetime) -> None:
        """Do what is due at `now`."""


class Ticker:
    """Runs one component in a thread of its own."""

    def __init__(self, component: Component, clock: Clock, bus: Bus) -> None:
        self.component = component
        self.last_tick: datetime | None = None
        self.last_error: str | None = None
        self.started_at: datetime | None = None
        self._begun = 0
        self._ended = 0
        self._clock = clock
        self._bus = bus
        self._woken = threading.Event()
        self._stopping = False
        self._failures = 0
        self._ticked = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self.started_at = self._clock.now()
        self._unsubscribe = self._bus.subscribe(
            self.component.wakes_on, lambda _topic: self._woken.set()
        )
        self._thread = threading.Thread(
            target=self._run, name=f"mainstem-{self.component.name}", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """Tick as soon as possible."""
        self._woken.set()

    def stop(self) -> None:
        """Wait for the tick at hand and end."""
        self._stopping = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._unsubscribe()
            self._thread = None

    def wait_for_tick(self, timeout: float) -> bool:
        """Wait until a tick that begins from now on has ended; for tests and commands."""
        with self._ticked:
            wanted = self._begun + 1
            self.wake()
            return self._ticked.wait_for(lambda: self._ended >= wanted or self._stopping, timeout)

    def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            self._tick()
            self._woken.wait(self._pause())

    def _tick(self) -> None:
        with self._ticked:
            self._begun += 1
        try:
            self.component.tick(self._clock.now())
            self._failures, self.last_error = 0, None
        except Exception as error:
            self._failures += 1
            self.last_error = f"{type(error).__name__}: {error}"
            _log.exception("a tick failed", extra={"component": self.component.name})
        with self._ticked:
            self.last_tick = self._clock.now()
            self._ended += 1
            self._ticked.notify_all()

    def _pause(self) -> float:
        interval = self.component.interval_seconds
        if not self._failures:
            return interval
        return max(interval, min(2.0**self._failures, _LONGEST_BACK_OFF))
