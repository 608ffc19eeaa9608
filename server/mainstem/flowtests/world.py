"""A whole executor in memory for one case: real rows, real workers, one thread, its own clock.

The clock follows the machine's until nothing is left to do but wait; then it jumps to the next
timer, so that pauses, retries and loops of hours take no time.
"""

import random
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from zoneinfo import ZoneInfo

from mainstem.bus.inprocess import Bus
from mainstem.engine.environment import Constants, Environment
from mainstem.errors import NotFound
from mainstem.executor.alarms import Alarms
from mainstem.executor.items import Created, Item, Wake
from mainstem.executor.loop import Executor
from mainstem.executor.parts import StepServices
from mainstem.executor.steps import Stepper
from mainstem.expr import RenderOptions
from mainstem.flowspec.inputs import coerce_output
from mainstem.ids import seeded_ids
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.runtime.jq_processes import JqProcesses
from mainstem.sdk.context import PluginSettings
from mainstem.sdk.flow import Flow
from mainstem.sdk.inputs import FlowOutput
from mainstem.sdk.registry import Registry
from mainstem.secrets.base import SecretChain
from mainstem.secrets.mask import Masker
from mainstem.services.executions import ExecutionService
from mainstem.services.files import FileService
from mainstem.services.flows import FlowService
from mainstem.services.host import ExecutionHost, HostServices
from mainstem.services.http_call import http_call
from mainstem.services.inputs import InputService, plain
from mainstem.services.kv import KvService
from mainstem.services.others import OtherExecutions, OtherParts
from mainstem.services.reach import Reach
from mainstem.services.search import SearchService
from mainstem.services.task_cache import TaskCacheService
from mainstem.services.triggers import TriggerService
from mainstem.storage.local import LocalStorage
from mainstem.store.database import open_database
from mainstem.store.flows import FlowRevision
from mainstem.worker.deadline import Deadlines
from mainstem.worker.job import Job, Progress, Report
from mainstem.worker.pool import WorkerPool
from mainstem.worker.services import WorkerServices
from mainstem.worker.workspace import WorkspaceJob

_KEY: Final = bytes(range(32))
_MOST_BATCHES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every case of a run shares."""

    registry: Registry
    plugins: PluginSettings
    flows: Mapping[FlowId, Flow]
    files: Sequence[tuple[str, str, bytes]] = ()
    timezone: str = "UTC"
    globals: Mapping[str, object] = field(default_factory=dict)


class JumpingClock:
    """The machine's clock, ahead by what was jumped over."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def jump_to(self, at: datetime) -> None:
        left = at - self.now()
        if left > timedelta(0):
            self._ahead += left


class GivenFlows(FlowService):
    """The flows of the commit under test, one revision each, never written anywhere."""

    def put(self, flows: Mapping[FlowId, Flow]) -> None:
        self._given = {key: flow.model_copy(update={"revision": 1}) for key, flow in flows.items()}

    def load(self, flow_id: FlowId, number: int | None = None) -> Flow:
        found = self._given.get(flow_id)
        if found is None:
            raise NotFound(f"there is no flow {flow_id} among those under test")
        return found

    def revision(self, flow_id: FlowId, number: int | None = None) -> FlowRevision:
        self.load(flow_id)
        return FlowRevision(flow_id, 1, "", datetime.fromtimestamp(0, UTC))


class GivenSecrets:
    """The secrets that the fixtures name, and no others."""

    name = "the fixtures of the test"

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {key.upper(): value for key, value in values.items()}

    def find(self, namespace: str, key: str) -> str | None:
        return self._values.get(key.upper())

    def names(self, namespace: str) -> list[str]:
        return sorted(self._values)


class InlineWorkers(WorkerPool):
    """Keeps submitted attempts until `work` makes the next one in the caller's thread."""

    def __init__(self, services: WorkerServices, tell: Callable[[Report | Progress], None]) -> None:
        super().__init__(services, tell, 1)
        self._given: deque[tuple[str, Callable[[], None]]] = deque()

    def submit(self, job: Job) -> None:
        with self._lock:
            self._waiting[job.task_run.id] = job
        self._given.append((job.task_run.id, lambda: self._work(job)))

    def submit_workspace(self, work: WorkspaceJob) -> None:
        job = work.job
        with self._lock:
            self._waiting[job.task_run.id] = job
        self._given.append((job.task_run.id, lambda: self._work_in_folder(work, job)))

    def work(self) -> bool:
        """Make one attempt; False when none waits."""
        if not self._given:
            return False
        _, make = self._given.popleft()
        make()
        return True

    def kill_all(self) -> None:
        """Kill what runs; what waits is dropped."""
        self._given.clear()
        with self._lock:
            running = list(self._running.values())
        for context in running:
            context.kill()


