"""Further tabs of a flow: its log lines, its metrics over time, and the flows around it."""

import json
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.services.dependencies import FlowGraph
from mainstem.services.metric_figures import Aggregation, Series
from mainstem.services.search import LogFilter
from mainstem.ui import topology_svg
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import PERIOD_WORDS, since
from mainstem.ui.pages.execution_logs import level_of
from mainstem.ui.pages.flow import PATH, common, frame_of, shown
from mainstem.ui.pages.logs import found_lines
from mainstem.ui.render import flow_link, query_string
from mainstem.ui.topology import Group, Step, Topology

router = APIRouter()
_MONTH = timedelta(days=30)


@router.get(PATH + "/logs")
def page_logs(request: Request, namespace: str, flow_id: str) -> Response:
    """Lines of all its executions, newest first."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    query = request.query_params
    context = common(found, "logs") | _lines(here, request, found.id)
    context |= {
        "q": query.get("q", ""),
        "level": level_of(query.get("level")).name,
        "levels": [level.name for level in Level],
        "since_value": query.get("since", "24h"),
        "periods": PERIOD_WORDS,
        "refresh": f"{found.base}/_logs{query_string(dict(query))}",
    }
    return here.renderer.page(request, "flow_logs", frame_of(found), context)


@router.get(PATH + "/_logs")
def part_logs(request: Request, namespace: str, flow_id: str) -> Response:
    """The lines alone."""
    here = desk(request)
    context = _lines(here, request, FlowId(namespace, flow_id))
    return here.renderer.part(request, "logs_found", context)


def _lines(here: Desk, request: Request, flow: FlowId) -> dict[str, object]:
    query = request.query_params
    before = query.get("before", "")
    wanted = LogFilter(
        flow=flow,
        level=level_of(query.get("level")),
        text=query.get("q") or None,
        start=since(query.get("since", "24h"), here.clock.now()),
        before=int(before) if before.isdigit() else None,
    )
    base = flow_link(flow.namespace, flow.id, "logs")
    return found_lines(here, request, wanted, base) | {"clear": base}


@router.get(PATH + "/metrics")
def page_metrics(request: Request, namespace: str, flow_id: str) -> Response:
    """One metric of the flow or of a task over time, as a chart and as a table."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    figures, query = here.services.figures, request.query_params
    tasks = figures.tasks(found.id)
    task = query.get("task") if query.get("task") in tasks else None
    names = figures.names(found.id, task)
    name = query.get("metric") if query.get("metric") in names else next(iter(names), None)
    how = Aggregation(query["how"]) if query.get("how") in list(Aggregation) else Aggregation.SUM
    now = here.clock.now()
    start = since(query.get("since", "30d"), now) or now - _MONTH
    buckets, step = [], ""
    if name is not None:
        series = figures.over_time(Series(found.id, name, task), how, start, now)
        buckets, step = series.buckets, series.step
    chart = {
        "name": name,
        "x": [int(item.start.timestamp()) for item in buckets],
        "y": [item.value for item in buckets],
    }
    context = common(found, "metrics") | {
        "tasks": tasks, "task": task or "", "names": names, "metric": name or "",
        "how": how.value, "hows": [item.value for item in Aggregation],
        "since_value": query.get("since", "30d"), "periods": PERIOD_WORDS, "step": step,
        "chart": json.dumps(chart), "buckets": [b for b in buckets if b.value is not None],
    }  # fmt: skip
    return here.renderer.page(request, "flow_metrics", frame_of(found), context)


@router.get(PATH + "/dependencies")
def page_dependencies(request: Request, namespace: str, flow_id: str) -> Response:
    """Flows that start it and that it starts, drawn and listed."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    everything = request.query_params.get("depth") == "all"
    graph = here.services.dependencies.of_flow(found.id, depth=None if everything else 1)
    topology = _drawn(graph, found.id)
    label = f"Flows around {found.id.id}"
    context = common(found, "dependencies") | {
        "everything": everything,
        "drawing": topology_svg.draw(topology, here.assets.url("icons.svg"), label=label),
        "edges": [
            {
                "source": edge.source, "target": edge.target, "by": edge.by,
                "word": "subflow" if edge.relation.value == "FLOW_TASK" else "Flow trigger",
                "missing": edge.target in graph.missing,
            }
            for edge in graph.edges
        ],
    }  # fmt: skip
    return here.renderer.page(request, "flow_dependencies", frame_of(found), context)


def _drawn(graph: FlowGraph, centre: FlowId) -> Topology:
    """Boxes are named by the flow's id, and by its namespace where that differs."""
    names = {
        node: node.id if node.namespace == centre.namespace else str(node) for node in graph.nodes
    }
    steps = tuple(
        Step(
            id=names[node],
            type="core.flow.Flow",
            disabled=node in graph.missing,
            note="missing" if node in graph.missing else "this flow" if node == centre else "",
            href=None if node in graph.missing else flow_link(node.namespace, node.id),
        )
        for node in graph.nodes
    )
    edges = tuple((names[e.source], names[e.target]) for e in graph.edges)
    return Topology((), Group("", steps, "dag", edges))
