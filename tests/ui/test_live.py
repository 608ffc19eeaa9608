"""The stream of signals: names only, paced, never lost at the end of a burst, ended at once."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from starlette.requests import Request

from mainstem.bus.inprocess import Bus
from mainstem.ui import live as live_module
from mainstem.ui.live import MAX_STREAMS, MAX_TOPICS, Live


class Reader:
    """A browser's end of one stream."""

    def __init__(self, live: Live, topics: str) -> None:
        scope = {"type": "http", "method": "GET", "path": "/live", "headers": [],
                 "query_string": f"topics={topics}".encode()}  # fmt: skip
        self.scope: dict[str, Any] = scope
        self.response = live.respond(Request(scope), lambda _topic: True)
        self.text = ""
        self.headers: dict[bytes, bytes] = {}
        self.taken = asyncio.Event()
        self.gone = asyncio.Event()
        self.blocked = False

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.blocked:
            await asyncio.Event().wait()
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
        else:
            self.text += message["body"].decode()
            self.taken.set()

    async def until(self, wanted: str, times: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.text.count(wanted) < times:
                self.taken.clear()
                await self.taken.wait()


def with_reader(
    story: Callable[[Reader, Bus, Live], Awaitable[None]],
    topics: str = "execution:a,executions",
) -> None:
    """Run a story beside an open stream, which must then end within moments."""

    async def play() -> None:
        bus = Bus()
        live = Live(bus, debounce=0.01)
        reader = Reader(live, topics)
        streaming = asyncio.create_task(reader.response(reader.scope, reader.receive, reader.send))
        await reader.until("connected")
        await story(reader, bus, live)
        reader.gone.set()
        async with asyncio.timeout(5):
            with suppress(asyncio.CancelledError):
                await streaming
        assert live.streams == 0

    asyncio.run(play())


def test_a_signal_from_any_thread_arrives_as_a_name_without_content() -> None:
    async def story(reader: Reader, bus: Bus, live: Live) -> None:
        assert live.streams == 1
        threading.Thread(target=bus.publish, args=("execution:a",)).start()
        await reader.until("event: execution\ndata: -\n\n")
        assert reader.headers[b"content-type"].startswith(b"text/event-stream")
        assert reader.headers[b"x-accel-buffering"] == b"no"
        assert reader.headers[b"cache-control"] == b"no-store"

    with_reader(story)


def test_signals_of_other_topics_stay_away() -> None:
    async def story(reader: Reader, bus: Bus, live: Live) -> None:
        bus.publish("execution:b", "flows", "executions")
        await reader.until("event: executions")
        assert "event: execution\n" not in reader.text
        assert "event: flows" not in reader.text

    with_reader(story)


def test_a_burst_is_a_few_events_and_its_last_signal_is_never_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_module, "PACE", {"execution": 0.1})

    async def story(reader: Reader, bus: Bus, live: Live) -> None:
        for _ in range(500):
            bus.publish("execution:a")
        await reader.until("event: execution\n")
        for _ in range(500):
            bus.publish("execution:a")
        await reader.until("event: execution\n", times=2)
        assert reader.text.count("event: execution\n") == 2

    with_reader(story)


def test_a_quiet_stream_is_kept_open_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "KEEP_ALIVE", 0.05)

    async def story(reader: Reader, bus: Bus, live: Live) -> None:
        await reader.until(": keep-alive", times=2)

    with_reader(story)


def test_a_reader_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "SEND_LIMIT", 0.05)

    async def play() -> None:
        bus = Bus()
        live = Live(bus, debounce=0.01)
        reader = Reader(live, "executions")
        streaming = asyncio.create_task(reader.response(reader.scope, reader.receive, reader.send))
        await reader.until("connected")
        reader.blocked = True
        bus.publish("executions")
        async with asyncio.timeout(5):
            await streaming
        assert live.streams == 0

    asyncio.run(play())


def test_closing_ends_every_stream_with_a_word() -> None:
    async def story(reader: Reader, bus: Bus, live: Live) -> None:
        live.close()
        await reader.until("event: close")
        assert Reader(live, "flows").response.status_code == 503

    with_reader(story)


@pytest.mark.parametrize(
    "topics", ["", ",", ",".join(f"execution:{i}" for i in range(MAX_TOPICS + 1))]
)
def test_topics_are_few_and_named(topics: str) -> None:
    assert Reader(Live(Bus()), topics).response.status_code == 422


def test_more_readers_than_there_is_room_for_are_told_to_poll() -> None:
    async def story(reader: Reader, bus: Bus, live: Live) -> None:
        others = [Reader(live, "flows").response for _ in range(MAX_STREAMS - 1)]
        for other in others:
            live.joined(other)  # type: ignore[arg-type]
        assert Reader(live, "flows").response.status_code == 503
        for other in others:
            live.left(other)  # type: ignore[arg-type]

    with_reader(story)
