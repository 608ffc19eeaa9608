"""Keeps what a distant source answered for a while, and a little longer while it is away."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.errors import Transient
from mainstem.secrets.base import SecretNote, WritableSource

_log = logging.getLogger("mainstem.secrets")
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Answer:
    value: str | None
    at: float


class CachedSecrets:
    """A source asked at most once in `seconds` for each name.

    While it does not answer, its last answer counts for `stale_seconds` more.
    """

    def __init__(
        self,
        source: WritableSource,
        seconds: float,
        stale_seconds: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = source.name
        self._source = source
        self._seconds = seconds
        self._stale = stale_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str], _Answer] = OrderedDict()

    def find(self, namespace: str, key: str) -> str | None:
        now = self._monotonic()
        place = (namespace, key)
        with self._lock:
            known = self._answers.get(place)
        if known is not None and now - known.at < self._seconds:
            return known.value
        try:
            value = self._source.find(namespace, key)
        except Transient as error:
            if known is None or now - known.at >= self._seconds + self._stale:
                raise
            _log.warning("a source of secrets is away", extra={"reason": error.message})
            return known.value
        self._keep(place, value, now)
        return value

    def names(self, namespace: str) -> list[str]:
        return self._source.names(namespace)

    def notes(self, namespace: str) -> list[SecretNote]:
        return self._source.notes(namespace)

    def put(
        self,
        namespace: str,
        key: str,
        value: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._source.put(namespace, key, value, description, tags)
        self._forget(namespace, key)

    def remove(self, namespace: str, key: str) -> bool:
        done = self._source.remove(namespace, key)
        self._forget(namespace, key)
        return done

    def _keep(self, place: tuple[str, str], value: str | None, now: float) -> None:
        with self._lock:
            self._answers[place] = _Answer(value, now)
            self._answers.move_to_end(place)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)

    def _forget(self, namespace: str, key: str) -> None:
        with self._lock:
            self._answers.pop((namespace, key), None)
