"""The key-value store of a namespace: list, add, change, delete, move to a secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import Conflict, InvalidInput
from mainstem.model.duration import parse_duration
from mainstem.model.principal import Permission
from mainstem.sdk.context import KvEntry
from mainstem.services import access
from mainstem.services.credentials import service_account
from mainstem.services.kv import StoredKv
from mainstem.services.kv_values import Kind, coerce
from mainstem.ui import format as words
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.pages.namespaces import checked, common, frame_of, managed_of
from mainstem.ui.render import link
from mainstem.ui.security import PostedForm

router = APIRouter()
_FIELDS: Final = ("key", "kind", "value", "description", "ttl")


@dataclass(frozen=True, slots=True)
class KeyLine:
    """An entry as the reader may see it; of a credential only its account."""

    key: str
    kind: str
    text: str
    namespace: str
    updated_at: datetime
    expires_at: datetime | None
    description: str | None
    account: str | None = None
    hidden: bool = False


def _line(entry: StoredKv) -> KeyLine:
    may_read = access.sees(Permission.KV_VALUE, entry.namespace)
    account = service_account(entry.value)
    text = "" if account or not may_read else words.value(entry.value)
    return KeyLine(
        entry.key,
        entry.kind,
        text,
        entry.namespace,
        entry.updated_at,
        entry.expires_at,
        entry.description,
        (account.email or "a service account") if account else None,
        not may_read,
    )


@router.get("/namespaces/{namespace}/kv")
def page_kv(request: Request, namespace: str) -> Response:
    """Its keys, those inherited, and a form."""
    here = desk(request)
    name = checked(namespace)
    edited = request.query_params.get("edit", "")
    values: dict[str, object] = dict.fromkeys(_FIELDS, "") | {"kind": "STRING", "editing": False}
    held = {entry.key: entry for entry in here.services.kv.entries(name)}
    if edited in held and access.sees(Permission.KV_VALUE, name):
        entry = held[edited]
        text = words.pretty(entry.value) if entry.kind == "JSON" else words.value(entry.value)
        values |= {"key": entry.key, "kind": entry.kind, "value": text, "editing": True}
        values["description"] = entry.description or ""
        values["expires_at"] = entry.expires_at
    return _kv(request, name, values)


def _kv(
    request: Request, name: str, values: Mapping[str, object], error: str = "", status: int = 200
) -> Response:
    kv = desk(request).services.kv
    values = {"expires_at": None, **values}
    context = common(name, "kv") | {
        "keys": [_line(entry) for entry in kv.entries(name)],
        "inherited": [_line(entry) for entry in kv.inherited(name)],
        "kinds": [kind.value for kind in Kind],
        "values": values,
        "error": error,
        "managed": managed_of(desk(request), "kv", name),
    }
    return desk(request).renderer.page(
        request, "namespace_kv", frame_of(name), context, status=status
    )


@router.post("/namespaces/{namespace}/kv")
def set_key(request: Request, namespace: str, form: PostedForm) -> Response:
    """Create or change a key; faults come back with the form."""
    here = desk(request)
    name = checked(namespace)
    values = {field: str(form.get(field) or "").strip() for field in _FIELDS}
    held = {entry.key: entry for entry in here.services.kv.entries(name)}
    old = held.get(values["key"])
    keeps = old.expires_at if old and not form.get("for_ever") else None
    try:
        kind = Kind(values["kind"])
        value = _typed(values["value"], kind)
        entry = KvEntry(values["key"], value, kind.value, keeps, values["description"])
        ttl = parse_duration(values["ttl"]) if values["ttl"] else None
        here.services.kv.set(name, entry, ttl=ttl)
    except (InvalidInput, Conflict, ValueError) as error:
        shown = values | {"editing": old is not None, "expires_at": keeps}
        return _kv(request, name, shown, str(error), 409 if isinstance(error, Conflict) else 422)
    return redirect(link("namespaces", name, "kv"), f"Saved {values['key']}")


def _typed(text: str, kind: Kind) -> object:
    if kind is not Kind.JSON:
        return coerce(text, kind)
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"the value is not JSON: {error}") from error


@router.post("/namespaces/{namespace}/kv/_delete")
def delete_keys(request: Request, namespace: str, form: PostedForm) -> Response:
    """Delete the chosen keys of exactly this namespace."""
    name = checked(namespace)
    keys = [str(key) for key in form.getlist("key")]
    try:
        done = desk(request).services.kv.delete_all(name, keys)
    except Conflict as error:
        return redirect(link("namespaces", name, "kv"), error.message)
    said = f"Deleted {', '.join(done)}" if done else "Nothing was there to delete"
    return redirect(link("namespaces", name, "kv"), said)


@router.post("/namespaces/{namespace}/kv/_to_secret")
def to_secret(request: Request, namespace: str, form: PostedForm) -> Response:
    """Move a credential to a secret of the same name."""
    name, key = checked(namespace), str(form.get("key") or "")
    try:
        users = desk(request).services.credentials.to_secret(name, key)
    except Conflict as error:
        return redirect(link("namespaces", name, "kv"), error.message)
    said = f"{key} is a secret now."
    if users:
        said += f" Change kv('{key}') to secret('{key}') in: {', '.join(users)}"
    return redirect(link("namespaces", name, "secrets"), said)
