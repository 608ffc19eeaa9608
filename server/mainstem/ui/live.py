"""Live updates: the stream carries names of what changed, pages ask for the content themselves.

One stream per browser tab, `GET live?topics=execution:ID,executions`. A signal from any thread
marks its event name as due; a stream sends a due name at most once per its pace, and always sends
the last one. What waits is a set of names, so a queue cannot grow; a reader that does not take its
bytes in time is dropped and polls until it is back.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from mainstem.ui.security import SECURITY_HEADERS

DEBOUNCE: Final = 0.25
KEEP_ALIVE: Final = 15.0
SEND_LIMIT: Final = 10.0
MAX_TOPICS: Final = 12
MAX_STREAMS: Final = 400
#: Seconds between two events of one name; a burst ends with one event after its last signal.
PACE: Final[Mapping[str, float]] = {
    "execution": 0.5,
    "logs": 0.5,
    "sync": 0.5,
    "operation": 0.5,
    "executions": 2.0,
    "triggers": 2.0,
    "flows": 5.0,
}
Unsubscribe = Callable[[], None]


class Bus(Protocol):
    """What the dashboard needs of a bus: callbacks get the topic, from whatever thread."""

    def subscribe(self, topics: Iterable[str], callback: Callable[[str], None]) -> Unsubscribe: ...


class Live:
    """Hands out streams, counts them, and ends them all when the server stops."""

    def __init__(self, bus: Bus, *, debounce: float = DEBOUNCE) -> None:
        self._bus = bus
        self._debounce = debounce
        self._streams: set[SignalStream] = set()
        self._closed = False

    @property
    def streams(self) -> int:
        """How many readers are connected."""
        return len(self._streams)

    def respond(self, request: Request, may_follow: Callable[[str], bool]) -> Response:
        """The stream for the topics a page asked for; 503 tells the page to poll instead."""
        asked = request.query_params.get("topics", "").split(",")
        topics = [topic for topic in dict.fromkeys(asked) if topic]
        if not topics or len(topics) > MAX_TOPICS:
            return PlainTextResponse(f"name one to {MAX_TOPICS} topics", status_code=422)
        topics = [topic for topic in topics if may_follow(topic)]
        if not topics:
            return PlainTextResponse("nothing that you may see has this name", status_code=404)
        if self._closed or len(self._streams) >= MAX_STREAMS:
            return PlainTextResponse("too many live pages; this one polls", status_code=503)
        return SignalStream(self, self._bus, topics, debounce=self._debounce)

    def close(self) -> None:
        """End every stream, so that the server can stop at once; safe from any thread."""
        self._closed = True
        for stream in list(self._streams):
            stream.end()

    def joined(self, stream: "SignalStream") -> None:
        """Count a stream that began."""
        self._streams.add(stream)

    def left(self, stream: "SignalStream") -> None:
        """Forget a stream that ended."""
        self._streams.discard(stream)


class SignalStream(Response):
    """One tab's event stream as an ASGI response."""

    media_type = "text/event-stream"

    def __init__(
        self, live: Live, bus: Bus, topics: list[str], *, debounce: float = DEBOUNCE
    ) -> None:
        super().__init__()
        self._live, self._bus, self._topics = live, bus, topics
        self._debounce = debounce
        self._due: set[str] = set()
        self._sent_at: dict[str, float] = {}
        self._ended = False
        self._written_at = 0.0
        self._wake: asyncio.Event
        self._loop: asyncio.AbstractEventLoop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        unsubscribe = self._bus.subscribe(self._topics, self._signalled)
        self._live.joined(self)
        watcher = asyncio.create_task(self._watch(receive))
        try:
            await self._stream(send)
        except (TimeoutError, OSError):
            pass  # the reader is gone or too slow; it reconnects or polls
        finally:
            watcher.cancel()
            self._live.left(self)
            unsubscribe()

    def end(self) -> None:
        """Finish the stream; safe from any thread."""
        self._ended = True
        with suppress(RuntimeError):  # the loop may have closed already
            self._loop.call_soon_threadsafe(self._wake.set)

    def _signalled(self, topic: str) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._mark, topic.partition(":")[0])

    def _mark(self, name: str) -> None:
        self._due.add(name)
        self._wake.set()

    async def _watch(self, receive: Receive) -> None:
        message: Message = await receive()
        while message["type"] != "http.disconnect":
            message = await receive()
        self.end()

    async def _stream(self, send: Send) -> None:
        headers = {
            **SECURITY_HEADERS,
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        }
        raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await self._write(send, "retry: 3000\n: connected\n\n")
        while not self._ended:
            names = await self._next()
            text = "".join(f"event: {name}\ndata: -\n\n" for name in names)
            if not text and time.monotonic() - self._written_at >= KEEP_ALIVE:
                text = ": keep-alive\n\n"
            if text and not self._ended:
                await self._write(send, text)
        await self._write(send, "event: close\ndata: -\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> list[str]:
        """The names to send now; none after a quiet time, when a comment keeps the line open."""
        try:
            async with asyncio.timeout(self._until_due()):
                await self._wake.wait()
            if not self._ended:
                await asyncio.sleep(self._debounce)
        except TimeoutError:
            pass
        self._wake.clear()
        now = time.monotonic()
        ready = sorted(name for name in self._due if now >= self._earliest(name))
        self._due.difference_update(ready)
        self._sent_at.update(dict.fromkeys(ready, now))
        return ready

    def _earliest(self, name: str) -> float:
        return self._sent_at.get(name, float("-inf")) + PACE.get(name, 1.0)

    def _until_due(self) -> float:
        if not self._due:
            return KEEP_ALIVE
        soonest = min(self._earliest(name) for name in self._due) - time.monotonic()
        return max(soonest, 0.0) + 0.001

    async def _write(self, send: Send, text: str) -> None:
        async with asyncio.timeout(SEND_LIMIT):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        self._written_at = time.monotonic()
