"""Everything that one decision takes from outside: time, identifiers, chance, files, coercion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mainstem.expr.scope import DEFAULT_OPTIONS, Host, NoHost, RenderOptions
from mainstem.ids import IdSource, random_id
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.light import light
from mainstem.sdk.inputs import FlowOutput

CoerceOutputs = Callable[[Sequence[FlowOutput], Mapping[str, object]], Mapping[str, object]]
HostOf = Callable[[Execution, TaskRun | None], Host]


def storage_path(execution: Execution, task_run: TaskRun) -> str:
    """The folder of a task run in internal storage, as a URI."""
    namespace = execution.flow.namespace.replace(".", "/")
    task = task_run.task_id.lower().replace("_", "-")
    return (
        f"kestra:///{namespace}/{execution.flow.id}/executions/{execution.id}"
        f"/tasks/{task}/{task_run.id}"
    )


def _unchanged(_: Sequence[FlowOutput], values: Mapping[str, object]) -> Mapping[str, object]:
    return values


def _no_host(_: Execution, __: TaskRun | None) -> Host:
    return NoHost()


def _unknown_start(_: str) -> datetime | None:
    return None


@light
@dataclass(frozen=True, slots=True)
class Environment:
    """What the engine may use while it decides on one event.

    `coerce_outputs` types a flow's rendered outputs and raises InvalidInput. `host_of` gives the
    effects of expressions. `created_at` looks up when another execution was created; it is asked
    only for retries by new executions. An attempt whose worker died is made again up to
    `lost_attempts` times, then fails.
    """

    now: datetime
    ids: IdSource = random_id
    chance: Callable[[], float] = lambda: 0.5
    host_of: HostOf = _no_host
    options: RenderOptions = DEFAULT_OPTIONS
    coerce_outputs: CoerceOutputs = _unchanged
    files_of: Callable[[Execution, TaskRun], str] = storage_path
    created_at: Callable[[str], datetime | None] = _unknown_start
    lost_attempts: int = 3


@dataclass(frozen=True, slots=True)
class Constants:
    """Root variables that do not depend on the execution."""

    globals: Mapping[str, object] = field(default_factory=dict)
    envs: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
