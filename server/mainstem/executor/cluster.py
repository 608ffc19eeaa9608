"""One process among several on the same database: leases, the worker, and who wakes whom."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from mainstem.bus.inprocess import INBOX, JOBS, Bus
from mainstem.clock import Clock
from mainstem.executor.link import ExecutorLink
from mainstem.executor.loop import Executor
from mainstem.executor.queue import JobQueue, JobSweep
from mainstem.runtime.component import Component, Ticker
from mainstem.runtime.leases import Leased, Leases
from mainstem.services.executions import ExecutionService
from mainstem.settings import Settings
from mainstem.store.database import Database
from mainstem.worker.pool import WorkerPool
from mainstem.worker.remote import RemoteServices, RemoteWorker

_log = logging.getLogger("mainstem.executor")

# Loops of which one runs at a time, by the name of their lease.
_SINGLE = ("scheduler", "gitsync", "retention")


@dataclass(frozen=True, slots=True)
class ClusterParts:
    """What the cluster drives; made by the composition root."""

    settings: Settings
    instance: str
    database: Database
    clock: Clock
    bus: Bus
    executor: Executor
    executions: ExecutionService
    queue: JobQueue
    pool: WorkerPool
    remote: RemoteServices


class Cluster:
    """Starts and stops what this process does, as leases come and go."""

    def __init__(self, parts: ClusterParts) -> None:
        self._parts = parts
        settings = parts.settings
        self.leases = Leases(parts.database, parts.instance, settings.cluster.lease_seconds)
        self.worker = RemoteWorker(
            parts.remote,
            instance=parts.instance,
            group=settings.worker.group,
            beat_seconds=settings.cluster.lost_seconds / 3,
        )
        self.worker.connect(parts.pool, parts.executor.offer)
        parts.queue.connect(self.worker)
        parts.executor.turn_to(parts.queue.take_back)
        self._sweep = JobSweep(parts.database, parts.bus, settings.cluster.lost_seconds)
        self._link = ExecutorLink(parts.executor, parts.database, parts.bus)
        self._ticker: Ticker | None = None
        link = self._link
        parts.executions.connect(
            link.created,
            link.wake,
            link.await_settled,
            lambda: link.is_elsewhere,
            parts.executor.take_in,
        )
        parts.executor.fence(self.leases.fence("executor"))

    def start(self) -> None:
        """Take what is free at once; the rest comes when others leave it."""
        parts = self._parts
        if "executor" in parts.settings.roles:
            self.leases.want("executor", self._lead, self._follow)
        for name in _SINGLE:
            if (name if name != "retention" else "executor") in parts.settings.roles:
                self.leases.want(name)
        self.leases.tick(parts.clock.now())
        self._ticker = Ticker(self.leases, parts.clock, parts.bus)
        self._ticker.start()

    def components(self, components: Sequence[Component]) -> list[Component]:
        """The loops of this process, those that are single under their lease."""
        found = [
            Leased(each, self.leases, each.name) if each.name in _SINGLE else each
            for each in components
        ]
        roles = self._parts.settings.roles
        if "worker" in roles:
            found.append(self.worker)
        if "executor" in roles:
            found.append(self._sweep)
        return found

    def _lead(self) -> None:
        self._sweep.lead(self._parts.clock.now())
        self._parts.executor.start()

    def _follow(self) -> None:
        self._sweep.lead(None)
        self._parts.executor.stand_down()

    def drain(self) -> None:
        """Take no more jobs; what runs goes on."""
        self.worker.drain()

    def stop(self) -> None:
        """Hand everything over, once the loops have ended."""
        self.worker.close()
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        self.leases.release()
        self._parts.bus.publish(INBOX, JOBS)
