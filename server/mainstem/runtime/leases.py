"""What only one process may do at a time, where several share a database."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mainstem.errors import LeaseLost, MainstemError, Transient
from mainstem.ids import random_id
from mainstem.runtime.component import Component
from mainstem.store import leases
from mainstem.store.database import Database

_log = logging.getLogger("mainstem.runtime")


@dataclass(slots=True)
class _Wish:
    gained: Callable[[], None]
    lost: Callable[[], None]
    epoch: int | None = None
    until: float = 0.0


class Leases:
    """A component: takes and renews the leases that this process wants.

    A lease that cannot be renewed in time is given up here before anybody else may take it, and
    `fence` makes transactions fail that come after that all the same.
    """

    name = "leases"
    wakes_on: tuple[str, ...] = ()

    def __init__(self, database: Database, instance: str, seconds: float) -> None:
        self._database = database
        self._instance = instance
        self._holder = f"{instance}/{random_id()}"
        self._length = timedelta(seconds=seconds)
        self._wishes: dict[str, _Wish] = {}
        self._lock = threading.Lock()

    @property
    def interval_seconds(self) -> float:
        return self._length.total_seconds() / 4

    def want(
        self,
        name: str,
        gained: Callable[[], None] = lambda: None,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Try to get a lease from now on; the callbacks run in the component's thread."""
        self._wishes[name] = _Wish(gained, lost)

    def has(self, name: str) -> bool:
        wish = self._wishes[name]
        return wish.epoch is not None and time.monotonic() < wish.until

    def fence(self, name: str) -> Callable[[Connection], None]:
        """For transactions that only the holder may make."""

        def refusal() -> LeaseLost:
            return LeaseLost(f"this process no longer holds the lease `{name}`")

        def check(tx: Connection) -> None:
            wish = self._wishes.get(name)
            if wish is None or wish.epoch is None:
                raise refusal()
            leases.require(tx, name, self._holder, wish.epoch, refusal)

        return check

    def tick(self, now: datetime) -> None:
        with self._lock:
            began = time.monotonic()
            try:
                with self._database.write() as tx:
                    found = leases.acquire(
                        tx, list(self._wishes), self._holder, self._instance, self._length, now
                    )
            except Transient as error:
                _log.warning("leases cannot be renewed", extra={"reason": error.message})
                self._expire()
                return
            until = began + self._length.total_seconds()
            for name, wish in self._wishes.items():
                self._settle(name, wish, found.get(name), until)

    def _settle(self, name: str, wish: _Wish, epoch: int | None, until: float) -> None:
        before = wish.epoch
        if before is not None and epoch != before:
            self._lose(name, wish)
        if epoch is None:
            return
        wish.epoch, wish.until = epoch, until
        if epoch == before:
            return
        _log.info("lease taken", extra={"lease": name, "epoch": epoch})
        try:
            wish.gained()
        except MainstemError as error:
            _log.warning("a lease cannot be used", extra={"lease": name, "reason": error.message})
            self._lose(name, wish)

    def _expire(self) -> None:
        for name, wish in self._wishes.items():
            # A quarter before the end: others must never find it free while work goes on here.
            if wish.epoch is not None and time.monotonic() > wish.until - self.interval_seconds:
                self._lose(name, wish)

    def _lose(self, name: str, wish: _Wish) -> None:
        _log.warning("lease lost", extra={"lease": name})
        wish.epoch = None
        wish.lost()

    def release(self) -> None:
        """Let others take over at once."""
        with self._lock:
            for wish in self._wishes.values():
                wish.epoch = None
            try:
                with self._database.write() as tx:
                    leases.release(tx, self._holder)
            except MainstemError as error:
                _log.warning("leases were not given back", extra={"reason": error.message})


class Leased:
    """A component that ticks only while this process holds a lease."""

    def __init__(self, component: Component, leases_: Leases, name: str) -> None:
        self._component = component
        self._leases = leases_
        self._name = name

    @property
    def name(self) -> str:
        return self._component.name

    @property
    def interval_seconds(self) -> float:
        return self._component.interval_seconds

    @property
    def wakes_on(self) -> tuple[str, ...]:
        return self._component.wakes_on

    def tick(self, now: datetime) -> None:
        if self._leases.has(self._name):
            self._component.tick(now)
