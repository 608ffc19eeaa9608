"""The composition root: settings become one App; adapters meet the core nowhere else."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from mainstem.bus.inprocess import Bus
from mainstem.bus.postgres import PostgresBus
from mainstem.clock import Clock, SystemClock
from mainstem.engine.environment import Constants, Environment
from mainstem.executor.alarms import Alarms
from mainstem.executor.cluster import Cluster, ClusterParts
from mainstem.executor.loop import Executor
from mainstem.executor.parts import StepServices
from mainstem.executor.queue import JobQueue
from mainstem.executor.steps import Stepper
from mainstem.expr import RenderOptions
from mainstem.flowspec.inputs import coerce_output
from mainstem.gitsync.agent import SyncAgent
from mainstem.gitsync.git import Git
from mainstem.gitsync.github_app import Tokens
from mainstem.gitsync.sources import SourceService
from mainstem.gitsync.sync import Workshop
from mainstem.gitsync.testing import TestGate
from mainstem.ids import IdSource, random_id
from mainstem.model.execution import Execution, TaskRun
from mainstem.runtime.component import Component, Ticker
from mainstem.runtime.jq_processes import JqProcesses
from mainstem.runtime.lock import instance_of
from mainstem.scheduler.loop import Scheduler
from mainstem.scheduler.operations import Operations
from mainstem.sdk.flow import PluginDefault
from mainstem.sdk.inputs import FlowOutput
from mainstem.sdk.registry import Registry
from mainstem.secrets.build import key_source, secret_chain
from mainstem.secrets.fingerprint import agree
from mainstem.secrets.mask import Masker
from mainstem.secrets.seal import Sealer
from mainstem.services import seed
from mainstem.services.accounts import AccountParts, make_accounts
from mainstem.services.credentials import CredentialService
from mainstem.services.dependencies import DependencyService
from mainstem.services.evaluation import EvaluationService
from mainstem.services.executions import ExecutionService
from mainstem.services.files import FileService
from mainstem.services.flow_catalog import FlowCatalog
from mainstem.services.flows import FlowService
from mainstem.services.host import ExecutionHost, HostServices, secret_inputs
from mainstem.services.http_call import http_call
from mainstem.services.inputs import InputService, plain
from mainstem.services.kv import KvService
from mainstem.services.measures import LiveMeasures, MeasureService
from mainstem.services.metric_figures import MetricFigures
from mainstem.services.namespace_tree import NamespaceTree
from mainstem.services.namespaces import NamespaceService
from mainstem.services.operations import OperationService
from mainstem.services.others import OtherExecutions, OtherParts
from mainstem.services.plugin_catalog import PluginCatalog
from mainstem.services.plugin_settings import plugin_settings
from mainstem.services.previews import PreviewService
from mainstem.services.reach import Reach
from mainstem.services.retention import RetentionService
from mainstem.services.search import SearchService
from mainstem.services.secrets import SecretReads, SecretService
from mainstem.services.task_cache import TaskCacheService
from mainstem.services.templates import TemplateService
from mainstem.services.triggers import TriggerService
from mainstem.settings import Role, Settings, process_environment
from mainstem.storage.base import Storage
from mainstem.storage.open import open_storage
from mainstem.store.database import driver_url, open_database
from mainstem.worker.job import Progress, Report
from mainstem.worker.log_writer import LogWriter
from mainstem.worker.polling import PollRoom
from mainstem.worker.pool import WorkerPool
from mainstem.worker.remote import RemoteServices
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
        self.bus = _bus(settings)
        # Of what the engine renders; attempts have maskers of their own.
        self.masker = Masker()
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self.database = open_database(settings.database_url, settings.database.pool_size)
        self.storage: Storage = open_storage(settings)
        self._make_stores()
        self._make_services()
        self._make_loops()
        self.cluster = self._make_cluster(self.queue) if self.queue is not None else None
        self.tickers: list[Ticker] = []
        self.is_draining = False

    # construction

    @property
    def sealer(self) -> Sealer:
        """By the active key, which may change while the server runs."""
        return self.keys.sealer()

    @property
    def local_url(self) -> str:
        """Where this process listens."""
        server = self.settings.server
        # A server on every address is reached from here by the usual one.
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104
        host = f"[{name}]" if ":" in name else name
        return f"http://{host}:{server.port}"

    @property
    def base_url(self) -> str:
        """The address that users use."""
        return (self.settings.server.base_url or self.local_url).rstrip("/")

    def _make_stores(self) -> None:
        database, clock, bus = self.database, self.clock, self.bus
        self._make_accounts()
        self.kv = KvService(database, clock, bus)
        self.files = FileService(database, self.storage, clock, bus)
        self.keys = key_source(self.settings)
        self.secret_chain = secret_chain(
            self.settings, database, self.keys, self.environment, clock
        )
        self.secrets = SecretService(self.secret_chain, database, bus, self.audit)
        self.secret_reads = SecretReads(database, self.secret_chain, clock)
        self.jq = JqProcesses()
        self.options = RenderOptions(
            recursive=self.settings.variables.recursive_rendering,
            timezone=ZoneInfo(self.settings.timezone),
            jq=self.jq,
        )
        self.namespaces = NamespaceService(database, self.registry, clock, bus)
        self.host_services = HostServices(
            database,
            self.storage,
            self.kv,
            self.secret_chain,
            self.files,
            clock,
            lambda: self.sealer.keys,
            self.base_url,
            http_call,
            Reach(self.settings.isolation, self.namespaces.allowed_in),
            self.secret_reads,
        )

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
        self.catalog = FlowCatalog(database, self.flows)
        self.dependencies = DependencyService(self.flows)
        self.templates = TemplateService(database, self.registry, clock, self.host_services.reach)
        self.flows.use_templates(self.templates.find_tasks)
        self.task_cache = TaskCacheService(database, self.storage, clock, lambda: self.sealer.key)
        self.tree = NamespaceTree(self.namespaces, self.flows, self.files, self.kv, self.secrets)
        self.credentials = CredentialService(self.kv, self.secrets, self.flows)
        self.inputs = InputService(
            self.storage, self.host_services, self.options, clock, lambda: self.sealer.keys
        )
        self.executions = ExecutionService(
            database, self.flows, self.inputs, self.files, self.storage, clock, self.ids, bus
        )
        self.search = SearchService(database)
        self.figures = MetricFigures(database)
        self.measures = MeasureService(database)
        self.plugins = PluginCatalog(self.registry, self.flows)
        self.operations = OperationService(database, self.executions, clock, self.ids, bus)
        self.evaluation = EvaluationService(
            self.executions, self.flows, self.host_services, self.options, self._constants_of
        )
        self.retention = RetentionService(database, self.storage, self.settings.retention, clock)
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
        self.sources = SourceService(self.settings.git, database, lambda: self.sealer, clock, bus)
        for kept in (self.flows, self.kv, self.files, self.namespaces):
            kept.protect(self.sources.check_free)
        self.syncs = SyncAgent(self._workshop(), self.base_url)

    def _workshop(self) -> Workshop:
        return Workshop(
            Git(self.environment),
            Tokens(self.clock),
            self.sources,
            self.flows,
            self.files,
            self.namespaces,
            self.database,
            self.clock,
            self.bus,
            self.settings.state_dir.resolve() / "git",
            TestGate(self.settings, self.flows),
        )

    def _make_accounts(self) -> None:
        parts = AccountParts(self.database, self.clock, self.ids, lambda: self.sealer)
        self.accounts = make_accounts(parts, self.settings.auth, self.base_url)
        self.audit, self.users = self.accounts.audit, self.accounts.users
        self.tokens, self.sign_in = self.accounts.tokens, self.accounts.sign_in

    def _make_loops(self) -> None:
        settings = self.settings
        services = WorkerServices(
            storage=self.storage,
            kv=self.kv,
            files=self.files,
            host=self.host_services,
            registry=self.registry,
            executions=self._others(),
            plugin_settings=plugin_settings(settings, self.environment),
            options=self.options,
            clock=self.clock,
            work_root=settings.state_dir.resolve() / "work",
            environment=self._engine_environment,
            task_cache=self.task_cache,
        )
        self.workers = WorkerPool(services, self._tell, settings.worker.threads)
        self.queue: JobQueue | None = None
        if settings.is_shared:
            self.queue = JobQueue(self.database, self.clock, self.bus)
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
                reach=self.host_services.reach,
                queue=self.queue,
            )
        )
        self.executor = Executor(self.database, self.stepper, Alarms(), self.clock, self.bus)
        self.executor.react(self.triggers.react)
        self.executions.connect(
            self.executor.created,
            self.executor.wake,
            self.executor.await_settled,
            taken_in=self.executor.take_in,
        )

    def _others(self) -> Callable[[str], OtherExecutions]:
        reach = self.host_services.reach
        parts = OtherParts(
            self.database, self.executions, self.search, self.triggers, self.storage, reach
        )
        return partial(OtherExecutions, parts)

    def _make_cluster(self, queue: JobQueue) -> Cluster:
        return Cluster(
            ClusterParts(
                settings=self.settings,
                instance=self.instance,
                database=self.database,
                clock=self.clock,
                bus=self.bus,
                executor=self.executor,
                executions=self.executions,
                queue=queue,
                pool=self.workers,
                remote=RemoteServices(
                    self.database,
                    self.flows,
                    _constants(self.settings, self.environment),
                    self.clock,
                    self.bus,
                ),
            )
        )

    def _tell(self, item: Report | Progress) -> None:
        if self.cluster is not None:
            self.cluster.worker.tell(item)
        else:
            self.executor.tell(item)

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
        """Recover, then run every loop; raises Stalled where this database has another key."""
        agree(self.database, self.keys, self.clock.now(), make=self.settings.is_shared)
        seed.plant(self.database, self.clock, self.bus, self.seeds)
        if self.cluster is None:
            self.executor.start()
        else:
            self.bus.start()
            self.cluster.start()
        for component in self._components():
            ticker = Ticker(component, self.clock, self.bus)
            ticker.start()
            self.tickers.append(ticker)
        _log.info(
            "started",
            extra={
                "database": self.database.engine.dialect.name,
                "roles": ",".join(self.settings.roles),
            },
        )

    def live(self) -> LiveMeasures:
        """What only this process knows of itself, for monitoring."""
        now = self.clock.now()
        ticks = {ticker.component.name: ticker.last_tick for ticker in self.tickers}
        ticks["executor"] = self.executor.last_tick
        running, waiting = self.workers.load
        return LiveMeasures(
            events_waiting=self.executor.backlog,
            executions_open=self.stepper.open_count,
            attempts_running=running,
            attempts_waiting=waiting,
            worker_slots=self.workers.slots,
            loop_ages={k: (now - at).total_seconds() for k, at in ticks.items() if at},
        )

    @cached_property
    def instance(self) -> str:
        """The name of this server among those of one installation."""
        return instance_of(self.settings.state_dir)

    def has_role(self, role: Role) -> bool:
        return role in self.settings.roles

    def _components(self) -> list[Component]:
        found: list[Component] = [
            LogWriter(self.database, self.workers, self.bus),
            self.secret_reads,
        ]
        if self.retention.is_wanted and self.has_role("executor"):
            found.append(self.retention)
        if self.has_role("gitsync"):
            found.append(self.syncs)
        if self.settings.scheduler and self.has_role("scheduler"):
            found.append(self.scheduler)
            found.append(Operations(self.operations))
        return found if self.cluster is None else self.cluster.components(found)

    def drain(self, ending: threading.Event) -> None:
        """Take no new work; wait for running tasks, at most as long as settings say.

        Setting `ending` ends the wait.
        """
        self.is_draining = True
        if self.cluster is not None:
            self.cluster.drain()
        self.workers.drain()
        seconds = self.settings.server.grace_seconds
        deadline = time.monotonic() + seconds
        running = self.workers.load[0]
        if running:
            _log.info("waiting for running tasks", extra={"tasks": running, "seconds": seconds})
        while self.workers.load[0] and time.monotonic() < deadline and not ending.wait(0.05):
            continue

    def stop(self, *, kill: bool = True) -> None:
        """End the loops; running attempts are killed and made again at the next start."""
        self.retention.stop()
        for ticker in reversed(self.tickers):
            ticker.stop()
        self.tickers.clear()
        self.syncs.close()
        self.scheduler.close()
        if self.cluster is not None:
            self.cluster.worker.give_up()
        self.workers.close(kill=kill)
        self.executor.stop()
        self.secret_reads.flush()
        if self.cluster is not None:
            self.cluster.stop()
        self.jq.close()
        self.bus.stop()
        self.database.close()


def _bus(settings: Settings) -> Bus:
    return PostgresBus(driver_url(settings.database_url)) if settings.is_shared else Bus()


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
