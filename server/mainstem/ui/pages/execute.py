"""Run a flow: a form made of its typed inputs, with every fault at its field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from mainstem.errors import InvalidInput
from mainstem.flowspec.inputs import ResolvedInputs
from mainstem.model.execution import Execution
from mainstem.sdk.flow import Flow
from mainstem.services.executions import NewRun
from mainstem.ui import inputs_form, preferences
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import read_labels
from mainstem.ui.flash import redirect
from mainstem.ui.pages.flow import PATH, Shown, frame_of, shown
from mainstem.ui.render import Crumb, execution_link, flow_link
from mainstem.ui.security import PostedForm

router = APIRouter()
Uploads = Mapping[str, tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds: values of inputs, what else may be set, and why it was refused."""

    given: Mapping[str, object]
    extra: Mapping[str, str]
    error: str = ""


async def posted_uploads(form: PostedForm) -> Uploads:
    """The files of the form, read before the page function runs in its thread."""
    return await inputs_form.uploads(form)


PostedUploads = Annotated[Uploads, Depends(posted_uploads)]


@router.get(PATH + "/execute")
def page_execute(request: Request, namespace: str, flow_id: str) -> Response:
    """The form with defaults, or with the inputs of an earlier execution."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    source = request.query_params.get("source")
    given: dict[str, object] = {}
    labels = ""
    if source:
        earlier = here.services.executions.get(source)
        given = {key: value for key, value in earlier.inputs.items() if not _sealed(value)}
        own = {k: v for k, v in earlier.labels.items() if not k.startswith("system.")}
        labels = ", ".join(f"{k}:{v}" for k, v in own.items())
    template = "execute_dialog" if _by_script(request) else "execute_form"
    return _form(request, found, Typed(given, {"labels": labels}), template=template)


def _sealed(value: object) -> bool:
    return isinstance(value, Mapping) and "type" in value and "value" in value


@router.post(PATH + "/execute")
def execute(
    request: Request, namespace: str, flow_id: str, form: PostedForm, uploads: PostedUploads
) -> Response:
    """Start the execution and show it; with faults the form comes back with what was typed."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    if found.flow is None:
        raise InvalidInput(f"flow {found.id} is invalid: correct its source first")
    typed = _typed(form, found.flow)
    given, extra = typed.given, typed.extra
    checked = here.services.inputs.check(found.flow, "preview", given, uploads, store=False)
    if not checked.ok:
        return _form(request, found, typed, checked)
    try:
        run = NewRun(
            found.id,
            given,
            read_labels(extra["labels"]),
            int(extra["revision"]) if extra["revision"].isdigit() else None,
            schedule_at=local_moment(request, extra["schedule_at"]),
            files=uploads,
        )
        execution = here.services.executions.create(run)
    except InvalidInput as error:
        typed = replace(typed, error=str(error))
        return _form(request, found, typed, checked)
    return _started(request, execution, stay=form.get("act") == "stay")


@router.post(PATH + "/_preview")
def part_preview(request: Request, namespace: str, flow_id: str, form: PostedForm) -> Response:
    """The form again while one fills it in: what depends on what was typed, and faults so far."""
    here = desk(request)
    found = shown(here, request, namespace, flow_id)
    if found.flow is None:
        raise InvalidInput(f"flow {found.id} is invalid: correct its source first")
    typed = _typed(form, found.flow)
    checked = here.services.inputs.check(found.flow, "preview", typed.given, {}, store=False)
    return _form(request, found, typed, checked, preview=True)


def _typed(form: PostedForm, flow: Flow) -> Typed:
    extra = {key: str(form.get(key) or "") for key in ("labels", "schedule_at", "revision")}
    return Typed(inputs_form.given(form, flow.inputs), extra)


def _started(request: Request, execution: Execution, *, stay: bool) -> Response:
    """Follow the execution, or say that it started and stay; a script is told where to go."""
    flow = execution.flow
    said = f"Started {flow.id}: {execution.id}"
    target = execution_link(flow.namespace, flow.id, execution.id)
    if not _by_script(request):
        listed = flow_link(flow.namespace, flow.id, "executions")
        return redirect(listed if stay else target, said)
    told = {"HX-Trigger": json.dumps({"started": said})} if stay else {"HX-Redirect": target}
    return Response(status_code=204, headers=told)


def _by_script(request: Request) -> bool:
    return "hx-request" in request.headers


def local_moment(request: Request, text: str) -> datetime | None:
    """A `datetime-local` field in the reader's zone; raises InvalidInput when unreadable."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"`{text}` is not a date and time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=preferences.read(request).timezone)


def _form(
    request: Request,
    found: Shown,
    typed: Typed,
    checked: ResolvedInputs | None = None,
    *,
    preview: bool = False,
    template: str = "execute_form",
) -> Response:
    """The form alone for a script, which asked whether it is right; else the page around it."""
    here = desk(request)
    given, extra = typed.given, typed.extra
    shown_inputs = checked or _resolved(here, found.flow, given)
    fields = inputs_form.fields(shown_inputs.inputs if shown_inputs else (), given)
    if checked is None or preview:
        said = given if preview else ()
        fields = [field if field.id in said else replace(field, error="") for field in fields]
    fields = [replace(f, error=inputs_form.message(f.error, f.id)) for f in fields]
    errors = [{"field": f.id, "text": f.error} for f in fields if f.error]
    if typed.error:
        errors.append({"field": "", "text": typed.error})
    plain = {key: extra.get(key, "") for key in ("labels", "schedule_at", "revision")}
    revisions = here.services.flows.revisions(found.id)
    context = {
        "flow_id": found.id,
        "head": found.head,
        "fields": fields,
        "errors": errors,
        "preview": preview,
        "extra": plain | {"open": any(plain.values())},
        "revisions": [r.revision for r in revisions if not r.deleted][:50],
        "curl": _curl(request, found, given),
    }
    if _by_script(request):
        return here.renderer.part(request, template, context)
    frame = frame_of(found)
    crumbs = (*frame.crumbs, Crumb(found.id.id, found.base))
    status = 422 if errors else 200
    frame = replace(frame, title=f"Execute {found.id.id}", crumbs=crumbs)
    return here.renderer.page(request, "execute", frame, context, status=status)


def _resolved(here: Desk, flow: Flow | None, given: Mapping[str, object]) -> ResolvedInputs | None:
    return here.services.inputs.check(flow, "preview", given, {}, store=False) if flow else None


def _curl(request: Request, found: Shown, given: Mapping[str, object]) -> str:
    host = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"
    lines = [f"curl -X POST '{host}/api/v1/main/executions/{found.id.namespace}/{found.id.id}'"]
    declared = found.flow.inputs if found.flow else ()
    for item in declared:
        value = given.get(item.id, item.defaults)
        if item.type == "FILE":
            lines.append(f"  -F '{item.id}=@path/to/file'")
        elif item.type == "SECRET":
            lines.append(f"  -F '{item.id}=…'")
        elif value is not None:
            lines.append(f"  -F {_quoted(f'{item.id}={_plain(value)}')}")
    return " \\\n".join(lines)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
