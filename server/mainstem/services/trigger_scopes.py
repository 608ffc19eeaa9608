"""What expressions of triggers see: the flow, the server's constants, the upstream execution."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mainstem.clock import Clock
from mainstem.engine.environment import Constants
from mainstem.engine.live import LiveExecution
from mainstem.expr import RenderOptions, Scope, render, render_value
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.state import History
from mainstem.sdk.condition import ConditionContext
from mainstem.sdk.flow import Flow
from mainstem.sdk.schedule import ScheduleContext
from mainstem.secrets.mask import Masker
from mainstem.services.host import ExecutionHost, HostServices
from mainstem.services.secrets import NOT_YET
from mainstem.store import executions as rows

Rendering = Callable[[object, Mapping[str, object]], object]


@dataclass(frozen=True, slots=True)
class TriggerScopes:
    """Makes scopes; one for the whole process."""

    host: HostServices
    options: RenderOptions
    constants: Callable[[str], Constants]
    clock: Clock

    def rendering(self, flow: Flow) -> Rendering:
        """Renders values for a trigger of the flow, with further root variables."""
        constants = self.constants(flow.namespace)
        base = {
            **constants.extra,
            "flow": {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision},
            "vars": flow.variables,
            "labels": _nested(flow.labels),
            "envs": constants.envs,
            "globals": constants.globals,
        }
        return self._rendering(base, self._shadow(flow))

    def schedule(self, flow: Flow) -> ScheduleContext:
        """What a schedule of the flow may look at now."""
        return ScheduleContext(
            flow.flow_id, self.clock.now(), self.options.timezone, self.rendering(flow)
        )

    def condition(
        self, flow: Flow, variables: Mapping[str, object], execution: Execution | None = None
    ) -> ConditionContext:
        """What conditions of a trigger that no other execution fires may look at."""
        rendering = self.rendering(flow)
        return ConditionContext(
            flow=flow.flow_id,
            now=self.clock.now(),
            render=lambda text: str(rendering(text, variables)),
            execution=execution,
            variables=variables,
            render_with=lambda text, more: str(rendering(text, {**variables, **more})),
        )

    def upstream(self, flow: Flow, upstream: "Upstream") -> ConditionContext:
        """What conditions of a Flow trigger of `flow` may look at."""
        base = _UpstreamVariables(flow, upstream, self.constants(flow.namespace))
        rendering = self._rendering(base, upstream.execution, self._shadow(flow))
        return ConditionContext(
            flow=flow.flow_id,
            now=self.clock.now(),
            render=lambda text: str(rendering(text, {})),
            execution=upstream.execution,
            variables=base,
            task_runs=upstream.task_runs,
            render_with=lambda text, more: str(rendering(text, more)),
        )

    def upstream_rendering(self, flow: Flow, upstream: "Upstream") -> Rendering:
        """Renders inputs and labels of what a Flow trigger starts."""
        base = _UpstreamVariables(flow, upstream, self.constants(flow.namespace))
        return self._rendering(base, upstream.execution, self._shadow(flow))

    def _rendering(
        self, base: Mapping[str, object], execution: Execution, reader: Execution | None = None
    ) -> Rendering:
        host = ExecutionHost(self.host, execution, Masker(), reader=reader)

        def rendered(value: object, more: Mapping[str, object]) -> object:
            variables = _Layered(more, base) if more else base
            scope = Scope(variables, host, self.options)
            return render(value, scope) if isinstance(value, str) else render_value(value, scope)

        return rendered

    def _shadow(self, flow: Flow) -> Execution:
        """Stands for the execution that does not exist yet."""
        history = History.begin(self.clock.now())
        return Execution(NOT_YET, flow.flow_id, flow.revision or 1, history)


class Upstream:
    """An execution that changed state, with its flow; task runs are read when asked for."""

    def __init__(
        self, tx: Connection, execution: Execution, load: Callable[[Execution], Flow]
    ) -> None:
        self.execution = execution
        self._tx = tx
        self._load = load
        self._runs: Sequence[TaskRun] | None = None
        self._live: LiveExecution | None = None

    def task_runs(self) -> Sequence[TaskRun]:
        if self._runs is None:
            self._runs = rows.task_runs_of(self._tx, self.execution.id)
        return self._runs

    def variables(self) -> Mapping[str, object]:
        """The root variables of the execution."""
        if self._live is None:
            flow = self._load(self.execution)
            self._live = LiveExecution.load(flow, self.execution, self.task_runs())
        return self._live.variables_for(None)

    def described(self) -> dict[str, object]:
        """The `trigger` variables of what it fires."""
        execution = self.execution
        return {
            "executionId": execution.id,
            "namespace": execution.flow.namespace,
            "flowId": execution.flow.id,
            "flowRevision": execution.revision,
            "state": execution.state.value,
        }


class _Layered(Mapping[str, object]):
    """Variables over others, without copying what may be lazy."""

    def __init__(self, over: Mapping[str, object], under: Mapping[str, object]) -> None:
        self._over = over
        self._under = under

    def __getitem__(self, name: str) -> object:
        return self._over[name] if name in self._over else self._under[name]

    def __contains__(self, name: object) -> bool:
        return name in self._over or name in self._under

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._over, *self._under]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _UpstreamVariables(Mapping[str, object]):
    """The upstream execution's variables; `flow`, `vars` and `trigger` are the listener's."""

    def __init__(self, flow: Flow, upstream: Upstream, constants: Constants) -> None:
        described = upstream.described()
        if upstream.execution.outputs:
            described["outputs"] = upstream.execution.outputs
        self._own: dict[str, object] = {
            **constants.extra,
            "flow": {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision},
            "vars": flow.variables,
            "trigger": described,
            "labels": _nested(upstream.execution.labels),
            "envs": constants.envs,
            "globals": constants.globals,
        }
        self._upstream = upstream

    def __getitem__(self, name: str) -> object:
        return self._own[name] if name in self._own else self._upstream.variables()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._upstream.variables()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._own, *self._upstream.variables()]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _nested(labels: Mapping[str, str]) -> dict[str, object]:
    """Labels as expressions address them: `a.b` below `a` wherever `a` is no label itself."""
    found: dict[str, object] = {}
    for key, value in labels.items():
        *above, last = key.split(".")
        level: object = found
        for part in above:
            level = level.setdefault(part, {}) if isinstance(level, dict) else None
        if isinstance(level, dict):
            level[last] = value
        else:
            found[key] = value
    return found
