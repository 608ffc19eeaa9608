"""The bus within one process."""

import logging
import threading
from collections.abc import Callable, Iterable

_log = logging.getLogger("mainstem.bus")

Callback = Callable[[str], None]
EXECUTIONS = "executions"
FLOWS = "flows"
TRIGGERS = "triggers"
# What is due next may have changed; pages do not ask for this one.
DUE = "due"
KV = "kv"
FILES = "files"
NAMESPACES = "namespaces"
INBOX = "inbox"
JOBS = "jobs"
CANCELS = "cancels"
OPERATIONS = "operations"
SECRETS = "secrets"


def execution_topic(execution_id: str) -> str:
    return f"execution:{execution_id}"


def operation_topic(operation_id: str) -> str:
    return f"operation:{operation_id}"


def sync_topic(source: str) -> str:
    return f"sync:{source}"


class Bus:
    """Calls subscribers in the publisher's thread; a callback must return at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[str, tuple[Callback, ...]] = {}

    def start(self) -> None:
        """Begin to exchange signals with other processes, if there can be any."""

    def stop(self) -> None:
        """End that exchange."""

    def subscribe(self, topics: Iterable[str], callback: Callback) -> Callable[[], None]:
        """Register; the returned function ends the subscription."""
        wanted = tuple(topics)
        with self._lock:
            for topic in wanted:
                self._subscribers[topic] = (*self._subscribers.get(topic, ()), callback)

        def unsubscribe() -> None:
            with self._lock:
                for topic in wanted:
                    left = tuple(c for c in self._subscribers.get(topic, ()) if c is not callback)
                    if left:
                        self._subscribers[topic] = left
                    else:
                        self._subscribers.pop(topic, None)

        return unsubscribe

    def publish(self, *topics: str) -> None:
        """Tell every subscriber of these topics, those of other processes too."""
        self.nudge(*topics)

    def nudge(self, *topics: str) -> None:
        """Tell those of this process only."""
        for topic in topics:
            for callback in self._subscribers.get(topic, ()):
                try:
                    callback(topic)
                except Exception:
                    _log.exception("a subscriber failed", extra={"topic": topic})
