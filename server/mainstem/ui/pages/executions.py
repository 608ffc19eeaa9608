"""The list of executions with filters, counts, paging and actions on many."""

import logging
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from mainstem.errors import InvalidInput, MainstemError
from mainstem.model.execution import Execution
from mainstem.model.state import State
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import PERIOD_WORDS, Filters
from mainstem.ui.flash import redirect
from mainstem.ui.render import Frame, link, query_string
from mainstem.ui.security import PostedForm
from mainstem.ui.views import ExecutionLine, line

router = APIRouter()
_log = logging.getLogger("mainstem.ui")
_SIZES = (25, 50, 100)
_MOST_AT_ONCE = 200


@router.get("/executions")
def page_executions(request: Request) -> Response:
    """The whole list page."""
    here = desk(request)
    context = _context(here, request)
    namespaces = sorted(here.services.flows.namespaces())
    context |= {
        "namespaces": namespaces,
        "periods": PERIOD_WORDS,
        "total": _total(context),
        "all_query": query_string(Filters.of(request).given),
        "here": f"{link('executions')}{context['query']}",
        "refresh": f"{link('executions', '_rows')}{context['query']}",
    }
    frame = Frame("executions", "Executions", topics=("executions",))
    return here.renderer.page(request, "executions", frame, context)


def _total(context: Mapping[str, object]) -> int:
    """How many match: the counts are over all states, the filter may name some."""
    counts, filters = context["counts"], context["filters"]
    if not isinstance(counts, dict) or not isinstance(filters, Filters):
        return 0
    return sum(n for state, n in counts.items() if not filters.state or state in filters.state)


@router.get("/executions/_rows")
def part_rows(request: Request) -> Response:
    """Counts, rows and paging."""
    here = desk(request)
    return here.renderer.part(request, "executions_rows", _context(here, request))


@router.post("/executions/_bulk")
def act_on_many(request: Request, form: PostedForm) -> Response:
    """Kill or restart the selected executions; those that cannot be are left and counted."""
    executions = desk(request).services.executions
    actions: Mapping[str, Callable[[str], Execution]] = {
        "kill": executions.kill,
        "restart": executions.restart,
    }
    action = str(form.get("action", ""))
    ids = [value for value in form.getlist("id") if isinstance(value, str)]
    if action not in actions:
        raise InvalidInput(f"`{action}` is not an action on executions")
    if not 0 < len(ids) <= _MOST_AT_ONCE:
        raise InvalidInput(f"Select between 1 and {_MOST_AT_ONCE} executions.")
    done, refused = 0, []
    for execution_id in ids:
        try:
            actions[action](execution_id)
            done += 1
        except MainstemError as error:
            refused.append(f"{execution_id[:8]}: {error}")
    back = str(form.get("back", ""))
    target = back if back.startswith("/ui/executions") else link("executions")
    said = f"{action.capitalize()} asked for {done} of {len(ids)}"
    return redirect(target, "; ".join([said, *refused[:3]]))


def _context(here: Desk, request: Request) -> dict[str, object]:
    filters = Filters.of(request)
    now = here.clock.now()
    wanted = filters.wanted(now)
    after = request.query_params.get("after")
    size = _size(request.query_params.get("size"))
    page = here.services.search.page(wanted, limit=size, after=after)
    shape = {**filters.given, "size": size if size != _SIZES[0] else None}
    return {
        "filters": filters,
        "counts": _counts(here, filters),
        "rows": with_notes(here, page.executions),
        "newest": link("executions", **shape) if after else "",
        "older": link("executions", **shape, after=page.next) if page.next else "",
        "query": query_string({**shape, "after": after}),
    }


def with_notes(here: Desk, executions: list[Execution]) -> list[ExecutionLine]:
    """Rows with the first error line of those that failed."""
    failed = [e.id for e in executions if e.state in (State.FAILED, State.WARNING)]
    notes = here.services.search.first_errors(failed)
    return [line(execution, notes.get(execution.id)) for execution in executions]


def _counts(here: Desk, filters: Filters) -> dict[State, int] | None:
    """Counts by state, or none when they cannot be had: the list is worth more than they are."""
    try:
        return here.services.search.count_by_state(filters.wanted(here.clock.now(), any_state=True))
    except MainstemError:
        raise
    except Exception:
        _log.exception("counts by state failed")
        return None


def _size(text: str | None) -> int:
    wanted = int(text) if text and text.isdigit() else _SIZES[0]
    return wanted if wanted in _SIZES else _SIZES[0]


@router.get("/executions/{execution_id}")
def find(request: Request, execution_id: str) -> Response:
    """An execution by its id alone leads to its page."""
    execution = desk(request).services.executions.get(execution_id)
    flow = execution.flow
    return RedirectResponse(link("executions", flow.namespace, flow.id, execution_id), 303)
