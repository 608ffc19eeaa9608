"""The bus between the processes of one PostgreSQL database, over NOTIFY.

Signals are gathered for some milliseconds and sent by a connection of their own: a transaction
that notifies would hold a lock of the whole database at its commit. The driver is loaded where it
is used: most servers have no PostgreSQL.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from mainstem.bus.inprocess import Bus
from mainstem.ids import random_id

if TYPE_CHECKING:
    import psycopg

_log = logging.getLogger("mainstem.bus")

_CHANNEL: Final = "mainstem"
_GATHER_SECONDS: Final = 0.01
_LARGEST: Final = 7_500
_RETRY_SECONDS: Final = 1.0
_LISTEN_SECONDS: Final = 5.0


class PostgresBus(Bus):
    """Subscribers of this process are called at once, those of others some milliseconds later."""

    def __init__(self, conninfo: str) -> None:
        super().__init__()
        self._conninfo = conninfo
        self._origin = random_id()
        self._pending: dict[str, None] = {}
        self._gathering = threading.Condition()
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen and send, in threads of their own; a lost connection is made again."""
        self._ending.clear()
        for name, run in (("bus-send", self._send), ("bus-listen", self._listen)):
            thread = threading.Thread(target=run, name=f"mainstem-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Send what is left, and end."""
        self._ending.set()
        with self._gathering:
            self._gathering.notify()
        for thread in self._threads:
            thread.join(_LISTEN_SECONDS + 1)
        self._threads.clear()

    def publish(self, *topics: str) -> None:
        self.nudge(*topics)
        if not self._threads:
            return
        with self._gathering:
            self._pending.update(dict.fromkeys(topics))
            self._gathering.notify()

    def _send(self) -> None:
        import psycopg

        connection: psycopg.Connection[Any] | None = None
        while not self._ending.is_set() or self._pending:
            topics = self._gathered()
            if not topics:
                continue
            try:
                connection = connection or self._connect()
                for payload in payloads(self._origin, topics):
                    connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, payload))
            except psycopg.Error as error:
                _log.warning("signals could not be sent", extra={"reason": _first_line(error)})
                connection = None
                self._ending.wait(_RETRY_SECONDS)
        if connection is not None:
            connection.close()

    def _gathered(self) -> list[str]:
        with self._gathering:
            if not self._pending and not self._ending.is_set():
                self._gathering.wait(_LISTEN_SECONDS)
        self._ending.wait(_GATHER_SECONDS)
        with self._gathering:
            topics, self._pending = list(self._pending), {}
        return topics

    def _listen(self) -> None:
        import psycopg

        lost = False
        while not self._ending.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(f"LISTEN {_CHANNEL}")
                    if lost:
                        # Anything may have changed meanwhile.
                        self.nudge(*self._subscribers)
                    lost = True
                    self._receive(connection)
            except psycopg.Error as error:
                _log.warning("signals cannot be received", extra={"reason": _first_line(error)})
                self._ending.wait(_RETRY_SECONDS)

    def _receive(self, connection: "psycopg.Connection[Any]") -> None:
        checked = time.monotonic()
        while not self._ending.is_set():
            for note in connection.notifies(timeout=0.5, stop_after=1):
                origin, topics = json.loads(note.payload)
                if origin != self._origin:
                    self.nudge(*topics)
            if time.monotonic() - checked > _LISTEN_SECONDS:
                connection.execute("SELECT 1")
                checked = time.monotonic()

    def _connect(self) -> "psycopg.Connection[Any]":
        import psycopg

        return psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5)


def payloads(origin: str, topics: Sequence[str]) -> Iterator[str]:
    """The topics in as few notes as their size limit allows."""
    part: list[str] = []
    size = 0
    for topic in topics:
        if part and size + len(topic.encode()) + 4 > _LARGEST:
            yield json.dumps([origin, part], ensure_ascii=False)
            part, size = [], 0
        part.append(topic)
        size += len(topic.encode()) + 4
    if part:
        yield json.dumps([origin, part], ensure_ascii=False)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
