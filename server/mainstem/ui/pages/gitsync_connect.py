"""Connecting a repository, and changing or removing a connected one."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import MainstemError
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.pages.gitsync import CRUMB, agent_of
from mainstem.ui.render import Crumb, Frame, link
from mainstem.ui.security import PostedForm
from mainstem.ui.sync_form import definition_of, values_of

router = APIRouter()


@router.get("/gitsync/_new")
def page_new(request: Request) -> Response:
    """The form in three steps: where, who, what."""
    return _form(request, values_of({"branch": "main"}))


@router.post("/gitsync/_new")
def create(request: Request, form: PostedForm) -> Response:
    """Connect the repository."""
    agent = agent_of(request)
    definition = definition_of(form)
    try:
        made = agent.registry.create(definition)
    except MainstemError as error:
        return _form(request, values_of(definition), error=error.message)
    return redirect(link("gitsync", made.name), f"{made.name} is connected")


@router.post("/gitsync/_test")
def test(request: Request, form: PostedForm) -> Response:
    """Try to reach the repository with what the form says."""
    name = str(form.get("edited") or "")
    before = _before(request, name)
    definition = definition_of(form, before)
    answer: dict[str, object]
    try:
        agent = agent_of(request)
        merged = agent.registry.merged(name, definition) if name else definition
        source = agent.registry.validated(merged)
        commit = "" if source.push else agent.test(source)
        answer = {"reached": True, "commit": commit, "reason": ""}
    except MainstemError as error:
        answer = {"reached": False, "commit": "", "reason": error.message}
    if request.headers.get("hx-request"):
        return desk(request).renderer.part(request, "gitsync_tested", {"tested": answer})
    return _form(request, values_of(definition), edited=name, tested=answer)


@router.get("/gitsync/{name}/edit")
def page_edit(request: Request, name: str) -> Response:
    """The same form for an existing source; secrets stay where their fields stay empty."""
    return _form(request, values_of(_before(request, name) or {}), edited=name)


@router.post("/gitsync/{name}/edit")
def change(request: Request, name: str, form: PostedForm) -> Response:
    """Store the changed source."""
    definition = definition_of(form, _before(request, name))
    try:
        agent_of(request).registry.update(name, definition)
    except MainstemError as error:
        return _form(request, values_of(definition), edited=name, error=error.message)
    return redirect(link("gitsync", name), f"{name} is changed")


@router.post("/gitsync/{name}/_remove")
def remove(request: Request, name: str, form: PostedForm) -> Response:
    """Forget the source; its flows and files stay."""
    agent_of(request).registry.remove(name)
    return redirect(link("gitsync"), f"{name} is removed; what it brought stays")


def _before(request: Request, name: str) -> dict[str, Any] | None:
    return agent_of(request).registry.shown(name) if name else None


def _form(
    request: Request,
    values: dict[str, Any],
    *,
    edited: str = "",
    error: str = "",
    tested: dict[str, object] | None = None,
) -> Response:
    before = _before(request, edited)
    context = {
        "v": values,
        "edited": edited,
        "error": error,
        "tested": tested,
        "held": before["secrets"] if before else [],
    }
    crumbs = (CRUMB, Crumb(edited, link("gitsync", edited))) if edited else (CRUMB,)
    title = "Change the source" if edited else "Connect a repository"
    frame = Frame("gitsync", title, crumbs)
    status = 422 if error else 200
    return desk(request).renderer.page(request, "gitsync_connect", frame, context, status=status)
