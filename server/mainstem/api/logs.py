"""Routes of logs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, answers, attachment
from mainstem.api.executions import SSE_HEADERS
from mainstem.api.filters import PageNumber, PageSize, log_filter
from mainstem.api.follow import follow_logs
from mainstem.api.query import Sort, parse_sort
from mainstem.api.services import ApiServices, Services
from mainstem.model.flow_id import FlowId
from mainstem.services.search import LogFilter

router = APIRouter(tags=["logs"])
_MOST: Final = 10_000


@router.get("/logs/search", **answers(models.LogPage))
def search(
    request: Request,
    services: Services,
    page: PageNumber = 1,
    size: PageSize = 100,
    sort: Sort = None,
) -> JsonAnswer:
    """Lines of any execution, newest first unless `sort` says otherwise.

    Filters: `q`, `namespace`, `flowId`, `executionId`, `taskId`, `triggerId`, `level` or
    `minLevel`, `startDate`, `endDate`, `timeRange`.
    """
    wanted = log_filter(request.query_params)
    part = services.search.lines(
        wanted, limit=size, offset=(page - 1) * size, newest_first=True, orders=parse_sort(sort)
    )
    total = services.search.count_lines(wanted)
    found = wire.listing([wire.log_line(item) for item in part], total)
    return JsonAnswer({**found, "type": "OFFSET"})


@router.get("/logs/{execution_id}", **answers(list[models.LogModel], 404))
def of_execution(execution_id: str, request: Request, services: Services) -> JsonAnswer:
    """Lines in order, up to 10,000; go on with `after=<index of the last>`.

    Filters: `minLevel`, `taskRunId`, `taskId`, `attempt`.
    """
    services.executions.get(execution_id)
    wanted = log_filter(request.query_params, execution_id)
    return JsonAnswer([wire.log_line(i) for i in services.search.lines(wanted, limit=_MOST)])


@router.delete("/logs/{execution_id}", **answers(None, 404, status=204))
def delete_of_execution(execution_id: str, request: Request, services: Services) -> Response:
    """Delete lines of an execution; filters as in reading them."""
    services.executions.get(execution_id)
    services.search.delete_lines(log_filter(request.query_params, execution_id))
    return Response(status_code=204)


@router.delete("/logs/{namespace}/{flow_id}", **answers(None, status=204))
def delete_of_flow(
    namespace: str, flow_id: str, services: Services, triggerId: str | None = None
) -> Response:
    """Delete lines of a flow, or with `triggerId` those of one of its triggers."""
    wanted = LogFilter(flow=FlowId(namespace, flow_id), trigger_id=triggerId)
    services.search.delete_lines(wanted)
    return Response(status_code=204)


@router.get("/logs/{execution_id}/download", **answers(None, 404, media="text/plain"))
def download(execution_id: str, request: Request, services: Services) -> StreamingResponse:
    """All lines as text, made while they are sent."""
    services.executions.get(execution_id)
    wanted = log_filter(request.query_params, execution_id)
    lines = _as_text(services, wanted)
    return attachment(lines, f"{execution_id}.log", "text/plain; charset=utf-8")


def _as_text(services: ApiServices, wanted: LogFilter) -> Iterator[str]:
    while lines := services.search.lines(wanted, limit=_MOST):
        for item in lines:
            line = item.line
            yield f"{wire.moment(line.at)} {line.level.name} {line.task_id or '-'} {line.message}\n"
        wanted = replace(wanted, after=lines[-1].number)


@router.get("/logs/{execution_id}/follow", **answers(None, 404, media="text/event-stream"))
async def follow(execution_id: str, request: Request, services: Services) -> StreamingResponse:
    """Server-sent events, one per line."""
    await run_in_threadpool(services.executions.get, execution_id)
    wanted = log_filter(request.query_params, execution_id)
    return StreamingResponse(
        follow_logs(services, execution_id, wanted),
        media_type="text/event-stream",
        headers=SSE_HEADERS,
    )
