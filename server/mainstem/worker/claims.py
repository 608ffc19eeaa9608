"""What a worker of a shared database has claimed, by attempt."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from mainstem.model.flow_id import FlowId
from mainstem.store.jobs import Held

Key = tuple[str, int]
"""A task run, and which attempt of it."""


class Phase(Enum):
    """How far an attempt has come here."""

    # Its row may not be committed yet.
    KEPT = auto()
    MADE = auto()
    # Its result is stored, and waits for the executor.
    TOLD = auto()


@dataclass(slots=True)
class Claim:
    token: str
    flow: FlowId
    phase: Phase


class Claims:
    """Shared by the worker's threads and the executor of the same process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[Key, Claim] = {}

    def add(self, key: Key, claim: Claim) -> None:
        with self._lock:
            self._claims[key] = claim

    def enter(self, key: Key, phase: Phase) -> None:
        with self._lock:
            if key in self._claims:
                self._claims[key].phase = phase

    def drop(self, keys: Iterable[Key]) -> None:
        with self._lock:
            for key in keys:
                self._claims.pop(key, None)

    def find(self, task_run_id: str, attempt: int | None) -> tuple[Key, Claim] | None:
        """The claim of an attempt; None for the latest of the task run."""
        with self._lock:
            if attempt is not None:
                claim = self._claims.get((task_run_id, attempt))
                return None if claim is None else ((task_run_id, attempt), claim)
            keys = [key for key in self._claims if key[0] == task_run_id]
            return (max(keys), self._claims[max(keys)]) if keys else None

    def open(self) -> dict[Key, Claim]:
        """Those without a stored result."""
        with self._lock:
            return {k: c for k, c in self._claims.items() if c.phase is not Phase.TOLD}

    def compare(
        self, read: Callable[[], Mapping[str, Held]]
    ) -> tuple[list[Key], list[tuple[str, Held]]]:
        """Attempts that must end, as they are cancelled or taken away, and rows nobody makes.

        A row counts only once its claim was known before the rows were read, and a claim only
        while it is known after that: what happens in between is seen the next time.
        """
        before = {key for key, claim in self.open().items() if claim.phase is Phase.MADE}
        held = read()
        with self._lock:
            rows = {(run, row.attempt): row for run, row in held.items()}
            told = [key for key, c in self._claims.items() if c.phase is Phase.TOLD]
            for key in told:
                if key not in rows:
                    del self._claims[key]
            ended = [key for key in before if key not in rows or rows[key].cancelled]
            orphans = [
                (run, row)
                for run, row in held.items()
                if (claim := self._claims.get((run, row.attempt))) is None
                or claim.token != row.token
            ]
        return ended, orphans
