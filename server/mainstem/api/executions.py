"""Routes of executions: creating, reading and acting on them."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from mainstem.api import wire
from mainstem.api.filters import (
    PageNumber,
    PageSize,
    Revision,
    execution_filter,
    parse_labels,
    parse_moment,
)
from mainstem.api.follow import follow_execution, wait_for_end
from mainstem.api.services import ApiServices, Services
from mainstem.errors import Conflict, InvalidInput, MainstemError
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.services.search import ExecutionFilter

router = APIRouter(tags=["executions"])
_LARGEST_UPLOAD = 1_000_000_000


class LabelBody(BaseModel):
    """One label."""

    key: str
    value: str


class BulkLabelsBody(BaseModel):
    """Labels for several executions."""

    executionsId: list[str]
    executionLabels: list[LabelBody]


class TaskRunStateBody(BaseModel):
    """How a task run is to have ended."""

    taskRunId: str
    state: State


def _full(services: ApiServices, execution: Execution) -> wire.Json:
    runs = services.executions.task_runs(execution.id)
    return wire.execution(execution, runs, services.clock.now())


def _brief(services: ApiServices, execution: Execution) -> wire.Json:
    return wire.execution(execution, None, services.clock.now())


async def _form(request: Request) -> tuple[dict[str, object], dict[str, tuple[str, bytes]]]:
    """Inputs and uploads of a multipart form; a repeated field gives a list."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return await _json_inputs(request), {}
    if not kind.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        return {}, {}
    inputs: dict[str, object] = {}
    files: dict[str, tuple[str, bytes]] = {}
    async with request.form(max_files=100, max_fields=1000) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read(_LARGEST_UPLOAD + 1)
                if len(content) > _LARGEST_UPLOAD:
                    raise InvalidInput(f"`{name}` is larger than {_LARGEST_UPLOAD} bytes")
                target = value.filename if name == "files" and value.filename else name
                files[target] = (value.filename or name, content)
            elif name in inputs:
                known = inputs[name]
                inputs[name] = [*(known if isinstance(known, list) else [known]), value]
            else:
                inputs[name] = value
    return inputs, files


async def _json_inputs(request: Request) -> dict[str, object]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the body is not JSON") from error
    if not isinstance(body, dict):
        raise InvalidInput("the body must be a map of inputs")
    return body


@router.get("/executions/search")
def search(
    request: Request,
    services: Services,
    page: PageNumber = 1,
    size: PageSize = 25,
) -> wire.Json:
    """Newest first; filters as in the reference: namespace, flowId, state, labels, dates, q."""
    wanted = execution_filter(request.query_params)
    found, total = services.search.numbered_page(wanted, limit=size, offset=(page - 1) * size)
    return wire.listing([_full(services, item) for item in found], total)


@router.get("/executions")
def of_flow(
    services: Services,
    namespace: str,
    flowId: str,
    page: PageNumber = 1,
    size: PageSize = 25,
) -> wire.Json:
    """Executions of one flow, newest first."""
    wanted = ExecutionFilter(flows=[FlowId(namespace, flowId)])
    found, total = services.search.numbered_page(wanted, limit=size, offset=(page - 1) * size)
    return wire.listing([_full(services, item) for item in found], total)


@router.get("/executions/{execution_id}")
def get(execution_id: str, services: Services) -> wire.Json:
    return _full(services, services.executions.get(execution_id))


