"""Writes the log lines of running attempts at short intervals."""

from datetime import datetime

from mainstem.bus.inprocess import Bus, execution_topic
from mainstem.store import logs
from mainstem.store.database import Database
from mainstem.worker.pool import WorkerPool


class LogWriter:
    """A component: lines appear in the dashboard within a quarter of a second."""

    name = "log-writer"
    interval_seconds = 0.25
    wakes_on: tuple[str, ...] = ()

    def __init__(self, database: Database, workers: WorkerPool, bus: Bus) -> None:
        self._database = database
        self._workers = workers
        self._bus = bus

    def tick(self, now: datetime) -> None:
        with self._workers.flushing():
            lines = self._workers.take_lines()
            if not lines:
                return
            with self._database.write() as tx:
                logs.add_lines(tx, lines)
        ids = {line.execution_id for line, _ in lines if line.execution_id}
        self._bus.publish(*(execution_topic(execution_id) for execution_id in ids))
