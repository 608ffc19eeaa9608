"""Failed sign-ins in memory: after some, the same account or address has to wait."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from mainstem.clock import Clock
from mainstem.errors import Denied

_MOST: Final = 10_000


class TooMany(Denied):
    """Too many failed tries (HTTP 429)."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed sign-ins: try again in {seconds} seconds.")
        self.seconds = seconds


#: Failures within a window, for one account from one address, for the account, the address.
_RULES: Final = (
    ("both", 5, timedelta(minutes=5)),
    ("name", 50, timedelta(minutes=15)),
    ("address", 50, timedelta(minutes=15)),
)


class SignInLimits:
    """Counts failures; a success of an account from an address forgets that pair's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, list[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, name: str, address: str) -> None:
        """Raises TooMany, with the seconds to wait."""
        now = self._clock.now()
        with self._lock:
            waits = [
                recent[0] + window - now
                for key, most, window in _keyed(name, address)
                if len(recent := self._recent(key, now - window)) >= most
            ]
        if waits:
            raise TooMany(max(1, int(max(waits).total_seconds()) + 1))

    def failed(self, name: str, address: str) -> None:
        now = self._clock.now()
        with self._lock:
            for key, _, window in _keyed(name, address):
                self._failures[key] = [*self._recent(key, now - window), now]
                self._failures.move_to_end(key)
            while len(self._failures) > _MOST:
                self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        with self._lock:
            self._failures.pop(f"both\x1f{name}\x1f{address}", None)

    def _recent(self, key: str, since: datetime) -> list[datetime]:
        return [at for at in self._failures.get(key, []) if at > since]


def _keyed(name: str, address: str) -> list[tuple[str, int, timedelta]]:
    parts = {"both": f"{name}\x1f{address}", "name": name, "address": address}
    return [(f"{kind}\x1f{parts[kind]}", most, window) for kind, most, window in _RULES]
