"""The log of one execution: filtered, followed by cursor, downloadable; and its files."""

from collections.abc import Iterator
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from mainstem.errors import InvalidInput
from mainstem.model.log import Level
from mainstem.services.search import LogFilter, SearchService
from mainstem.ui import ansi
from mainstem.ui import format as words
from mainstem.ui.desk import Desk, desk
from mainstem.ui.pages.execution import PATH, Seen, seen, show
from mainstem.ui.render import query_string

router = APIRouter()
_FIRST = 1_000
_NEXT = 2_000
_CONTEXT = 300
_DEFAULT = Level.INFO


@router.get(PATH + "/logs")
def page_logs(request: Request, execution_id: str) -> Response:
    """The last lines, those before a line, or those around one."""
    here = desk(request)
    found = seen(here, execution_id)
    wanted = _wanted(request, execution_id)
    context = _first(request, here, found, wanted)
    counts = here.services.search.lines_by_level(LogFilter(execution_id=execution_id))
    context |= {
        "wanted": wanted,
        "wanted_level": wanted.level.name,
        "levels": [level.name for level in Level],
        "level_counts": {
            level.name: sum(n for other, n in counts.items() if other >= level) for level in Level
        },
        "tasks": sorted({run.task_id for run in found.runs}),
        "task": request.query_params.get("task", ""),
        "attempt": request.query_params.get("attempt", ""),
        "filter_query": query_string(_shape(request)),
    }
    return show(request, "logs", context, found)


@router.get(PATH + "/_logs")
def part_logs(request: Request, execution_id: str, after: int | None = None) -> Response:
    """The lines after a cursor with the next cursor; without one, as the page shows first."""
    here = desk(request)
    found = seen(here, execution_id)
    wanted = _wanted(request, execution_id)
    if after is None:
        return here.renderer.part(request, "execution_logs", _first(request, here, found, wanted))
    lines = here.services.search.lines(replace(wanted, after=after), limit=_NEXT)
    if not lines:
        return Response(status_code=204)
    context = {
        "lines": lines,
        "first": False,
        "next": _next(request, found, lines[-1].number),
    }
    return here.renderer.part(request, "execution_logs", context)


@router.get(PATH + "/_logs.txt")
def download_logs(request: Request, execution_id: str) -> Response:
    """Every matching line as text, read in parts."""
    here = desk(request)
    seen(here, execution_id)
    wanted = _wanted(request, execution_id)
    return StreamingResponse(
        _text(here.services.search, wanted),
        media_type="text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{execution_id}.log"'},
    )


def _text(search: SearchService, wanted: LogFilter) -> Iterator[str]:
    while True:
        lines = search.lines(wanted, limit=_NEXT)
        for item in lines:
            line = item.line
            task = f" [{line.task_id}]" if line.task_id else ""
            yield f"{words.iso(line.at)} {line.level.name:5}{task} {ansi.plain(line.message)}\n"
        if len(lines) < _NEXT:
            return
        wanted = replace(wanted, after=lines[-1].number)


def _wanted(request: Request, execution_id: str) -> LogFilter:
    query = request.query_params
    task, attempt = query.get("task"), query.get("attempt")
    return LogFilter(
        execution_id=execution_id,
        level=level_of(query.get("level")),
        text=query.get("q") or None,
        task_ids=[task] if task else (),
        attempt=int(attempt) if attempt and attempt.isdigit() else None,
    )


def level_of(name: str | None, default: Level = _DEFAULT) -> Level:
    """A level by name; raises InvalidInput for an unknown one."""
    if not name:
        return default
    if name.upper() not in Level.__members__:
        raise InvalidInput(f"`{name}` is not a level: choose one of {', '.join(Level.__members__)}")
    return Level[name.upper()]


def _shape(request: Request) -> dict[str, object]:
    query = request.query_params
    return {key: query.get(key) for key in ("level", "q", "task", "attempt")}


def _first(request: Request, here: Desk, found: Seen, wanted: LogFilter) -> dict[str, object]:
    query, search = request.query_params, here.services.search
    before, around = query.get("before", ""), query.get("around", "")
    if around.isdigit():
        start = search.lines(
            replace(wanted, before=int(around)), limit=_CONTEXT, newest_first=True
        )[::-1]
        lines = start + search.lines(replace(wanted, after=int(around) - 1), limit=_FIRST)
    else:
        edge = replace(wanted, before=int(before)) if before.isdigit() else wanted
        lines = search.lines(edge, limit=_FIRST, newest_first=True)[::-1]
    older = ""
    if len(lines) >= _CONTEXT:
        older = f"{found.base}/logs{query_string({**_shape(request), 'before': lines[0].number})}"
    return {
        "lines": lines,
        "first": True,
        "older": older,
        "nothing": _nothing(here, found, wanted) if not lines else "",
        "next": _next(request, found, lines[-1].number if lines else 0),
    }


def _next(request: Request, found: Seen, after: int) -> str:
    return f"{found.base}/_logs{query_string({**_shape(request), 'after': after})}"


def _nothing(here: Desk, found: Seen, wanted: LogFilter) -> str:
    counts = here.services.search.lines_by_level(LogFilter(execution_id=found.execution.id))
    if wanted.text or wanted.task_ids:
        return "No line matches these filters."
    lower = next((level for level in sorted(counts, reverse=True) if counts[level]), None)
    if lower is None:
        return "No log lines yet." if not found.execution.state.is_terminal else "No log lines."
    return f"No lines at this level ({counts[lower]} at {lower.name})."
