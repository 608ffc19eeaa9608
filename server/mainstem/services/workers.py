"""Workers of the whole installation: how they are, what waits for them, and which take nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mainstem.errors import Conflict, NotFound
from mainstem.model.principal import Permission
from mainstem.services import access
from mainstem.store import inbox, jobs
from mainstem.store.database import Database
from mainstem.store.jobs import StoredWorker, Waiting

__all__ = ["Queue", "StoredWorker", "Waiting", "WorkerService"]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits: events for the executor, and attempts for workers of each group."""

    events: int
    oldest_event: datetime | None
    attempts: Sequence[Waiting]


class WorkerService:
    """`alone` tells of the one worker of a server that shares its database with no other.

    A worker is given up after `lost_seconds` of silence.
    """

    def __init__(
        self,
        database: Database,
        lost_seconds: float,
        alone: Callable[[], StoredWorker] | None = None,
    ) -> None:
        self._database = database
        self.lost_seconds = lost_seconds
        self._alone = alone

    @property
    def can_drain(self) -> bool:
        """Whether there may be others to take what one leaves."""
        return self._alone is None

    def workers(self) -> list[StoredWorker]:
        """By start."""
        if self._alone is not None:
            return [self._alone()]
        with self._database.read() as tx:
            return jobs.all_workers(tx)

    def queue(self) -> Queue:
        with self._database.read() as tx:
            events, oldest = inbox.depth(tx)
            return Queue(events, oldest, jobs.waiting(tx))

    def drain(self, worker_id: str, *, draining: bool) -> None:
        """Let a worker finish what it has and take nothing more, or take jobs again.

        Raises NotFound, and Conflict when there is no other server that could take its place.
        """
        access.require(Permission.SYSTEM_WRITE, "")
        if not self.can_drain:
            raise Conflict("this server works alone: stop it to drain it, or run it on PostgreSQL")
        with self._database.write() as tx:
            if not jobs.set_draining(tx, worker_id, draining=draining):
                raise NotFound(f"there is no worker {worker_id}: it may have ended meanwhile")
