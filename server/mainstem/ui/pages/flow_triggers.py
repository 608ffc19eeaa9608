"""The triggers of one flow: next fires, last evaluations, the switch, and open backfills."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from mainstem.errors import InvalidInput, MainstemError, NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.trigger import Backfill, BackfillState, Evaluation, TriggerKey
from mainstem.ui import charts
from mainstem.ui.desk import Desk, desk
from mainstem.ui.flash import redirect
from mainstem.ui.pages.flow import PATH, common, frame_of, shown
from mainstem.ui.render import flow_link
from mainstem.ui.security import PostedForm
from mainstem.ui.triggers import TriggerLine, of_flow, outcome

router = APIRouter()
_FIRES = 5
_EVALUATIONS = 8
_BACKFILLS = 3


@dataclass(frozen=True, slots=True)
class EvaluationLine:
    """One look at a trigger that came to something."""

    at: datetime
    text: str
    slot: datetime | None
    execution_id: str | None


@dataclass(frozen=True, slots=True)
class BackfillLine:
    """A backfill with how far it is and what may be done with it."""

    item: Backfill
    handled: int
    failed: int
    eta_seconds: float | None
    bar: Markup

    @property
    def can_pause(self) -> bool:
        return self.item.state is BackfillState.RUNNING

    @property
    def can_resume(self) -> bool:
        return self.item.state is BackfillState.PAUSED


@dataclass(frozen=True, slots=True)
class Card:
    """A trigger with everything its card shows."""

    line: TriggerLine
    fires: Sequence[datetime]
    fault: str
    evaluations: Sequence[EvaluationLine]
    backfills: Sequence[BackfillLine]


@router.get(PATH + "/triggers")
def page_triggers(request: Request, namespace: str, flow_id: str) -> Response:
    """A card for each trigger."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    context = common(found, "triggers") | _context(here, found.id)
    frame = frame_of(found, "triggers")
    return here.renderer.page(request, "flow_triggers", frame, context)


@router.get(PATH + "/_triggers")
def part_triggers(request: Request, namespace: str, flow_id: str) -> Response:
    """The cards alone."""
    here = desk(request)
    context = _context(here, FlowId(namespace, flow_id))
    return here.renderer.part(request, "flow_triggers", context)


def _context(here: Desk, flow: FlowId) -> dict[str, object]:
    lines = of_flow(here, here.services.flows.head(flow))
    return {
        "flow_id": flow,
        "base": flow_link(flow.namespace, flow.id),
        "triggers": [_card(here, line) for line in lines],
    }


def _card(here: Desk, line: TriggerLine) -> Card:
    service = here.services.triggers
    if not line.known:
        return Card(line, (), "", (), ())
    fires, fault = _fires(here, line)
    evaluations = service.evaluations(line.flow, line.id, _EVALUATIONS)
    made = service.backfills.of_trigger(TriggerKey(line.flow, line.id), limit=_BACKFILLS)
    return Card(
        line,
        fires,
        fault,
        [_evaluation(item) for item in evaluations],
        [_backfill(here, item) for item in made],
    )


def _fires(here: Desk, line: TriggerLine) -> tuple[Sequence[datetime], str]:
    """The next dates, or why they cannot be told."""
    if not line.is_on or not line.is_schedule:
        return (), ""
    try:
        return here.services.triggers.next_dates(line.flow, line.id, _FIRES), ""
    except MainstemError as error:
        return (), error.message


def _evaluation(item: Evaluation) -> EvaluationLine:
    text = outcome(item.outcome, item.reason)
    return EvaluationLine(item.at, text, item.slot, item.execution_id)


def _backfill(here: Desk, item: Backfill) -> BackfillLine:
    progress = here.services.triggers.backfills.progress(item.id)
    family = "failed" if progress.counts.failed else "running" if item.state.is_open else "neutral"
    return BackfillLine(
        item,
        progress.handled,
        progress.counts.failed,
        progress.eta.total_seconds() if progress.eta else None,
        charts.progress(progress.handled, item.total, family),
    )


@router.post(PATH + "/_toggle")
def toggle(request: Request, namespace: str, flow_id: str, form: PostedForm) -> Response:
    """Switch a trigger on or off."""
    name, disabled = str(form.get("trigger") or ""), form.get("disabled") == "true"
    flow = FlowId(namespace, flow_id)
    if not desk(request).services.triggers.set_disabled(flow, name, disabled):
        raise NotFound(f"flow {flow} has no trigger {name}")
    back = str(form.get("back") or flow_link(namespace, flow_id, "triggers"))
    return redirect(back, f"{name} is switched {'off' if disabled else 'on'}")


@router.post(PATH + "/_unlock")
def unlock(request: Request, namespace: str, flow_id: str, form: PostedForm) -> Response:
    """Free a trigger from the execution it waits for."""
    name = str(form.get("trigger") or "")
    desk(request).services.triggers.unlock(FlowId(namespace, flow_id), name)
    return redirect(flow_link(namespace, flow_id, "triggers"), f"{name} waits no longer")


@router.post(PATH + "/_backfill")
def steer(request: Request, namespace: str, flow_id: str, form: PostedForm) -> Response:
    """Pause, resume or cancel a backfill."""
    service = desk(request).services.triggers.backfills
    actions: Mapping[str, Callable[[str], Backfill]] = {
        "pause": service.pause,
        "resume": service.resume,
        "cancel": service.cancel,
    }
    action = str(form.get("action") or "")
    if action not in actions:
        raise InvalidInput(f"`{action}` is not an action on backfills")
    item = actions[action](str(form.get("id") or ""))
    said = f"The backfill is {item.state.value.lower()}"
    return redirect(flow_link(namespace, flow_id, "triggers"), said)
