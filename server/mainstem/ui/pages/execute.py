"""Run a flow: a form made of its typed inputs, with every fault at its field."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from mainstem.errors import InvalidInput
from mainstem.flowspec.inputs import ResolvedInputs
from mainstem.sdk.flow import Flow
from mainstem.services.executions import NewRun
from mainstem.ui import inputs_form, preferences
from mainstem.ui.desk import Desk, desk
from mainstem.ui.filters import read_labels
from mainstem.ui.flash import redirect
from mainstem.ui.pages.flow import PATH, Shown, frame_of, shown
from mainstem.ui.render import Crumb, execution_link
from mainstem.ui.security import PostedForm

router = APIRouter()
Uploads = Mapping[str, tuple[str, bytes]]


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
    return _form(request, found, given, None, {"labels": labels})


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
    given = inputs_form.given(form, found.flow.inputs)
    extra = {key: str(form.get(key) or "") for key in ("labels", "schedule_at", "revision")}
    checked = here.services.inputs.check(found.flow, "preview", given, uploads, store=False)
    if not checked.ok:
        return _form(request, found, given, checked, extra, status=422)
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
        return _form(request, found, given, checked, extra | {"error": str(error)}, status=422)
    return redirect(execution_link(namespace, flow_id, execution.id), "Started")


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
    given: Mapping[str, object],
    checked: ResolvedInputs | None,
    extra: Mapping[str, str],
    *,
    status: int = 200,
) -> Response:
    here = desk(request)
    shown_inputs = checked or _resolved(here, found.flow, given)
    fields = inputs_form.fields(shown_inputs.inputs if shown_inputs else (), given)
    if checked is None:
        fields = [replace(field, error="") for field in fields]
    fields = [replace(f, error=inputs_form.message(f.error, f.id)) for f in fields]
    errors = [{"field": f.id, "text": f.error} for f in fields if f.error]
    if extra.get("error"):
        errors.append({"field": "", "text": extra["error"]})
    plain = {key: extra.get(key, "") for key in ("labels", "schedule_at", "revision")}
    revisions = here.services.flows.revisions(found.id)
    context = {
        "flow_id": found.id,
        "head": found.head,
        "fields": fields,
        "errors": errors,
        "extra": plain | {"open": any(plain.values())},
        "revisions": [r.revision for r in revisions if not r.deleted][:50],
        "curl": _curl(request, found, given),
    }
    frame = frame_of(found)
    crumbs = (*frame.crumbs, Crumb(found.id.id, found.base))
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
