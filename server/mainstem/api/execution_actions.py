"""Routes that act on one execution, under the addresses of both generations of clients.

Newer clients say `/executions/{id}/actions/kill` and want the execution as the answer; older ones
say `/executions/{id}/kill`, and take 202 or 204 where nothing is told.
"""

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from mainstem.api import answers as described
from mainstem.api import execution_wire, forms, models, wire
from mainstem.api.answers import JsonAnswer, answers
from mainstem.api.bodies import text_body
from mainstem.api.filters import Revision
from mainstem.api.services import Services
from mainstem.errors import Conflict
from mainstem.model.state import State


class ActionRoute(APIRoute):
    """An action of an execution, which has the form of creating one of a flow of that name.

    `/executions/company.team/pause` runs the flow `pause`: ids have no dots, and only creating
    comes as a form whose first name is not the length of an id.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, more = super().matches(scope)
        if match is not Match.NONE and _names_a_flow(scope, str(more["path_params"][_ID])):
            return Match.NONE, {}
        return match, more


_ID = "execution_id"
_ID_LENGTH = 22


def _names_a_flow(scope: Scope, first: str) -> bool:
    if scope["method"] != "POST" or scope["path"].count("/") != _SLASHES:
        return False
    if "." in first:
        return True
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return len(first) != _ID_LENGTH and bytes(kind).startswith(b"multipart/form-data")


# Of /api/v1/executions/{namespace}/{flow}.
_SLASHES = 5
router = APIRouter(tags=["executions"], route_class=ActionRoute)
_ONE = "/executions/{execution_id}"
_ACT = f"{_ONE}/actions"
_EXECUTION = answers(models.ExecutionModel, 404, 409)
_LONGEST_EXPRESSION = 100_000


class LabelBody(described.Body):
    """One label."""

    key: str
    value: str


class TaskRunStateBody(described.Body):
    """How a task run is to have ended."""

    taskRunId: str
    state: State


Labels = Annotated[list[LabelBody], Body(max_length=100)]


@router.delete(f"{_ONE}/kill", **answers(None, 404, 409, status=202))
def kill_quietly(execution_id: str, services: Services, isOnKillCascade: bool = True) -> Response:
    """Ask to end an execution; its subflows are ended too unless `isOnKillCascade` is false."""
    kill(execution_id, services, isOnKillCascade)
    return Response(status_code=202)


@router.delete(f"{_ACT}/kill", **_EXECUTION)
def kill(execution_id: str, services: Services, isOnKillCascade: bool = True) -> JsonAnswer:
    """Ask to end an execution; its subflows are ended too unless `isOnKillCascade` is false."""
    execution = services.executions.get(execution_id)
    if execution.state.is_terminal and not isOnKillCascade:
        raise Conflict(f"execution {execution_id} is {execution.state}: it has ended")
    return JsonAnswer(
        execution_wire.full(
            services, services.executions.kill(execution_id, cascade=isOnKillCascade)
        )
    )


@router.post(f"{_ONE}/pause", **_EXECUTION)
@router.post(f"{_ACT}/pause", **_EXECUTION)
def pause(execution_id: str, services: Services) -> JsonAnswer:
    """Hold a running execution."""
    return JsonAnswer(execution_wire.full(services, services.executions.pause(execution_id)))


@router.post(
    f"{_ONE}/resume", **answers(None, 404, 409, 413, status=204), openapi_extra=forms.DESCRIBED
)
async def resume_quietly(execution_id: str, request: Request, services: Services) -> Response:
    """Go on with a paused execution; values for `onResume` come as a multipart form."""
    await resume(execution_id, request, services)
    return Response(status_code=204)


@router.post(
    f"{_ACT}/resume",
    **answers(models.ExecutionModel, 404, 409, 413),
    openapi_extra=forms.DESCRIBED,
)
async def resume(execution_id: str, request: Request, services: Services) -> JsonAnswer:
    """Go on with a paused execution; values for `onResume` come as a multipart form."""
    inputs, files = await forms.read_form(request)

    def act() -> wire.Json:
        resumed = services.executions.resume(execution_id, inputs, files)
        return execution_wire.full(services, resumed)

    return JsonAnswer(await run_in_threadpool(act))


@router.post(
    f"{_ONE}/resume/validate",
    **answers(models.InputChecks, 404, 409, 413),
    openapi_extra=forms.DESCRIBED,
)
@router.post(
    f"{_ACT}/resume/validate",
    **answers(models.InputChecks, 404, 409, 413),
    openapi_extra=forms.DESCRIBED,
)
async def validate_resume(execution_id: str, request: Request, services: Services) -> JsonAnswer:
    """How each `onResume` value would be resolved; nothing goes on."""
    inputs, files = await forms.read_form(request)

    def check() -> wire.Json:
        resolved = services.executions.check_resume(execution_id, inputs, files)
        return {"inputs": execution_wire.checked(resolved)}

    return JsonAnswer(await run_in_threadpool(check))


@router.post(f"{_ONE}/restart", **_EXECUTION)
@router.post(f"{_ACT}/restart", **_EXECUTION)
def restart(execution_id: str, services: Services, revision: Revision = None) -> JsonAnswer:
    """Run again what failed; with another revision in a new execution."""
    restarted = services.executions.restart(execution_id, revision)
    return JsonAnswer(execution_wire.full(services, restarted))


@router.post(f"{_ONE}/replay", **_EXECUTION)
@router.post(f"{_ACT}/replay", **_EXECUTION)
def replay(
    execution_id: str,
    services: Services,
    taskRunId: str | None = None,
    revision: Revision = None,
) -> JsonAnswer:
    """A new execution of the same, from the start or from a task run on."""
    made = services.executions.replay(execution_id, taskRunId, revision)
    return JsonAnswer(execution_wire.full(services, made))


@router.post(f"{_ONE}/replay-with-inputs", **_EXECUTION, openapi_extra=forms.DESCRIBED)
@router.post(f"{_ACT}/replay-with-inputs", **_EXECUTION, openapi_extra=forms.DESCRIBED)
async def replay_with_inputs(
    execution_id: str,
    request: Request,
    services: Services,
    taskRunId: str | None = None,
    revision: Revision = None,
) -> JsonAnswer:
    """A new execution with other inputs, which come as a multipart form."""
    inputs, files = await forms.read_form(request)

    def act() -> wire.Json:
        made = services.executions.replay(execution_id, taskRunId, revision, inputs, files)
        return execution_wire.full(services, made)

    return JsonAnswer(await run_in_threadpool(act))


@router.post(f"{_ONE}/state", **_EXECUTION)
@router.post(f"{_ACT}/state", **_EXECUTION)
def change_task_run_state(
    execution_id: str, services: Services, body: TaskRunStateBody
) -> JsonAnswer:
    """Say how a task run ended; what follows from it runs."""
    changed = services.executions.change_task_run_state(execution_id, body.taskRunId, body.state)
    return JsonAnswer(execution_wire.full(services, changed))


@router.post(f"{_ONE}/change-status", **_EXECUTION)
@router.post(f"{_ACT}/change-status", **_EXECUTION)
def change_status(execution_id: str, services: Services, status: State) -> JsonAnswer:
    """Say how an ended execution ended."""
    changed = services.executions.change_state(execution_id, status)
    return JsonAnswer(execution_wire.full(services, changed))


@router.post(f"{_ONE}/force-run", **_EXECUTION)
@router.post(f"{_ACT}/force-run", **_EXECUTION)
def force_run(execution_id: str, services: Services) -> JsonAnswer:
    """Run it now, whatever it waits for."""
    return JsonAnswer(execution_wire.full(services, services.executions.force_run(execution_id)))


@router.post(f"{_ONE}/unqueue", **_EXECUTION)
@router.post(f"{_ACT}/unqueue", **_EXECUTION)
def unqueue(execution_id: str, services: Services, state: State = State.RUNNING) -> JsonAnswer:
    """Let it leave the queue of its flow's concurrency limit."""
    left = services.executions.unqueue(execution_id, state)
    return JsonAnswer(execution_wire.full(services, left))


