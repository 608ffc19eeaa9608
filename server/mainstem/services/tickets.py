"""Waiting for the executor to store what it was given."""

import threading

from mainstem.errors import Transient


class TurnedAway(Transient):
    """The executor did not store an execution that it was given: whoever has it does."""


class Ticket:
    """Lets a thread wait for the executor's answer."""

    def __init__(self) -> None:
        # Held until the answer; an Event would be a condition over a lock, for one waiter.
        self._unanswered = threading.Lock()
        self._unanswered.acquire()
        self._error: Exception | None = None

    def done(self, error: Exception | None) -> None:
        self._error = error
        self._unanswered.release()

    def wait(self) -> bool:
        """Whether it was stored; raises what makes that impossible."""
        self._unanswered.acquire()
        if isinstance(self._error, TurnedAway):
            return False
        if self._error is not None:
            raise self._error
        return True
