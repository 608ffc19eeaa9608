"""How services reach the executor: the one in this process, or, through rows, that of another."""

import threading
import time
from collections.abc import Sequence
from typing import Final

from mainstem.bus.inprocess import EXECUTIONS, INBOX, Bus
from mainstem.executor.loop import Executor
from mainstem.model.execution import Execution
from mainstem.store import inbox
from mainstem.store.database import Database

_LOOK_SECONDS: Final = 0.25


class ExecutorLink:
    """Used where several processes share a database; a lost signal costs a delay, not an event."""

    def __init__(self, executor: Executor, database: Database, bus: Bus) -> None:
        self._executor = executor
        self._database = database
        self._bus = bus
        bus.subscribe([INBOX], lambda _topic: self._woken())

    def _woken(self) -> None:
        if self._executor.is_active:
            self._executor.wake()

    @property
    def is_elsewhere(self) -> bool:
        """Whether new executions need a note in the inbox to be found."""
        return not self._executor.is_active

    def created(self, executions: Sequence[Execution]) -> None:
        if self._executor.is_active:
            self._executor.created(executions)
        else:
            self._bus.publish(INBOX)

    def wake(self) -> None:
        self._bus.publish(INBOX)

    def await_settled(self, asked: int, seconds: float) -> bool:
        """As the executor's own: False where nobody handled the event in that time."""
        if self._executor.is_active:
            return self._executor.await_settled(asked, seconds)
        changed = threading.Event()
        unsubscribe = self._bus.subscribe([EXECUTIONS], lambda _topic: changed.set())
        deadline = time.monotonic() + seconds
        try:
            while not self._is_handled(asked):
                changed.clear()
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                changed.wait(min(left, _LOOK_SECONDS))
            return True
        finally:
            unsubscribe()

    def _is_handled(self, asked: int) -> bool:
        with self._database.glance() as tx:
            return not inbox.is_waiting(tx, asked)
