"""Webhooks that are called at the same time are fired together."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.services.executions import Done
from mainstem.services.tickets import TurnedAway
from mainstem.services.webhooks import Arrival, Call, WebhookService


@dataclass(slots=True)
class _Waiter:
    stored: asyncio.Future[Execution | None]
    execution: Execution | None = None


class Doorway:
    """Gathers the calls of one turn of an event loop; to be used by that loop alone."""

    def __init__(self, webhooks: WebhookService) -> None:
        self._webhooks = webhooks
        self._arrived: list[tuple[Arrival, _Waiter]] = []
        self._through: deque[tuple[_Waiter, Exception | None]] = deque()
        self._is_told = False

    async def enter(self, flow: FlowId, key: str, call: Call) -> Execution | None:
        """The execution, once it is stored; None when firing it takes more than a moment.

        Raises what makes storing it impossible.
        """
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop.create_future())
        if not self._arrived:
            loop.call_soon(self._fire)
        arrival = Arrival(flow, key, call, self._telling(loop, waiter))
        self._arrived.append((arrival, waiter))
        return await waiter.stored

    def _fire(self) -> None:
        arrived, self._arrived = self._arrived, []
        try:
            fired = self._webhooks.fire_quickly([arrival for arrival, _ in arrived])
        except Exception as error:
            for _, waiter in arrived:
                _settle(waiter, error)
            return
        for (_, waiter), execution in zip(arrived, fired, strict=True):
            waiter.execution = execution
            if execution is None:
                _settle(waiter, None)

    def _telling(self, loop: asyncio.AbstractEventLoop, waiter: _Waiter) -> Done:
        """To be called from any thread; wakes the loop once for all that are through."""

        def done(error: Exception | None) -> None:
            self._through.append((waiter, error))
            if not self._is_told:
                self._is_told = True
                with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                    loop.call_soon_threadsafe(self._tell)

        return done

    def _tell(self) -> None:
        # Before looking: who comes later must wake the loop again.
        self._is_told = False
        while self._through:
            _settle(*self._through.popleft())


def _settle(waiter: _Waiter, error: Exception | None) -> None:
    if waiter.stored.done():
        return
    if error is None:
        waiter.stored.set_result(waiter.execution)
    elif isinstance(error, TurnedAway):
        waiter.stored.set_result(None)
    else:
        waiter.stored.set_exception(error)
