"""Let a paused execution go on, with the values that its pause asks for."""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.flowspec.inputs import ResolvedInputs
from mainstem.ui import inputs_form
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.pages.execute import PostedUploads
from mainstem.ui.pages.execution import PATH, frame_of, seen
from mainstem.ui.render import Crumb
from mainstem.ui.security import PostedForm

router = APIRouter()


@router.get(PATH + "/resume")
def page_resume(request: Request, execution_id: str) -> Response:
    """A form of what the paused task declares under `onResume`."""
    executions = desk(request).services.executions
    checked = executions.check_resume(execution_id, {}, {})
    return _form(request, execution_id, {}, checked, told=False)


@router.post(PATH + "/resume")
def resume(
    request: Request, execution_id: str, form: PostedForm, uploads: PostedUploads
) -> Response:
    """Go on; with faults the form comes back with what was typed."""
    executions = desk(request).services.executions
    given = inputs_form.given(form, executions.resume_inputs(execution_id))
    checked = executions.check_resume(execution_id, given, uploads)
    if not checked.ok:
        return _form(request, execution_id, given, checked, told=True)
    executions.resume(execution_id, given, uploads)
    return redirect(seen(desk(request), execution_id).base, "Asked to resume the execution")


def _form(
    request: Request,
    execution_id: str,
    given: Mapping[str, object],
    checked: ResolvedInputs,
    *,
    told: bool,
) -> Response:
    here = desk(request)
    found = seen(here, execution_id)
    fields = [
        replace(f, error=inputs_form.message(f.error, f.id) if told else "")
        for f in inputs_form.fields(checked.inputs, given)
    ]
    frame = frame_of(found)
    crumbs = (*frame.crumbs, Crumb(execution_id[:8], found.base))
    frame = replace(frame, title=f"Resume {execution_id[:8]}", crumbs=crumbs)
    context = {"base": found.base, "fields": fields, "errors": [f for f in fields if f.error]}
    return here.renderer.page(request, "resume", frame, context, status=422 if told else 200)
