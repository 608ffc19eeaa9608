"""Figures of the whole server at one moment, for monitoring."""

from dataclasses import dataclass
from datetime import datetime

from mainstem.store import measures as rows
from mainstem.store.database import Database
from mainstem.store.measures import StoredMeasures

__all__ = ["LiveMeasures", "MeasureService", "StoredMeasures"]


@dataclass(frozen=True, slots=True)
class LiveMeasures:
    """What only this process knows; ages in seconds."""

    events_waiting: int
    executions_open: int
    attempts_running: int
    attempts_waiting: int
    worker_slots: int
    loop_ages: dict[str, float]


class MeasureService:
    """A few indexed queries; nothing is counted while nobody asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stored(self, now: datetime) -> StoredMeasures:
        with self._database.read() as tx:
            return rows.measure(tx, now)
