"""Executions as answers: whole, and in lists."""

from collections.abc import Sequence

from mainstem.api import wire
from mainstem.api.services import ApiServices
from mainstem.flowspec.inputs import ResolvedInputs
from mainstem.model.execution import Execution


def full(services: ApiServices, execution: Execution) -> wire.Json:
    """With its task runs."""
    runs = services.executions.task_runs(execution.id)
    execution, runs = services.secret_reads.starred(execution, runs)
    return wire.execution(execution, runs, services.clock.now(), url(services, execution))


def brief(services: ApiServices, execution: Execution) -> wire.Json:
    """Without its task runs."""
    execution, _ = services.secret_reads.starred(execution, ())
    return wire.execution(execution, None, services.clock.now(), url(services, execution))


def listed(services: ApiServices, found: Sequence[Execution]) -> list[wire.Json]:
    """With their task runs, read at once."""
    runs = services.search.task_runs_of([item.id for item in found])
    shown, starred = services.secret_reads.starred_lists(found, runs)
    now = services.clock.now()
    return [
        wire.execution(item, starred.get(item.id, []), now, url(services, item)) for item in shown
    ]


def url(services: ApiServices, execution: Execution) -> str:
    """The page of an execution."""
    flow = execution.flow
    return f"{services.base_url}/ui/executions/{flow.namespace}/{flow.id}/{execution.id}"


def checked(resolved: ResolvedInputs) -> list[wire.Json]:
    """How each input is resolved; secrets are not shown."""
    return [
        {
            "input": item.declared.model_dump(by_alias=True, mode="json"),
            "value": wire.json_of(item.value) if item.declared.type != "SECRET" else None,
            "enabled": item.enabled,
            "isDefault": item.is_default,
            "errors": [{"message": item.error}] if item.error else [],
        }
        for item in resolved.inputs
    ]
