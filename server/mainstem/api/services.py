"""What routes reach: the services of one server."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from mainstem.bus.inprocess import Bus
from mainstem.clock import Clock
from mainstem.gitsync.agent import SyncAgent
from mainstem.services.accounts import Accounts
from mainstem.services.credentials import CredentialService
from mainstem.services.dependencies import DependencyService
from mainstem.services.evaluation import EvaluationService
from mainstem.services.executions import ExecutionService
from mainstem.services.files import FileService
from mainstem.services.flow_catalog import FlowCatalog
from mainstem.services.flows import FlowService
from mainstem.services.inputs import InputService
from mainstem.services.kv import KvService
from mainstem.services.measures import LiveMeasures, MeasureService
from mainstem.services.metric_figures import MetricFigures
from mainstem.services.namespace_tree import NamespaceTree
from mainstem.services.namespaces import NamespaceService
from mainstem.services.operations import OperationService
from mainstem.services.plugin_catalog import PluginCatalog
from mainstem.services.previews import PreviewService
from mainstem.services.search import SearchService
from mainstem.services.secrets import SecretReads, SecretService
from mainstem.services.task_cache import TaskCacheService
from mainstem.services.templates import TemplateService
from mainstem.services.triggers import TriggerService


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Made by the composition root; `health` reports each loop, `readiness` the whole."""

    flows: FlowService
    catalog: FlowCatalog
    dependencies: DependencyService
    executions: ExecutionService
    evaluation: EvaluationService
    operations: OperationService
    inputs: InputService
    search: SearchService
    figures: MetricFigures
    plugins: PluginCatalog
    measures: MeasureService
    triggers: TriggerService
    kv: KvService
    files: FileService
    namespaces: NamespaceService
    tree: NamespaceTree
    secrets: SecretService
    secret_reads: SecretReads
    credentials: CredentialService
    previews: PreviewService
    templates: TemplateService
    task_cache: TaskCacheService
    syncs: SyncAgent
    accounts: Accounts
    bus: Bus
    clock: Clock
    health: Callable[[], Mapping[str, object]]
    readiness: Callable[[], Mapping[str, object]]
    live: Callable[[], LiveMeasures]
    base_url: str
    instance: str

    @property
    def plugins_hash(self) -> int:
        """Changes with the set of installed types."""
        return zlib.crc32(" ".join(self.flows.registry.types()).encode())


def services_of(request: Request) -> ApiServices:
    """What the routes of this request's application reach."""
    return cast("ApiServices", request.app.state.api_services)


Services = Annotated[ApiServices, Depends(services_of)]
