"""Acts on all executions that a filter finds, and how far they are."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import InvalidInput
from mainstem.services.operations import Action
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import Filters
from mainstem.ui.flash import redirect
from mainstem.ui.render import Crumb, Frame, link
from mainstem.ui.security import PostedForm

router = APIRouter()
_OFFERED = (Action.RESTART, Action.REPLAY, Action.KILL, Action.DELETE)


@router.post("/executions/_all")
def act_on_all(request: Request, form: PostedForm) -> Response:
    """Begin an act on all that the filters of the address find."""
    here = desk(request)
    try:
        action = Action(str(form.get("action", "")))
    except ValueError as error:
        raise InvalidInput(f"`{form.get('action')}` is not an action on executions") from error
    if action not in _OFFERED:
        raise InvalidInput(f"`{action}` is not offered for all executions of a list")
    found = here.services.search.matching(Filters.of(request).wanted(here.clock.now()))
    begun = here.services.operations.begin(action, found, {})
    return redirect(link("operations", begun.id), f"Begun for {begun.total} executions")


@router.get("/operations/{operation_id}")
def page_operation(request: Request, operation_id: str) -> Response:
    """How far it is."""
    here = desk(request)
    context = _context(here, operation_id)
    crumbs = (Crumb("Executions", link("executions")),)
    frame = Frame("executions", "Operation", crumbs, (f"operation:{operation_id}",))
    return here.renderer.page(request, "operation", frame, context)


@router.get("/operations/{operation_id}/_progress")
def part_progress(request: Request, operation_id: str) -> Response:
    """The figures alone."""
    here = desk(request)
    return here.renderer.part(request, "operation", _context(here, operation_id))


@router.post("/operations/{operation_id}/_cancel")
def cancel(request: Request, operation_id: str, form: PostedForm) -> Response:
    """Leave the rest as it is."""
    desk(request).services.operations.cancel(operation_id)
    return redirect(link("operations", operation_id), "Cancelled; the rest is left as it is")


def _context(here: Desk, operation_id: str) -> dict[str, object]:
    item = here.services.operations.get(operation_id)
    return {
        "operation": item,
        "refresh": link("operations", operation_id, "_progress"),
        "percent": round(100 * item.done / item.total) if item.total else 100,
    }
