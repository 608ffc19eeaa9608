"""What every page function reaches through its request: renderer, live streams, services."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, cast

from fastapi import Request

from mainstem.clock import Clock
from mainstem.services.accounts import Accounts
from mainstem.services.credentials import CredentialService
from mainstem.services.dependencies import DependencyService
from mainstem.services.evaluation import EvaluationService
from mainstem.services.executions import ExecutionService
from mainstem.services.files import FileService
from mainstem.services.flows import FlowService
from mainstem.services.inputs import InputService
from mainstem.services.kv import KvService
from mainstem.services.measures import MeasureService
from mainstem.services.metric_figures import MetricFigures
from mainstem.services.namespace_tree import NamespaceTree
from mainstem.services.namespaces import NamespaceService
from mainstem.services.operations import OperationService
from mainstem.services.plugin_catalog import PluginCatalog
from mainstem.services.previews import PreviewService
from mainstem.services.search import SearchService
from mainstem.services.secrets import SecretReads, SecretService
from mainstem.services.triggers import TriggerService
from mainstem.services.workers import WorkerService
from mainstem.ui.assets import Assets
from mainstem.ui.live import Live
from mainstem.ui.render import Renderer

if TYPE_CHECKING:  # the agent's Git library is loaded only where Git is used
    from mainstem.gitsync.agent import SyncAgent


@dataclass(frozen=True, slots=True)
class Part:
    """A loop of this process as the System page shows it; `error` is that of its last round."""

    name: str
    note: str = ""
    seen_at: datetime | None = None
    interval_seconds: float = 60.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that pages call.

    `parts` gives the loops of this process, `load` its worker places as (busy, all), and `facts`
    lines for the System page, none of them secret.
    """

    flows: FlowService
    executions: ExecutionService
    search: SearchService
    inputs: InputService
    files: FileService
    kv: KvService
    namespaces: NamespaceService
    tree: NamespaceTree
    secrets: SecretService
    secret_reads: SecretReads
    credentials: CredentialService
    triggers: TriggerService
    previews: PreviewService
    plugins: PluginCatalog
    dependencies: DependencyService
    figures: MetricFigures
    operations: OperationService
    evaluation: EvaluationService
    workers: WorkerService
    measures: MeasureService
    syncs: "SyncAgent | None" = None
    accounts: Accounts | None = None
    parts: Callable[[], Sequence[Part]] = tuple
    load: Callable[[], tuple[int, int]] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of one mounted dashboard."""

    renderer: Renderer
    assets: Assets
    live: Live
    clock: Clock
    services: Services


def desk(request: Request) -> Desk:
    """The dashboard that answers this request."""
    return cast("Desk", request.app.state.desk)
