"""The list of flows: last runs as ticks, next fire, and search in sources."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from mainstem.flowspec.problems import Problem
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.services.flows import FlowRevision
from mainstem.ui import charts, highlight
from mainstem.ui.desk import Desk, desk
from mainstem.ui.paging import Part, part_of
from mainstem.ui.render import Frame, link, query_string
from mainstem.ui.triggers import TriggerLine, by_flow
from mainstem.ui.views import ExecutionLine, line, tick

router = APIRouter()
_TICKS = 20
_HITS = 100
_LINES_OF_A_HIT = 8


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One flow of the list."""

    namespace: str
    id: str
    description: str | None
    disabled: bool
    revision: int
    commit: str | None
    ticks: Markup
    last: ExecutionLine | None
    triggers: Sequence[TriggerLine]
    fault: Problem | None = None

    @property
    def next_at(self) -> datetime | None:
        times = [t.next_at for t in self.triggers if t.next_at and not t.disabled]
        return min(times, default=None)

    @property
    def triggers_off(self) -> int:
        return sum(t.disabled for t in self.triggers)


@dataclass(frozen=True, slots=True)
class Hit:
    """The lines of one source that hold what was searched."""

    namespace: str
    id: str
    lines: Sequence[highlight.Line]


@router.get("/flows")
def page_flows(request: Request) -> Response:
    """The whole list page."""
    here = desk(request)
    context = _context(here, request)
    context |= {
        "namespaces": sorted(here.services.flows.namespaces()),
        "refresh": f"{link('flows', '_rows')}{context['query']}",
    }
    frame = Frame("flows", "Flows", topics=("executions", "flows"))
    return here.renderer.page(request, "flows", frame, context)


@router.get("/flows/_rows")
def part_rows(request: Request) -> Response:
    """Rows or hits."""
    here = desk(request)
    return here.renderer.part(request, "flows_rows", _context(here, request))


def _context(here: Desk, request: Request) -> dict[str, object]:
    query = request.query_params
    text, namespace = query.get("q", ""), query.get("namespace", "")
    mode = query.get("mode", "")
    hits: list[Hit] = []
    rows: list[FlowLine] = []
    part: Part[FlowRevision] = part_of((), query, "flows")
    if mode == "source" and text:
        found = here.services.flows.search(text, _HITS)
        hits = [_hit(item, text) for item in found if _is_in(item.flow, namespace)]
    else:
        flows = here.services.flows.all(namespace or None)
        part = part_of([item for item in flows if _matches(item, text)], query, "flows")
        rows = flow_lines(here, part.rows)
    return {
        "rows": rows,
        "part": part,
        "hits": hits,
        "text": text,
        "namespace": namespace,
        "mode": mode,
        "query": query_string(dict(query)),
    }


def flow_lines(here: Desk, flows: Sequence[FlowRevision]) -> list[FlowLine]:
    """Flows with their last runs and triggers, by three questions whatever their number."""
    ids = [item.flow for item in flows]
    latest = here.services.search.latest_of_flows(ids, each=_TICKS)
    triggers = by_flow(here, flows) if flows else {}
    now = here.clock.now()
    return [
        replace(
            _line(item, latest.get(item.flow, []), triggers.get(item.flow, ()), now),
            fault=here.services.flows.fault(item),
        )
        for item in flows
    ]


def _line(
    item: FlowRevision, runs: Sequence[Execution], triggers: Sequence[TriggerLine], now: datetime
) -> FlowLine:
    return FlowLine(
        namespace=item.flow.namespace,
        id=item.flow.id,
        description=item.description,
        disabled=item.disabled,
        revision=item.revision,
        commit=item.origin.commit if item.origin else None,
        ticks=charts.ticks([tick(run, now) for run in reversed(runs)]),
        last=line(runs[0]) if runs else None,
        triggers=triggers,
    )


def _matches(item: FlowRevision, text: str) -> bool:
    words = text.lower().split()
    labels = " ".join(f"{k}:{v}" for k, v in item.labels.items())
    content = f"{item.flow} {item.description or ''} {labels}".lower()
    return all(word in content for word in words)


def _is_in(flow: FlowId, namespace: str) -> bool:
    return not namespace or f"{flow.namespace}.".startswith(f"{namespace}.")


def _hit(item: FlowRevision, text: str) -> Hit:
    lines = [
        highlight.Line(number, _marked(line, text))
        for number, line in enumerate(item.source.splitlines(), start=1)
        if text.lower() in line.lower()
    ]
    return Hit(item.flow.namespace, item.flow.id, lines[:_LINES_OF_A_HIT])


def _marked(line: str, text: str) -> Markup:
    pieces = re.split(f"({re.escape(text)})", line, flags=re.IGNORECASE)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if i % 2 else piece
        for i, piece in enumerate(pieces)
    )
