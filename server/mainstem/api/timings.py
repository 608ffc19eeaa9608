"""How long requests take, by route template, for monitoring."""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Key = tuple[str, str, str]


class Histogram:
    """Counts by bucket, the last one for what is longer than all."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Timings:
    """ASGI middleware; one histogram per method, route template and class of status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._found: dict[Key, Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["timings"] = self
        begun = perf_counter()
        status = 500
        streams = False

        async def watched(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = any(
                    name.lower() == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message.get("headers", ())
                )
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            if not streams:
                key = (scope["method"], _template(scope), f"{status // 100}xx")
                self._add(key, perf_counter() - begun)

    def _add(self, key: Key, seconds: float) -> None:
        with self._lock:
            self._found.setdefault(key, Histogram()).add(seconds)

    def items(self) -> Iterator[tuple[Key, Histogram]]:
        """A copy of what has been measured, by key."""
        with self._lock:
            found = sorted(self._found.items(), key=lambda item: item[0])
        return iter(found)


def _template(scope: Scope) -> str:
    """Never the address itself: there may be any number of those."""
    route: Any = scope.get("route")
    path = getattr(route, "path", None)
    return str(path) if path else "unmatched"
