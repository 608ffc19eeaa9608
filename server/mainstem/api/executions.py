"""Routes of executions: creating, searching, reading."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from mainstem.api import execution_wire, forms, models, wire
from mainstem.api.answers import JsonAnswer, answers, attachment
from mainstem.api.filters import (
    PageNumber,
    PageSize,
    Revision,
    execution_filter,
    parse_labels,
    parse_moment,
)
from mainstem.api.flow_bulk import csv_line
from mainstem.api.flow_names import MOST_IDS, FlowName
from mainstem.api.follow import follow_execution, wait_for_end
from mainstem.api.query import Sort, parse_sort
from mainstem.api.services import ApiServices, Services
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.services.executions import NewRun
from mainstem.services.search import DistinctField, ExecutionFilter

lists = APIRouter(tags=["executions"])
router = APIRouter(tags=["executions"])
creation = APIRouter(tags=["executions"])
SSE_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@lists.get("/executions/search", **answers(models.ExecutionPage))
def search(
    request: Request,
    services: Services,
    page: PageNumber = 1,
    size: PageSize = 25,
    sort: Sort = None,
) -> JsonAnswer:
    """Newest first unless `sort` says otherwise.

    Filters: `q`, `namespace`, `flowId`, `state`, `labels`, `startDate`, `endDate`, `timeRange`,
    `triggerId`, `triggerExecutionId`, `parentId`, `childFilter`, `scope`, `kind`; either as
    `state=FAILED` or as `filters[state][IN]=FAILED,KILLED`.
    """
    wanted = execution_filter(request.query_params)
    found, total = services.search.numbered_page(
        wanted, limit=size, offset=(page - 1) * size, orders=parse_sort(sort)
    )
    return JsonAnswer(wire.listing(execution_wire.listed(services, found), total))


@lists.get("/executions", **answers(models.ExecutionPage))
def of_flow(
    services: Services,
    namespace: str,
    flowId: str,
    page: PageNumber = 1,
    size: PageSize = 25,
) -> JsonAnswer:
    """Executions of one flow, newest first."""
    wanted = ExecutionFilter(flows=[FlowId(namespace, flowId)])
    found, total = services.search.numbered_page(wanted, limit=size, offset=(page - 1) * size)
    return JsonAnswer(wire.listing(execution_wire.listed(services, found), total))


@lists.post("/executions/latest", **answers(list[models.LastExecution]))
def latest(
    services: Services, flows: Annotated[list[FlowName], Body(max_length=MOST_IDS)]
) -> list[wire.Json]:
    """The latest execution of each flow named as {namespace, id}."""
    found = services.search.latest_of_flows([item.key for item in flows], each=1)
    return [
        {
            "id": item.id,
            "flowId": item.flow.id,
            "namespace": item.flow.namespace,
            "startDate": wire.moment(item.history.started_at),
            "status": item.state.value,
        }
        for executions in found.values()
        for item in executions
    ]


@lists.get("/executions/namespaces", **answers(list[str]))
def namespaces(services: Services) -> list[str]:
    """Namespaces that have flows to execute."""
    return sorted(services.flows.namespaces())


@lists.get("/executions/namespaces/{namespace}/flows", **answers(list[models.FlowModel]))
def flows_of_namespace(namespace: str, services: Services) -> JsonAnswer:
    """Flows of exactly this namespace that are not disabled."""
    found = [
        item
        for item in services.flows.all(namespace)
        if item.flow.namespace == namespace and not item.disabled
    ]
    return JsonAnswer([wire.flow(item, source=False) for item in found])


@lists.get(
    "/executions/namespaces/{namespace}/flows/{flow_id}/average-duration",
    **answers(dict[str, object]),
)
def average_duration(namespace: str, flow_id: str, services: Services) -> wire.Json:
    """Of the executions that ended, in seconds; null when there is none."""
    wanted = ExecutionFilter(flows=[FlowId(namespace, flow_id)], ended=True)
    found = services.search.slowest(wanted, 1)
    return {
        "averageDuration": found[0].mean if found else None,
        "count": found[0].count if found else 0,
    }


@lists.get("/executions/flows/{namespace}/{flow_id}", **answers(models.FlowModel, 404))
def flow_to_execute(
    namespace: str, flow_id: str, services: Services, revision: Revision = None
) -> JsonAnswer:
    """A flow as who executes it needs it: without its source."""
    found = services.flows.revision(FlowId(namespace, flow_id), revision)
    return JsonAnswer(wire.flow(found, source=False))


@lists.get("/executions/distinct-field-values", **answers(list[str]))
def distinct_values(
    request: Request,
    services: Services,
    field: DistinctField,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> list[str]:
    """The values that a field has in the executions that match, the most frequent first."""
    return services.search.distinct(execution_filter(request.query_params), field, size)


@lists.get("/executions/export/by-query/csv", **answers(None, media="text/csv"))
def export_csv(request: Request, services: Services) -> StreamingResponse:
    """All executions that match, newest first, made while they are sent."""
    wanted = execution_filter(request.query_params)
    services.search.page(wanted, limit=1)
    lines = _csv(services, wanted)
    return attachment(lines, "executions.csv", "text/csv")


_COLUMNS = (
    "id", "namespace", "flowId", "flowRevision", "state", "startDate", "endDate", "duration",
    "triggerId", "labels", "commit",
)  # fmt: skip


def _csv(services: ApiServices, wanted: ExecutionFilter):  # type: ignore[no-untyped-def]
    yield csv_line(_COLUMNS)
    now = services.clock.now()
    for item in services.search.each(wanted):
        state = wire.state(item.history, now)
        yield csv_line(
            (
                item.id,
                item.flow.namespace,
                item.flow.id,
                item.revision,
                item.state.value,
                state["startDate"],
                state.get("endDate"),
                state["duration"],
                item.trigger.id if item.trigger else None,
                ",".join(f"{key}:{value}" for key, value in item.labels.items()),
                item.commit,
            )
        )


@router.get("/executions/{execution_id}", **answers(models.ExecutionModel, 404))
def get(execution_id: str, services: Services) -> JsonAnswer:
    """One execution with its task runs."""
    return JsonAnswer(execution_wire.full(services, services.executions.get(execution_id)))


@router.get("/executions/{execution_id}/follow", **answers(None, 404, media="text/event-stream"))
async def follow(execution_id: str, services: Services) -> StreamingResponse:
    """Server-sent events `start`, `progress` and `end`, each with the execution."""
    await run_in_threadpool(services.executions.get, execution_id)
    stream = follow_execution(services, execution_id, lambda e: execution_wire.full(services, e))
    return StreamingResponse(stream, media_type="text/event-stream", headers=SSE_HEADERS)


@router.post(
    "/executions/{namespace}/{flow_id}/validate",
    **answers(models.InputChecks, 404, 413),
    openapi_extra=forms.DESCRIBED,
)
async def validate_inputs(
    namespace: str,
    flow_id: str,
    request: Request,
    services: Services,
    revision: Revision = None,
) -> JsonAnswer:
    """How each input would be resolved; nothing is started."""
    inputs, files = await forms.read_form(request)
    key = FlowId(namespace, flow_id)

    def check() -> wire.Json:
        flow = services.flows.load(key, revision or services.flows.head(key).revision)
        resolved = services.inputs.check(flow, "preview", inputs, files, store=False)
        return {
            "id": flow.id,
            "namespace": flow.namespace,
            "inputs": execution_wire.checked(resolved),
            "checks": [
                {"message": item.message, "style": item.style, "behavior": item.behavior}
                for item in services.inputs.failed_checks(flow, "preview", resolved.values)
            ]
            if resolved.ok
            else [],
        }

    return JsonAnswer(await run_in_threadpool(check))


# After the actions: `/executions/ID/restart` would be a flow `restart` of namespace `ID`.
@creation.post(
    "/executions/{namespace}/{flow_id}",
    **answers(models.ExecutionModel, 404, 409, 413),
    openapi_extra=forms.DESCRIBED,
)
async def create(  # noqa: PLR0913 - the wire's parameters
    namespace: str,
    flow_id: str,
    request: Request,
    services: Services,
    wait: bool = False,
    revision: Revision = None,
    scheduleDate: str | None = None,
) -> JsonAnswer:
    """Start an execution; inputs come as a multipart form, labels as `labels=key:value`.

    With `wait` the answer comes when it has ended.
    """
    inputs, files = await forms.read_form(request)
    run = NewRun(
        FlowId(namespace, flow_id),
        inputs=inputs,
        files=files,
        labels=parse_labels(request.query_params.getlist("labels")),
        revision=revision,
        schedule_at=parse_moment(scheduleDate),
    )
    execution = await run_in_threadpool(services.executions.create, run)
    return await _started(services, execution, request, wait)


async def _started(
    services: ApiServices, execution: Execution, request: Request, wait: bool
) -> JsonAnswer:
    if wait:
        execution = await wait_for_end(services, execution.id, request.is_disconnected)
        return JsonAnswer(await run_in_threadpool(execution_wire.full, services, execution))
    return JsonAnswer(execution_wire.brief(services, execution))


@creation.post(
    "/executions/trigger/{namespace}/{flow_id}",
    **answers(models.ExecutionModel, 404, 409, 413),
    openapi_extra=forms.DESCRIBED,
)
async def trigger(
    namespace: str,
    flow_id: str,
    request: Request,
    services: Services,
    wait: bool = False,
    revision: Revision = None,
) -> JsonAnswer:
    """The older address of creating an execution."""
    return await create(namespace, flow_id, request, services, wait, revision)
