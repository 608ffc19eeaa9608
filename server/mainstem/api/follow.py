"""Following: server-sent events driven by signals, each event read afresh from the store."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from fastapi.concurrency import run_in_threadpool

from mainstem.api import wire
from mainstem.api.services import ApiServices
from mainstem.bus.inprocess import execution_topic
from mainstem.errors import NotFound
from mainstem.model.execution import Execution
from mainstem.services.search import LogFilter, StoredLine

_KEEP_ALIVE_SECONDS = 15.0
_LOOK_SECONDS = 2.0
_LINES = 1_000
# Without data, so that readers of lines need not know it.
_LAST = "id: end\nevent: end\ndata:\n\n"


@contextmanager
def signals(services: ApiServices, *topics: str) -> Iterator[asyncio.Event]:
    """An event of this loop that is set whenever one of the topics is published."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def wake(_topic: str) -> None:
        loop.call_soon_threadsafe(changed.set)

    unsubscribe = services.bus.subscribe(topics, wake)
    try:
        yield changed
    finally:
        unsubscribe()


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(changed.wait(), seconds)
    except TimeoutError:
        return
    changed.clear()


async def wait_for_end(
    services: ApiServices, execution_id: str, gone: Callable[[], Awaitable[bool]]
) -> Execution:
    """The execution once it has ended, or as it is when the caller has `gone`."""
    with signals(services, execution_topic(execution_id)) as changed:
        while True:
            execution = await run_in_threadpool(services.executions.get, execution_id)
            if execution.state.is_terminal or await gone():
                return execution
            await _wait(changed, _LOOK_SECONDS)


def _event(name: str, body: object, number: object = "") -> str:
    text = json.dumps(body, default=str, separators=(",", ":"))
    return f"id: {number or name}\nevent: {name}\ndata: {text}\n\n"


async def follow_execution(
    services: ApiServices, execution_id: str, full: Callable[[Execution], wire.Json]
) -> AsyncIterator[str]:
    """`start` with the execution as it is, `progress` as it goes on, `end` when it has ended.

    One that is deleted meanwhile ends the stream.
    """
    name = "start"
    with signals(services, execution_topic(execution_id)) as changed, suppress(NotFound):
        while True:
            execution = await run_in_threadpool(services.executions.get, execution_id)
            body = await run_in_threadpool(full, execution)
            if execution.state.is_terminal:
                yield _event("end", body)
                return
            yield _event(name, body)
            name = "progress"
            await _wait(changed, _KEEP_ALIVE_SECONDS)


async def follow_logs(
    services: ApiServices, execution_id: str, wanted: LogFilter
) -> AsyncIterator[str]:
    """Every line as it is written; ends after the execution has ended and all are told."""
    after = wanted.after
    with signals(services, execution_topic(execution_id)) as changed, suppress(NotFound):
        while True:
            execution = await run_in_threadpool(services.executions.get, execution_id)
            lines = await run_in_threadpool(_more, services, wanted, after)
            for item in lines:
                yield _event("line", wire.log_line(item), item.number)
                after = item.number
            if len(lines) == _LINES:
                continue
            if execution.state.is_terminal:
                yield _LAST
                return
            if not lines:
                yield ": keep-alive\n\n"
            await _wait(changed, _LOOK_SECONDS)


def _more(services: ApiServices, wanted: LogFilter, after: int | None) -> list[StoredLine]:
    return services.search.lines(replace(wanted, after=after), limit=_LINES)
