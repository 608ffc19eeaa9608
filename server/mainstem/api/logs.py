"""Routes of logs, metrics and files of executions."""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from mainstem.api import wire
from mainstem.api.filters import PageNumber, PageSize, log_filter
from mainstem.api.follow import follow_logs
from mainstem.api.services import ApiServices, Services
from mainstem.services.search import LogFilter

router = APIRouter(tags=["logs"])
_CHUNK: Final = 1 << 20
_MOST: Final = 10_000


@router.get("/logs/search")
def search(
    request: Request,
    services: Services,
    page: PageNumber = 1,
    size: PageSize = 100,
) -> wire.Json:
    """Lines of any execution, newest first."""
    wanted = log_filter(request.query_params)
    part = services.search.lines(wanted, limit=size, offset=(page - 1) * size, newest_first=True)
    total = sum(services.search.lines_by_level(wanted).values())
    return wire.listing([wire.log_line(item) for item in part], total)


@router.get("/logs/{execution_id}")
def of_execution(execution_id: str, request: Request, services: Services) -> list[wire.Json]:
    """Lines in order, up to 10,000; go on with `after=<index of the last>`."""
    services.executions.get(execution_id)
    wanted = log_filter(request.query_params, execution_id)
    return [wire.log_line(item) for item in services.search.lines(wanted, limit=_MOST)]


@router.get("/logs/{execution_id}/download")
def download(execution_id: str, request: Request, services: Services) -> StreamingResponse:
    """All lines as text."""
    services.executions.get(execution_id)
    wanted = log_filter(request.query_params, execution_id)
    return StreamingResponse(
        _as_text(services, wanted),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{execution_id}.log"'},
    )


def _as_text(services: ApiServices, wanted: LogFilter) -> Iterator[str]:
    while lines := services.search.lines(wanted, limit=_MOST):
        for item in lines:
            line = item.line
            yield f"{wire.moment(line.at)} {line.level.name} {line.task_id or '-'} {line.message}\n"
        wanted = replace(wanted, after=lines[-1].number)


@router.get("/logs/{execution_id}/follow")
async def follow(execution_id: str, request: Request, services: Services) -> StreamingResponse:
    """Server-sent events, one per line."""
    await run_in_threadpool(services.executions.get, execution_id)
    wanted = log_filter(request.query_params, execution_id)
    return StreamingResponse(
        follow_logs(services, execution_id, wanted),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/metrics/{execution_id}")
def metrics(execution_id: str, services: Services) -> wire.Json:
    """Figures reported by the tasks of an execution."""
    services.executions.get(execution_id)
    found = services.search.metrics(execution_id)
    return wire.listing([wire.metric(item) for item in found], len(found))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


@router.get("/executions/{execution_id}/file")
def file(execution_id: str, path: str, services: Services) -> StreamingResponse:
    """Download a file of the execution by its URI."""
    execution = services.executions.get(execution_id)
    info = services.previews.info(execution, path)
    safe = "".join(c if c.isascii() and c.isprintable() and c != '"' else "_" for c in info.name)
    return StreamingResponse(
        _chunks(services.previews.open(execution, path)),
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{safe}"',
            "Content-Length": str(info.size),
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.get("/executions/{execution_id}/file/metas")
def file_metas(execution_id: str, path: str, services: Services) -> wire.Json:
    """Size in bytes."""
    return {"size": services.previews.info(services.executions.get(execution_id), path).size}
