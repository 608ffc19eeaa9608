"""All triggers: when they fire, how they stand, and what holds them up."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.ui.desk import Desk, desk
from mainstem.ui.paging import part_of
from mainstem.ui.render import Frame, link, query_string
from mainstem.ui.triggers import TriggerLine, by_flow

router = APIRouter()


@router.get("/triggers")
def page_triggers(request: Request) -> Response:
    """The whole list page."""
    here = desk(request)
    context = _context(here, request) | {
        "namespaces": sorted(here.services.flows.namespaces()),
        "refresh": f"{link('triggers', '_rows')}{query_string(dict(request.query_params))}",
    }
    frame = Frame("triggers", "Triggers", topics=("triggers",))
    return here.renderer.page(request, "triggers", frame, context)


@router.get("/triggers/_rows")
def part_rows(request: Request) -> Response:
    """The rows alone."""
    here = desk(request)
    return here.renderer.part(request, "triggers_rows", _context(here, request))


def _context(here: Desk, request: Request) -> dict[str, object]:
    text = request.query_params.get("q", "")
    namespace = request.query_params.get("namespace", "")
    flows = here.services.flows.all(namespace or None)
    found = [line for lines in by_flow(here, flows).values() for line in lines] if flows else []
    rows = [line for line in found if _matches(line, text)]
    rows.sort(key=lambda line: (line.next_at is None, line.next_at or here.clock.now(), line.flow))
    part = part_of(rows, request.query_params, "triggers")
    return {"rows": part.rows, "part": part, "text": text, "namespace": namespace}


def _matches(line: TriggerLine, text: str) -> bool:
    content = f"{line.id} {line.flow} {line.type} {line.words}".lower()
    return all(word in content for word in text.lower().split())
