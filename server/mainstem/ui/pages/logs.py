"""Search in the log lines of all executions."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.services.search import LogFilter
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import PERIOD_WORDS, since
from mainstem.ui.pages.execution_logs import level_of
from mainstem.ui.render import Frame, execution_link, link, query_string

router = APIRouter()
_SIZE = 200


@router.get("/logs")
def page_logs(request: Request) -> Response:
    """Filters and the newest matching lines."""
    here = desk(request)
    query = request.query_params
    context = _found(here, request)
    context |= {
        "q": query.get("q", ""),
        "level": level_of(query.get("level")).name,
        "levels": [level.name for level in Level],
        "namespace": query.get("namespace", ""),
        "namespaces": sorted(here.services.flows.namespaces()),
        "flow": query.get("flow", ""),
        "since_value": query.get("since", "24h"),
        "periods": PERIOD_WORDS,
        "active": bool(query),
        "refresh": f"{link('logs', '_found')}{query_string(dict(query))}",
    }
    return here.renderer.page(request, "logs", Frame("logs", "Logs"), context)


@router.get("/logs/_found")
def part_found(request: Request) -> Response:
    """The lines alone."""
    here = desk(request)
    return here.renderer.part(request, "logs_found", _found(here, request))


def _found(here: Desk, request: Request) -> dict[str, object]:
    query = request.query_params
    before = query.get("before", "")
    wanted = LogFilter(
        namespace=query.get("namespace") or None,
        flow_id=query.get("flow") or None,
        level=level_of(query.get("level")),
        text=query.get("q") or None,
        start=since(query.get("since", "24h"), here.clock.now()),
        before=int(before) if before.isdigit() else None,
    )
    return found_lines(here, request, wanted, link("logs")) | {"clear": link("logs")}


def found_lines(here: Desk, request: Request, wanted: LogFilter, base: str) -> dict[str, object]:
    """The newest matching lines, and the address of older ones."""
    query = request.query_params
    lines, rest_before = here.services.search.recent_lines(wanted, limit=_SIZE)
    shown = [_line(item.line, item.flow, item.number) for item in lines]
    older = ""
    if rest_before is not None:
        rest = {key: value for key, value in query.items() if key != "before"}
        older = f"{base}{query_string({**rest, 'before': rest_before})}"
    return {"lines": shown, "older": older}


def _line(line: LogLine, flow: FlowId | None, number: int) -> dict[str, object]:
    href = ""
    if flow and line.execution_id:
        base = execution_link(flow.namespace, flow.id, line.execution_id, "logs")
        level = f"&level={line.level.name}" if line.level < Level.INFO else ""
        href = f"{base}?around={number}{level}#L{number}"
    where = " › ".join(filter(None, [flow.id if flow else None, line.task_id or line.trigger_id]))
    return {"line": replace(line), "href": href, "where": where or "server"}
