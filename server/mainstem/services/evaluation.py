"""What an expression gives in an execution, for who looks at it: no secret, no effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from mainstem.engine.environment import Constants
from mainstem.engine.live import LiveExecution
from mainstem.errors import Denied, MainstemError
from mainstem.expr import RenderOptions, Scope, render, text_of
from mainstem.model.flow_id import ancestors
from mainstem.model.principal import Permission
from mainstem.secrets.mask import Masker
from mainstem.services import access
from mainstem.services.executions import ExecutionService
from mainstem.services.flows import FlowService
from mainstem.services.host import ExecutionHost, HostServices, secret_inputs

_STARS: Final = "******"
_LONGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The text that it gives, or why it gives none."""

    result: str | None = None
    error: str | None = None


class EvaluationService:
    """Evaluates with the variables that tasks of the execution see."""

    def __init__(
        self,
        executions: ExecutionService,
        flows: FlowService,
        host: HostServices,
        options: RenderOptions,
        constants: Callable[[str], Constants],
    ) -> None:
        self._executions = executions
        self._flows = flows
        self._host = host
        self._options = options
        self._constants = constants

    def evaluate(
        self, execution_id: str, expression: str, task_run_id: str | None = None
    ) -> Evaluated:
        """Raises NotFound for an unknown execution or task run."""
        execution = self._executions.get(execution_id)
        flow = self._flows.load(execution.flow, execution.revision)
        runs = self._executions.task_runs(execution_id)
        constants = self._constants(execution.flow.namespace)
        live = LiveExecution.load(flow, execution, runs, constants=constants)
        if task_run_id is not None:
            live.node(task_run_id)
        masker = Masker(secret_inputs(self._host, execution))
        host = _LookingHost(self._host, execution, masker)
        options = replace(self._options, keep_sealed=True)
        scope = Scope(live.variables_for(task_run_id), host, options)
        try:
            text = text_of(render(expression, scope))
        except MainstemError as error:
            return Evaluated(error=masker.mask(error.message))
        return Evaluated(result=masker.mask(text[:_LONGEST]))


class _LookingHost(ExecutionHost):
    """Reads what the execution may read, hides secrets, and reaches nothing outside."""

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        """Keys of other namespaces only for those who may read them there."""
        own = self._execution.flow.namespace
        if namespace and namespace not in ancestors(own):
            access.require(Permission.KV_VALUE, namespace)
        return super().kv(key, namespace, error_on_missing)

    def secret(self, key: str, namespace: str | None, subkey: str | None) -> str:
        super().secret(key, namespace, subkey)
        return _STARS

    def http(self, options: Mapping[str, object]) -> object:
        raise Denied("http() is not called while an expression is looked at")

    def encryption_key(self) -> bytes | None:
        """None leaves sealed values sealed."""
        return None
