"""Secrets of a namespace: names and origins; values go in and never come out."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import MainstemError, NotFound
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.pages.namespaces import checked, common, frame_of
from mainstem.ui.render import link
from mainstem.ui.security import PostedForm

router = APIRouter()


@router.get("/namespaces/{namespace}/secrets")
def page_secrets(request: Request, namespace: str, edit: str = "") -> Response:
    """What flows of the namespace may use, and a form."""
    name = checked(namespace)
    own, _ = desk(request).services.secrets.own(name)
    note = next((item.note for item in own if item.note.key == edit), None)
    values = {
        "key": note.key if note else "",
        "description": (note.description or "") if note else "",
        "editing": note is not None,
    }
    return _page(request, name, values)


def _page(
    request: Request, name: str, values: Mapping[str, object], error: str = "", status: int = 200
) -> Response:
    here = desk(request)
    found, faults = here.services.secrets.visible(name)
    context = common(name, "secrets") | {
        "own": [item for item in found if item.namespace == name and not item.is_shared],
        "others": [item for item in found if item.namespace != name or item.is_shared],
        "faults": faults,
        "sources": here.services.secrets.sources,
        "writes_to": here.services.secrets.writes_to,
        "values": values,
        "error": error,
    }
    return here.renderer.page(request, "namespace_secrets", frame_of(name), context, status=status)


@router.post("/namespaces/{namespace}/secrets")
def put_secret(request: Request, namespace: str, form: PostedForm) -> Response:
    """Store a secret; a refused one comes back without its value."""
    name = checked(namespace)
    key = str(form.get("key") or "").strip()
    description = str(form.get("description") or "").strip()
    value = str(form.get("value") or "").replace("\r\n", "\n")
    try:
        desk(request).services.secrets.put(name, key, value, description)
    except MainstemError as error:
        values = {"key": key, "description": description, "editing": False}
        return _page(request, name, values, error.message, 422)
    return redirect(link("namespaces", name, "secrets"), f"Saved {key}")


@router.post("/namespaces/{namespace}/secrets/_delete")
def delete_secret(request: Request, namespace: str, form: PostedForm) -> Response:
    """Delete one secret of exactly this namespace."""
    name, key = checked(namespace), str(form.get("key") or "")
    try:
        desk(request).services.secrets.delete(name, key)
        said = f"Deleted {key}"
    except NotFound as error:
        said = error.message
    return redirect(link("namespaces", name, "secrets"), said)
