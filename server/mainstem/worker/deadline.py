"""Time limits of attempts: one thread watches all of them."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(order=True, slots=True)
class Deadline:
    """When to call `stop`; `passed` tells whether it was called."""

    at: float
    order: int
    stop: Callable[[], None] = field(compare=False)
    passed: bool = field(default=False, compare=False)
    dropped: bool = field(default=False, compare=False)


class Deadlines:
    """Calls `stop` of every deadline that is reached; its thread starts with the first one."""

    def __init__(self) -> None:
        self._heap: list[Deadline] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def watch(self, limit: timedelta, stop: Callable[[], None]) -> Iterator[Deadline]:
        """Call `stop` once if the block lasts longer than `limit`."""
        deadline = Deadline(time.monotonic() + limit.total_seconds(), next(self._order), stop)
        with self._changed:
            heapq.heappush(self._heap, deadline)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="mainstem-deadlines", daemon=True
                )
                self._thread.start()
            self._changed.notify()
        try:
            yield deadline
        finally:
            with self._changed:
                deadline.dropped = True
                deadline.stop = _nothing  # it would keep the whole attempt in memory

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                due = self._next()
                if due is None:
                    continue
            due.stop()

    def _next(self) -> Deadline | None:
        """The deadline that passed, or None after waiting; called with the lock held."""
        while self._heap and self._heap[0].dropped:
            heapq.heappop(self._heap)
        if not self._heap:
            self._changed.wait()
            return None
        left = self._heap[0].at - time.monotonic()
        if left > 0:
            self._changed.wait(left)
            return None
        due = heapq.heappop(self._heap)
        due.passed = True
        return due


def _nothing() -> None:
    return None