class World(AbstractContextManager["World"]):
    """Everything around the engine, for the executions of one case."""

    def __init__(self, around: Surroundings, secrets: Mapping[str, str], seed: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mainstem-test-")
        root = Path(self._folder.name)
        self.clock = JumpingClock()
        self.ids = seeded_ids(seed)
        self._chance = random.Random(seed).random  # noqa: S311 - reproducible on purpose
        self.queue: deque[Item] = deque()
        self.database = open_database("sqlite://")
        self.storage = LocalStorage(root / "storage")
        self.jq = JqProcesses()
        self.options = RenderOptions(timezone=ZoneInfo(around.timezone), jq=self.jq)
        self.constants = Constants(globals=around.globals)
        bus = Bus()
        self.kv = KvService(self.database, self.clock, bus)
        self.files = FileService(self.database, self.storage, self.clock, bus)
        self.host = HostServices(
            self.database,
            self.storage,
            self.kv,
            SecretChain([GivenSecrets(secrets)]),
            self.files,
            self.clock,
            lambda: _KEY,
            "http://localhost",
            http_call,
            # What other namespaces allow is not known here.
            Reach("open"),
        )
        self.flows = GivenFlows(self.database, around.registry, self.clock, bus)
        self.flows.put(around.flows)
        self.inputs = InputService(self.storage, self.host, self.options, self.clock, lambda: _KEY)
        self.executions = ExecutionService(
            self.database,
            self.flows,
            self.inputs,
            self.files,
            self.storage,
            self.clock,
            self.ids,
            bus,
        )
        self._make_loop(around, bus, root)
        for namespace, path, content in around.files:
            self.files.write(namespace, path, content)

    def _make_loop(self, around: Surroundings, bus: Bus, root: Path) -> None:
        search = SearchService(self.database)
        triggers = TriggerService(
            self.database, self.flows, self.executions, self.host, self.options, self.clock, bus
        )
        others = OtherParts(
            self.database, self.executions, search, triggers, self.storage, self.host.reach
        )
        services = WorkerServices(
            storage=self.storage,
            kv=self.kv,
            files=self.files,
            host=self.host,
            registry=around.registry,
            executions=partial(OtherExecutions, others),
            plugin_settings=replace(around.plugins, cache=root / "cache"),
            options=self.options,
            clock=self.clock,
            work_root=root / "work",
            environment=self.environment,
            task_cache=TaskCacheService(self.database, self.storage, self.clock, lambda: _KEY),
        )
        self.workers = InlineWorkers(services, self.queue.append)
        self.alarms = Alarms()
        self.stepper = Stepper(
            StepServices(
                database=self.database,
                flows=self.flows,
                executions=self.executions,
                storage=self.storage,
                workers=self.workers,
                constants=lambda _namespace: self.constants,
                environment=self.environment,
                now=self.clock.now,
                skip=lambda _execution: False,
                mask=str,
                reach=self.host.reach,
            )
        )
        self.executor = Executor(self.database, self.stepper, self.alarms, self.clock, bus)
        self.executions.connect(
            lambda made: self.queue.extend(Created(item) for item in made),
            lambda: self.queue.append(Wake()),
            lambda _number, _seconds: False,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.workers.close(kill=True)
        self.database.close()
        self.jq.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    # what the engine and expressions take from outside

    def environment(self, now: datetime) -> Environment:
        return Environment(
            now=now,
            ids=self.ids,
            chance=self._chance,
            host_of=self.host_of,
            options=self.options,
            coerce_outputs=self._coerce_outputs,
            created_at=lambda found: self.executions.get(found).history.started_at,
        )

    def host_of(self, execution: Execution, _run: TaskRun | None = None) -> ExecutionHost:
        return ExecutionHost(self.host, execution, Masker())

    def _coerce_outputs(
        self, declared: Sequence[FlowOutput], values: Mapping[str, object]
    ) -> Mapping[str, object]:
        types = {output.id: output.type for output in declared}
        return {
            key: plain(coerce_output(types[key], value, encrypt=self.inputs.encrypt))
            for key, value in values.items()
        }

    # running

    def work_off(self, seconds: float) -> bool:
        """Work until nothing is left that could happen by itself; False when time ran out."""
        ends = time.monotonic() + seconds
        deadlines = Deadlines()
        try:
            with deadlines.watch(timedelta(seconds=seconds), self.workers.kill_all):
                return self._work_off(ends)
        finally:
            deadlines.close()

    def _work_off(self, ends: float) -> bool:
        for _ in range(_MOST_BATCHES):
            if time.monotonic() >= ends:
                return False
            if self.queue:
                items = list(self.queue)
                self.queue.clear()
                self.executor.handle(items)
            elif not self.workers.work() and not self._wait():
                return True
        return False

    def _wait(self) -> bool:
        """Jump to the next timer; False when there is none."""
        at = self.alarms.next_at()
        if at is None:
            return False
        self.clock.jump_to(at)
        self.queue.append(Wake())
        return True
