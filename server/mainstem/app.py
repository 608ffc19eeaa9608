"""The composition root: settings become one App; adapters meet the core nowhere else."""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from mainstem.bus.inprocess import Bus
from mainstem.clock import Clock, SystemClock
from mainstem.engine.environment import Constants, Environment
from mainstem.executor.alarms import Alarms
from mainstem.executor.loop import Executor
from mainstem.executor.steps import Stepper, StepServices
from mainstem.expr import RenderOptions
from mainstem.flowspec.inputs import coerce_output
from mainstem.gitsync.agent import SyncAgent
from mainstem.ids import IdSource, random_id
from mainstem.model.execution import Execution, TaskRun
from mainstem.runtime.component import Component, Ticker
from mainstem.scheduler.loop import Scheduler
from mainstem.sdk.flow import PluginDefault
from mainstem.sdk.inputs import FlowOutput
from mainstem.sdk.registry import Registry
from mainstem.secrets.base import SecretChain
from mainstem.secrets.database import DatabaseSecrets
from mainstem.secrets.environment import EnvironmentSecrets
from mainstem.secrets.mask import Masker
from mainstem.secrets.seal import Sealer, load_or_create_key
from mainstem.services import seed
from mainstem.services.audit import AuditService
from mainstem.services.executions import ExecutionService
from mainstem.services.files import FileService
from mainstem.services.flows import FlowService
from mainstem.services.host import ExecutionHost, HostServices, secret_inputs
from mainstem.services.http_call import http_call
from mainstem.services.inputs import InputService, plain
from mainstem.services.kv import KvService
from mainstem.services.namespaces import NamespaceService
from mainstem.services.others import OtherExecutions
from mainstem.services.plugin_settings import plugin_settings
from mainstem.services.previews import PreviewService
from mainstem.services.search import SearchService
from mainstem.services.triggers import TriggerService
from mainstem.settings import Settings, process_environment
from mainstem.storage.local import LocalStorage
from mainstem.store.database import open_database
from mainstem.worker.log_writer import LogWriter
from mainstem.worker.polling import PollRoom
from mainstem.worker.pool import WorkerPool
from mainstem.worker.services import WorkerServices

_log = logging.getLogger("mainstem.app")


