"""What the steps of an executor are given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mainstem.engine.environment import Constants, Environment
from mainstem.executor.queue import JobQueue
from mainstem.model.execution import Execution
from mainstem.services.executions import ExecutionService
from mainstem.services.flows import FlowService
from mainstem.services.reach import Reach
from mainstem.storage.base import Storage
from mainstem.store.database import Database
from mainstem.worker.pool import WorkerPool


@dataclass(frozen=True, slots=True)
class StepServices:
    """What steps read and use; effects wait for the commit, except files and inline tasks."""

    database: Database
    flows: FlowService
    executions: ExecutionService
    storage: Storage
    workers: WorkerPool
    constants: Callable[[str], Constants]
    environment: Callable[[datetime], Environment]
    now: Callable[[], datetime]
    skip: Callable[[Execution], bool]
    mask: Callable[[str], str]
    reach: Reach
    # None where this process makes every attempt itself.
    queue: JobQueue | None = None
