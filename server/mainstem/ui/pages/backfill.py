"""Run a schedule for dates of the past: a form, its preview, and the start."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from mainstem.errors import InvalidInput, MainstemError, NotFound
from mainstem.model.trigger import BackfillPolicy, TriggerKey
from mainstem.sdk.flow import Flow
from mainstem.services.backfills import BackfillPlan, NewBackfill
from mainstem.ui import inputs_form
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import read_labels
from mainstem.ui.flash import redirect
from mainstem.ui.inputs_form import FormField
from mainstem.ui.pages.flow import PATH, Shown, frame_of, shown
from mainstem.ui.render import Crumb
from mainstem.ui.security import PostedForm
from mainstem.ui.triggers import TriggerLine, of_flow

router = APIRouter()
_POLICIES: Final = (
    (BackfillPolicy.MISSING.value, "Only dates without an execution"),
    (BackfillPolicy.FAILED.value, "Also dates that did not succeed"),
    (BackfillPolicy.ALL.value, "All dates, again"),
)
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it stands: its flow and schedule, what was typed, which inputs were given."""

    found: Shown
    line: TriggerLine
    values: Mapping[str, str]
    given: Mapping[str, object]


@router.get(PATH + "/backfill")
def page_backfill(request: Request, namespace: str, flow_id: str, trigger: str) -> Response:
    """The form, with the last month as the window."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    now = here.clock.now().replace(second=0, microsecond=0, tzinfo=None)
    values = _values(FormData()) | {
        "start": (now - timedelta(days=31)).isoformat(timespec="minutes"),
        "end": now.isoformat(timespec="minutes"),
    }
    return _form(request, Asked(found, _line(here, found, trigger), values, {}))


@router.post(PATH + "/backfill")
def start(
    request: Request, namespace: str, flow_id: str, form: PostedForm, preview: bool = False
) -> Response:
    """Begin it, or show slot by slot what would happen."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    line = _line(here, found, str(form.get("trigger") or ""))
    values = _values(form)
    given = inputs_form.given(form, found.flow.inputs) if found.flow else {}
    asked = Asked(found, line, values, given)
    service = here.services.triggers.backfills
    try:
        wanted = _wanted(line, values, _changed(here, found.flow, line, given))
        if preview:
            return _form(request, asked, plan=service.preview(wanted))
        item = service.create(wanted)
    except (InvalidInput, MainstemError) as error:
        return _form(request, asked, error=str(error))
    return redirect(f"{found.base}/triggers", f"The backfill of {item.total} dates has begun")


def _line(here: Desk, found: Shown, trigger: str) -> TriggerLine:
    for line in of_flow(here, found.head):
        if line.id == trigger and line.is_schedule:
            return line
    raise NotFound(f"flow {found.id} has no schedule {trigger}")


def _values(form: FormData) -> dict[str, str]:
    keys = {"start": "", "end": "", "max_active": "1", "order": "oldest", "labels": "",
            "policy": BackfillPolicy.MISSING.value}  # fmt: skip
    return {key: str(form.get(key) or default) for key, default in keys.items()}


def _wanted(
    line: TriggerLine, values: Mapping[str, str], inputs: Mapping[str, object]
) -> NewBackfill:
    if not values["max_active"].isdigit():
        raise InvalidInput("`At once` must be a number")
    start = _moment(values["start"], "From")
    if start is None:
        raise InvalidInput("Say from when the dates are to be run.")
    return NewBackfill(
        TriggerKey(line.flow, line.id),
        start,
        _moment(values["end"], "To"),
        policy=BackfillPolicy(values["policy"]),
        newest_first=values["order"] == "newest",
        max_active=int(values["max_active"]),
        inputs=inputs,
        labels=read_labels(values["labels"]),
    )


def _moment(text: str, field: str) -> datetime | None:
    """A `datetime-local` field; without a zone it is meant in the trigger's."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"`{field}` is not a date and time") from error


def _fields(here: Desk, flow: Flow | None, given: Mapping[str, object]) -> list[FormField]:
    """Fields of the flow's inputs, without faults: they are checked when a date is run."""
    if flow is None:
        return []
    resolved = here.services.inputs.check(flow, "preview", given, {}, store=False)
    fields = inputs_form.fields(resolved.inputs, given)
    return [replace(f, error="", required=False) for f in fields if f.control != "file"]


def _own(line: TriggerLine) -> dict[str, object]:
    """The inputs that the trigger sets to plain values."""
    return {k: v for k, v in line.inputs.items() if "{{" not in str(v)}


def _changed(
    here: Desk, flow: Flow | None, line: TriggerLine, given: Mapping[str, object]
) -> dict[str, object]:
    """What the reader set otherwise than the trigger and the defaults would."""
    shown_first = {field.id: field for field in _fields(here, flow, _own(line))}
    return {
        key: value
        for key, value in given.items()
        if key not in shown_first
        or value not in (shown_first[key].text, list(shown_first[key].chosen))
    }


def _form(
    request: Request, asked: Asked, *, plan: BackfillPlan | None = None, error: str = ""
) -> Response:
    found, line, values, given = asked.found, asked.line, asked.values, asked.given
    here = desk(request)
    context = {
        "flow_id": found.id,
        "base": found.base,
        "trigger": line,
        "values": values,
        "policies": _POLICIES,
        "fields": _fields(here, found.flow, _own(line) | dict(given)),
        "plan": plan,
        "most": _SHOWN,
        "error": error,
    }
    frame = frame_of(found)
    crumbs = (*frame.crumbs, Crumb(found.id.id, f"{found.base}/triggers"))
    frame = replace(frame, title=f"Backfill {line.id}", crumbs=crumbs)
    status = 422 if error else 200
    return here.renderer.page(request, "backfill", frame, context, status=status)