@router.post(f"{_ONE}/labels", **_EXECUTION)
@router.post(f"{_ACT}/labels", **_EXECUTION)
def set_labels(execution_id: str, services: Services, body: Labels) -> JsonAnswer:
    """Add or overwrite labels of an ended execution."""
    labels = {item.key: item.value for item in body}
    if not services.executions.get(execution_id).state.is_terminal:
        raise HTTPException(400, "The execution is not terminated")
    changed = services.executions.set_labels(execution_id, labels)
    return JsonAnswer(execution_wire.full(services, changed))


@router.post(f"{_ONE}/eval", **answers(models.Evaluated, 404, 413))
@router.post(f"{_ACT}/eval", **answers(models.Evaluated, 404, 413))
async def evaluate(execution_id: str, request: Request, services: Services) -> wire.Json:
    """What an expression, the body, gives in this execution; secrets are starred."""
    return await _evaluated(execution_id, None, request, services)


@router.post(f"{_ONE}/eval/{{task_run_id}}", **answers(models.Evaluated, 404, 413))
@router.post(f"{_ACT}/eval/{{task_run_id}}", **answers(models.Evaluated, 404, 413))
async def evaluate_in_task_run(
    execution_id: str, task_run_id: str, request: Request, services: Services
) -> wire.Json:
    """What an expression, the body, gives in this task run; secrets are starred."""
    return await _evaluated(execution_id, task_run_id, request, services)


async def _evaluated(
    execution_id: str, task_run_id: str | None, request: Request, services: Services
) -> wire.Json:
    expression = await text_body(request, _LONGEST_EXPRESSION)
    found = await run_in_threadpool(
        services.evaluation.evaluate, execution_id, expression, task_run_id
    )
    if found.error is not None:
        return {"error": found.error, "stackTrace": ""}
    return {"result": found.result}


@router.delete(_ONE, **answers(None, 404, 409, status=204))
def delete(
    execution_id: str,
    services: Services,
    deleteLogs: bool = True,
    deleteMetrics: bool = True,
    deleteStorage: bool = True,
) -> Response:
    """Delete an ended execution, and what hangs on it unless told otherwise."""
    services.executions.delete(
        execution_id,
        keep_files=not deleteStorage,
        keep_logs=not deleteLogs,
        keep_metrics=not deleteMetrics,
    )
    return Response(status_code=204)
