"""One flow: overview, topology, executions, source and revisions."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.flowspec.problems import Problem
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Permission
from mainstem.model.state import State
from mainstem.sdk.flow import Flow
from mainstem.services import access
from mainstem.services.flows import FlowRevision
from mainstem.services.search import ExecutionFilter
from mainstem.ui import charts, diff, highlight, painting, topology_svg
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import Filters
from mainstem.ui.pages.executions import with_notes
from mainstem.ui.render import Crumb, Frame, flow_link, link, query_string
from mainstem.ui.triggers import of_flow
from mainstem.ui.views import tick

router = APIRouter()
PATH = "/flows/edit/{namespace}/{flow_id}"
_LAST = 10
_FOR_FIGURES = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """One flow as one request sees it: its head and the revision looked at."""

    head: FlowRevision
    revision: FlowRevision
    flow: Flow | None
    problems: Sequence[Problem]
    base: str

    @property
    def id(self) -> FlowId:
        return self.head.flow


def shown(here: Desk, request: Request, namespace: str, flow_id: str) -> Shown:
    """Load the flow, at the revision that the address names; raises NotFound."""
    flows = here.services.flows
    wanted = request.query_params.get("revision", "")
    identity = FlowId(namespace, flow_id)
    revision = flows.revision(identity, int(wanted) if wanted.isdigit() else None)
    head = revision if not wanted.isdigit() else flows.revisions(identity)[0]
    parsed = flows.parse(revision.source)
    return Shown(head, revision, parsed.flow, parsed.problems, flow_link(namespace, flow_id))


def frame_of(found: Shown, *topics: str) -> Frame:
    """Breadcrumb and title of a flow's pages."""
    crumbs = (
        Crumb("Flows", link("flows")),
        Crumb(found.id.namespace, link("namespaces", found.id.namespace)),
    )
    return Frame("flows", found.id.id, crumbs, topics)


def common(found: Shown, tab: str) -> dict[str, object]:
    """What the head of every tab shows."""
    base = found.base
    may_edit = access.sees(Permission.FLOW_WRITE, found.id.namespace)
    triggers = len(found.flow.triggers) if found.flow else None
    return {
        "flow_id": found.id,
        "head": found.head,
        "revision": found.revision,
        "flow": found.flow,
        "problems": [p for p in found.problems if p.is_error],
        "current": found.revision.revision == found.head.revision,
        "base": base,
        "may_edit": may_edit,
        "tab": tab,
        "tabs": [
            ("overview", "Overview", base, None),
            ("topology", "Topology", f"{base}/topology", None),
            ("executions", "Executions", f"{base}/executions", None),
            ("triggers", "Triggers", f"{base}/triggers", triggers),
            ("logs", "Logs", f"{base}/logs", None),
            ("metrics", "Metrics", f"{base}/metrics", None),
            ("dependencies", "Dependencies", f"{base}/dependencies", None),
            ("source", "Source", f"{base}/source", None),
            *([("edit", "Edit", f"{base}/edit", None)] if may_edit else []),
            ("revisions", "Revisions", f"{base}/revisions", found.head.revision),
        ],
    }