@router.get("/executions/{execution_id}/follow")
async def follow(execution_id: str, services: Services) -> StreamingResponse:
    """Server-sent events `start`, `progress` and `end`, each with the execution."""
    await run_in_threadpool(services.executions.get, execution_id)
    stream = follow_execution(services, execution_id, lambda e: _full(services, e))
    return StreamingResponse(
        stream,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.post("/executions/{namespace}/{flow_id}/validate")
async def validate_inputs(
    namespace: str, flow_id: str, request: Request, services: Services
) -> wire.Json:
    """How each input would be resolved; nothing is started."""
    inputs, files = await _form(request)
    flow_key = FlowId(namespace, flow_id)

    def check() -> wire.Json:
        flow = services.flows.load(flow_key, services.flows.head(flow_key).revision)
        resolved = services.inputs.check(flow, "preview", inputs, files, store=False)
        return {
            "inputs": [
                {
                    "input": item.declared.model_dump(by_alias=True, mode="json"),
                    "value": item.value if item.declared.type != "SECRET" else None,
                    "enabled": item.enabled,
                    "isDefault": item.is_default,
                    "errors": [{"message": item.error}] if item.error else None,
                }
                for item in resolved.inputs
            ]
        }

    return await run_in_threadpool(check)


@router.delete("/executions/{execution_id}/kill", status_code=202)
def kill(
    execution_id: str,
    services: Services,
    isOnKillCascade: bool = True,
) -> Response:
    """Ask to end an execution; its subflows are ended too."""
    execution = services.executions.get(execution_id)
    if execution.state.is_terminal and not isOnKillCascade:
        raise Conflict(f"execution {execution_id} is {execution.state}: it has ended")
    services.executions.kill(execution_id)
    return Response(status_code=202)


@router.post("/executions/{execution_id}/pause")
def pause(execution_id: str, services: Services) -> wire.Json:
    return _brief(services, services.executions.pause(execution_id))


@router.post("/executions/{execution_id}/resume", status_code=204)
async def resume(execution_id: str, request: Request, services: Services) -> Response:
    """Go on with a paused execution; values for `onResume` come as a multipart form."""
    inputs, _ = await _form(request)
    await run_in_threadpool(services.executions.resume, execution_id, inputs)
    return Response(status_code=204)


@router.post("/executions/{execution_id}/restart")
def restart(execution_id: str, services: Services, revision: Revision = None) -> wire.Json:
    return _brief(services, services.executions.restart(execution_id, revision))


@router.post("/executions/{execution_id}/replay")
def replay(
    execution_id: str,
    services: Services,
    taskRunId: str | None = None,
    revision: Revision = None,
) -> wire.Json:
    return _brief(services, services.executions.replay(execution_id, taskRunId, revision))


@router.post("/executions/{execution_id}/state")
def change_task_run_state(
    execution_id: str, services: Services, body: TaskRunStateBody
) -> wire.Json:
    """`{"taskRunId": …, "state": …}`."""
    changed = services.executions.change_task_run_state(execution_id, body.taskRunId, body.state)
    return _brief(services, changed)


@router.post("/executions/{execution_id}/change-status")
def change_status(execution_id: str, services: Services, status: State) -> wire.Json:
    return _brief(services, services.executions.change_state(execution_id, status))


@router.post("/executions/{execution_id}/force-run")
def force_run(execution_id: str, services: Services) -> wire.Json:
    return _brief(services, services.executions.force_run(execution_id))


@router.post("/executions/{execution_id}/unqueue")
def unqueue(execution_id: str, services: Services, state: State = State.RUNNING) -> wire.Json:
    return _brief(services, services.executions.unqueue(execution_id, state))


@router.post("/executions/{execution_id}/labels")
def set_labels(execution_id: str, services: Services, body: list[LabelBody]) -> wire.Json:
    """`[{"key": …, "value": …}]`."""
    labels = {item.key: item.value for item in body}
    return _brief(services, services.executions.set_labels(execution_id, labels))


@router.delete("/executions/{execution_id}", status_code=204)
def delete(execution_id: str, services: Services) -> Response:
    services.executions.delete(execution_id)
    return Response(status_code=204)


# After the actions: `/executions/ID/restart` would be a flow `restart` of namespace `ID`.
@router.post("/executions/{namespace}/{flow_id}")
async def create(  # noqa: PLR0913 - the wire's parameters
    namespace: str,
    flow_id: str,
    request: Request,
    services: Services,
    wait: bool = False,
    revision: Revision = None,
    scheduleDate: str | None = None,
) -> wire.Json:
    """Start an execution; inputs come as a multipart form, labels as `labels=key:value`."""
    inputs, files = await _form(request)
    run = NewRun(
        FlowId(namespace, flow_id),
        inputs=inputs,
        files=files,
        labels=parse_labels(request.query_params.getlist("labels")),
        revision=revision,
        schedule_at=parse_moment(scheduleDate),
    )
    execution = await run_in_threadpool(services.executions.create, run)
    if wait:
        execution = await wait_for_end(services, execution.id, request.is_disconnected)
        return await run_in_threadpool(_full, services, execution)
    return _brief(services, execution)


@router.post("/executions/trigger/{namespace}/{flow_id}")
async def trigger(
    namespace: str, flow_id: str, request: Request, services: Services, wait: bool = False
) -> wire.Json:
    """The older address of creating an execution."""
    return await create(namespace, flow_id, request, services, wait)


# in bulk

Act = Callable[[ApiServices, str], object]
_ACTIONS: dict[str, tuple[str, Act]] = {
    "kill": ("DELETE", lambda s, i: s.executions.kill(i)),
    "restart": ("POST", lambda s, i: s.executions.restart(i)),
    "replay": ("POST", lambda s, i: s.executions.replay(i)),
    "pause": ("POST", lambda s, i: s.executions.pause(i)),
    "resume": ("POST", lambda s, i: s.executions.resume(i)),
    "unqueue": ("POST", lambda s, i: s.executions.unqueue(i)),
    "force-run": ("POST", lambda s, i: s.executions.force_run(i)),
}


def _in_bulk(services: ApiServices, act: Act, ids: list[str]) -> wire.Json:
    """Act on each; those that refuse are named and do not stop the others."""
    refused = []
    for execution_id in ids:
        try:
            act(services, execution_id)
        except MainstemError as error:
            refused.append({"id": execution_id, "message": error.message})
    return {"count": len(ids) - len(refused), "refused": refused}


def _matching(services: ApiServices, request: Request) -> list[str]:
    wanted = execution_filter(request.query_params)
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = services.search.page(wanted, limit=500, after=cursor)
        found += [item.id for item in page.executions]
        cursor = page.next
        if cursor is None:
            return found


def _add_bulk(name: str, method: str, act: Act) -> None:
    def by_ids(services: Services, ids: Annotated[list[str], Body()]) -> wire.Json:
        return _in_bulk(services, act, ids)

    def by_query(request: Request, services: Services) -> wire.Json:
        return _in_bulk(services, act, _matching(services, request))

    for suffix, handler in (("by-ids", by_ids), ("by-query", by_query)):
        bulk.add_api_route(
            f"/executions/{name}/{suffix}",
            handler,
            methods=[method],
            name=f"{name}-{suffix}",
            summary=f"{name.capitalize()} executions {suffix.replace('-', ' ')}",
        )


bulk = APIRouter(tags=["executions"])
for _name, (_method, _act) in _ACTIONS.items():
    _add_bulk(_name, _method, _act)


@bulk.delete("/executions/by-ids")
def delete_by_ids(services: Services, ids: Annotated[list[str], Body()]) -> wire.Json:
    """Delete ended executions."""
    return _in_bulk(services, lambda s, i: s.executions.delete(i), ids)


@bulk.delete("/executions/by-query")
def delete_by_query(request: Request, services: Services) -> wire.Json:
    """Delete ended executions that match the filter."""
    return _in_bulk(services, lambda s, i: s.executions.delete(i), _matching(services, request))


@bulk.post("/executions/labels/by-ids")
def labels_by_ids(services: Services, body: BulkLabelsBody) -> wire.Json:
    """`{"executionsId": […], "executionLabels": [{"key": …, "value": …}]}`."""
    labels = {item.key: item.value for item in body.executionLabels}
    return _in_bulk(services, lambda s, i: s.executions.set_labels(i, labels), body.executionsId)