class App:
    """One server process: stores, services and loops, made in order and ended in reverse."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        ids: IdSource = random_id,
        registry: Registry | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.seeds = seed.read_seeds(settings.seed.kv)
        self.clock = clock or SystemClock()
        self.ids = ids
        self.registry = registry or Registry.installed()
        self.environment = dict(process_environment() if environment is None else environment)
        self.bus = Bus()
        # Of what the engine renders; attempts have maskers of their own.
        self.masker = Masker()
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self.database = open_database(settings.database_url)
        self.storage = LocalStorage(settings.state_dir / "storage")
        self._make_stores()
        self._make_services()
        self._make_loops()
        self.tickers: list[Ticker] = []

    # construction

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(load_or_create_key(self.settings.state_dir / "master.key"))

    @property
    def local_url(self) -> str:
        """Where this process listens."""
        server = self.settings.server
        host = f"[{server.host}]" if ":" in server.host else server.host
        return f"http://{host}:{server.port}"

    @property
    def base_url(self) -> str:
        """The address that users use."""
        return (self.settings.server.base_url or self.local_url).rstrip("/")

    def _make_stores(self) -> None:
        database, clock, bus = self.database, self.clock, self.bus
        self.audit = AuditService(database, clock)
        self.kv = KvService(database, clock, bus)
        self.files = FileService(database, self.storage, clock, bus)
        self.own_secrets = DatabaseSecrets(database, lambda: self.sealer, clock)
        self.secrets = SecretChain([self.own_secrets, EnvironmentSecrets(self.environment)])
        self.options = RenderOptions(
            recursive=self.settings.variables.recursive_rendering,
            timezone=ZoneInfo(self.settings.timezone),
        )
        self.host_services = HostServices(
            database,
            self.storage,
            self.kv,
            self.secrets,
            self.files,
            clock,
            lambda: self.sealer.key,
            self.base_url,
            http_call,
        )
        self.namespaces = NamespaceService(database, self.registry, clock, bus)

    def _make_services(self) -> None:
        database, clock, bus = self.database, self.clock, self.bus
        self.flows = FlowService(
            database,
            self.registry,
            clock,
            bus,
            _defaults(self.settings),
            self.namespaces.defaults,
        )
        self.namespaces.guard(self.flows.broken_by)
        self.inputs = InputService(
            self.storage, self.host_services, self.options, clock, lambda: self.sealer.key
        )
        self.executions = ExecutionService(
            database, self.flows, self.inputs, self.files, self.storage, clock, self.ids, bus
        )
        self.search = SearchService(database)
        self.triggers = TriggerService(
            database,
            self.flows,
            self.executions,
            self.host_services,
            self.options,
            clock,
            bus,
            constants=self._constants_of,
            ids=self.ids,
        )
        self.flows.watch(self.triggers.flows_changed)
        self.previews = PreviewService(self.storage)
        self.syncs = SyncAgent(
            self.settings.git,
            database,
            self.flows,
            self.files,
            clock,
            bus,
            folder=self.settings.state_dir.resolve() / "git",
            environment=self.environment,
        )

    def _make_loops(self) -> None:
        settings = self.settings
        services = WorkerServices(
            storage=self.storage,
            kv=self.kv,
            files=self.files,
            host=self.host_services,
            registry=self.registry,
            executions=OtherExecutions(
                self.database, self.executions, self.search, self.triggers, self.storage
            ),
            plugin_settings=plugin_settings(settings, self.environment),
            options=self.options,
            clock=self.clock,
            work_root=settings.state_dir.resolve() / "work",
            environment=self._engine_environment,
        )
        self.workers = WorkerPool(services, self._tell, settings.worker.threads)
        self.scheduler = Scheduler(self.triggers, partial(PollRoom, services))
        self.stepper = Stepper(
            StepServices(
                database=self.database,
                flows=self.flows,
                executions=self.executions,
                storage=self.storage,
                workers=self.workers,
                constants=self._constants_of,
                environment=self._engine_environment,
                now=self.clock.now,
                skip=self._is_skipped,
                mask=self.masker.mask,
            )
        )
        self.executor = Executor(self.database, self.stepper, Alarms(), self.clock, self.bus)
        self.executor.react(self.triggers.react)
        self.executions.connect(
            self.executor.created, self.executor.wake, self.executor.await_settled
        )

    def _tell(self, item: object) -> None:
        self.executor.tell(item)  # type: ignore[arg-type]

    def _engine_environment(self, now: datetime) -> Environment:
        return Environment(
            now=now,
            ids=self.ids,
            chance=random.random,
            host_of=self._host_of,
            options=self.options,
            coerce_outputs=self._coerce_outputs,
            created_at=lambda execution_id: self.executions.get(execution_id).history.started_at,
        )

    def _host_of(self, execution: Execution, _run: TaskRun | None) -> ExecutionHost:
        for value in secret_inputs(self.host_services, execution):
            self.masker.add(value)
        return ExecutionHost(self.host_services, execution, self.masker)

    def _coerce_outputs(
        self, declared: Sequence[FlowOutput], values: Mapping[str, object]
    ) -> Mapping[str, object]:
        types = {output.id: output.type for output in declared}
        return {
            key: plain(coerce_output(types[key], value, encrypt=self.inputs.encrypt))
            for key, value in values.items()
        }

    @cached_property
    def _constants(self) -> Constants:
        return _constants(self.settings, self.environment)

    def _constants_of(self, namespace: str) -> Constants:
        """Root variables of a namespace's flows; `namespace` is there when it has variables."""
        variables = self.namespaces.variables(namespace)
        return (
            replace(self._constants, extra={"namespace": variables})
            if variables
            else (self._constants)
        )

    def _is_skipped(self, execution: Execution) -> bool:
        skip = self.settings.executions
        return (
            execution.id in skip.skip
            or str(execution.flow) in skip.skip_flows
            or execution.flow.namespace in skip.skip_namespaces
        )

    # life

    def start(self) -> None:
        """Recover, then run every loop."""
        seed.plant(self.database, self.clock, self.bus, self.seeds)
        self.executor.start()
        for component in self._components():
            ticker = Ticker(component, self.clock, self.bus)
            ticker.start()
            self.tickers.append(ticker)
        _log.info("started", extra={"database": self.database.engine.dialect.name})

    def _components(self) -> list[Component]:
        found: list[Component] = [LogWriter(self.database, self.workers, self.bus)]
        if self.settings.git.sources:
            found.append(self.syncs)
        if self.settings.scheduler:
            found.append(self.scheduler)
        return found

    def stop(self, *, kill: bool = True) -> None:
        """End the loops; running attempts are killed and made again at the next start."""
        for ticker in reversed(self.tickers):
            ticker.stop()
        self.tickers.clear()
        self.scheduler.close()
        self.workers.close(kill=kill)
        self.executor.stop()
        self.database.close()


def _defaults(settings: Settings) -> list[PluginDefault]:
    return [
        PluginDefault(type=d.type, forced=d.forced, values=d.values)
        for d in settings.plugin_defaults
    ]


def _constants(settings: Settings, environment: Mapping[str, str]) -> Constants:
    prefix = settings.variables.env_prefix
    envs = {
        key.removeprefix(prefix).lower(): value
        for key, value in environment.items()
        if key.startswith(prefix)
    }
    return Constants(globals=settings.variables.globals, envs=envs)
