"""What every server process answers without its web application: whether it lives."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Final

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

_Report = Callable[[], Mapping[str, object]]
_ALIVE: Final = frozenset({"/health", "/health/live"})
_READY: Final = "/health/ready"
PATHS: Final = _ALIVE | {_READY}


class Probe:
    """ASGI application: 200 while all is well, else 503 with a body that says why."""

    def __init__(self, health: _Report, readiness: _Report) -> None:
        self._health = health
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path not in PATHS:
            await _answer(send, 404, {"message": "This process answers only /health."})
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, {"message": "Use GET."})
            return
        report, good = (self._health, "UP") if path in _ALIVE else (self._readiness, "READY")
        # Readiness asks the database, which may be away and take its time to say so.
        found = dict(await to_thread.run_sync(report))
        await _answer(send, 200 if found.get("status") == good else 503, found)


class Opening:
    """ASGI application: its own health from the first moment, the rest once `web` is made.

    Loops run and webhooks wait in line while routes and pages are loaded. Whoever asks for anything
    but whether the process lives waits for them too, so nobody is told of a page that is not there.
    """

    def __init__(self, probe: ASGIApp, web: "Future[ASGIApp]") -> None:
        self._probe = probe
        self._web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._web.done() and scope.get("path") in _ALIVE:
            await self._probe(scope, receive, send)
            return
        web = (
            await to_thread.run_sync(self._web.result)
            if not self._web.done()
            else (self._web.result())
        )
        await web(scope, receive, send)


async def _answer(send: Send, status: int, body: Mapping[str, object]) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