@router.get(PATH)
@router.get(PATH + "/overview")
def page_overview(request: Request, namespace: str, flow_id: str) -> Response:
    """What it is for, how it has been doing, where it comes from."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    context = common(found, "overview") | runs_context(here, found.id)
    context |= {
        "triggers": of_flow(here, found.revision),
        "task_count": sum(1 for _ in found.flow.all_tasks()) if found.flow else 0,
    }
    frame = frame_of(found, "executions")
    return here.renderer.page(request, "flow_overview", frame, context)


@router.get(PATH + "/_runs")
def part_runs(request: Request, namespace: str, flow_id: str) -> Response:
    """Figures and last executions."""
    here = desk(request)
    found = FlowId(namespace, flow_id)
    return here.renderer.part(request, "flow_runs", runs_context(here, found))


def runs_context(here: Desk, flow: FlowId) -> dict[str, object]:
    """Figures over the last hundred executions, and the last ten as rows."""
    wanted = ExecutionFilter(flows=(flow,))
    runs = here.services.search.page(wanted, limit=_FOR_FIGURES).executions
    now = here.clock.now()
    return {
        "flow_id": flow,
        "base": flow_link(flow.namespace, flow.id),
        "rows": with_notes(here, runs[:_LAST]),
        "ticks": charts.ticks([tick(run, now) for run in reversed(runs[:20])]),
        "stats": _stats(runs),
    }


def _stats(runs: Sequence[Execution]) -> dict[str, object]:
    ended = [run for run in runs if run.history.ended_at]
    good = sum(run.state in (State.SUCCESS, State.WARNING) for run in ended)
    lengths = sorted(
        (run.history.ended_at - run.history.started_at).total_seconds()
        for run in ended
        if run.history.ended_at
    )
    return {
        "succeeded": good,
        "ended": len(ended),
        "p50": statistics.median(lengths) if lengths else None,
        "p95": lengths[min(len(lengths) - 1, int(len(lengths) * 0.95))] if lengths else None,
        "running": sum(run.state.is_running for run in runs),
    }


@router.get(PATH + "/topology")
def page_topology(request: Request, namespace: str, flow_id: str) -> Response:
    """The flow as nested boxes; a box leads to its line of the source."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    source = found.revision.source
    plain = painting.from_source(source)
    linked = painting.with_links(plain, found.base, painting.task_lines(source))
    context = common(found, "topology") | {
        "drawing": topology_svg.draw(
            linked, here.assets.url("icons.svg"), label=f"Tasks of {flow_id}"
        ),
        "outline": topology_svg.nested_list(linked),
    }
    return here.renderer.page(request, "flow_topology", frame_of(found), context)


@router.get(PATH + "/executions")
def page_executions(request: Request, namespace: str, flow_id: str) -> Response:
    """Its executions."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    context = common(found, "executions") | _executions(here, request, found.id)
    frame = frame_of(found, "executions")
    return here.renderer.page(request, "flow_executions", frame, context)


@router.get(PATH + "/_executions")
def part_executions(request: Request, namespace: str, flow_id: str) -> Response:
    """Counts, rows and paging."""
    here = desk(request)
    context = _executions(here, request, FlowId(namespace, flow_id))
    return here.renderer.part(request, "flow_executions", context)


def _executions(here: Desk, request: Request, flow: FlowId) -> dict[str, object]:
    filters = Filters.of(request)
    after = request.query_params.get("after")
    state = filters.one("state")
    states = filters.wanted(here.clock.now()).states
    chosen = ExecutionFilter(flows=(flow,), states=states)
    page = here.services.search.page(chosen, limit=25, after=after)
    base = flow_link(flow.namespace, flow.id)
    address = f"{base}/executions"
    return {
        "flow_id": flow,
        "base": base,
        "state": state,
        "counts": here.services.search.count_by_state(ExecutionFilter(flows=(flow,))),
        "rows": with_notes(here, page.executions),
        "newest": f"{address}{query_string({'state': state})}" if after else "",
        "older": f"{address}{query_string({'state': state, 'after': page.next})}"
        if page.next
        else "",
        "refresh": f"{base}/_executions{query_string({'state': state, 'after': after})}",
    }


@router.get(PATH + "/source")
def page_source(request: Request, namespace: str, flow_id: str) -> Response:
    """The source of a revision, its faults marked."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    context = common(found, "source") | {
        "lines": highlight.lines(found.revision.source),
        "faults": [problem.line for problem in found.problems],
    }
    return here.renderer.page(request, "flow_source", frame_of(found), context)


@router.get(PATH + "/revisions")
def page_revisions(request: Request, namespace: str, flow_id: str) -> Response:
    """All revisions, and the difference between two of them."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    revisions = here.services.flows.revisions(found.id)
    sources = {item.revision: item.source for item in revisions}
    query = request.query_params
    old = _number(query.get("old"), sources, found.head.revision - 1)
    new = _number(query.get("new"), sources, found.head.revision)
    known = old in sources and new in sources
    context = common(found, "revisions") | {
        "revisions": revisions,
        "old": old,
        "new": new,
        "difference": diff.compare(sources[old], sources[new]) if known else None,
    }
    return here.renderer.page(request, "flow_revisions", frame_of(found), context)


def _number(text: str | None, known: dict[int, str], default: int) -> int:
    wanted = int(text) if text and text.isdigit() else default
    return wanted if wanted in known else default
