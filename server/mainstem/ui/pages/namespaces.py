"""Namespaces: what each holds, and its key-value store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import InvalidInput
from mainstem.model.duration import parse_duration
from mainstem.model.flow_id import NAMESPACE, ancestors
from mainstem.sdk.context import KvEntry
from mainstem.services.kv_values import Kind, coerce
from mainstem.ui import format as words
from mainstem.ui.desk import Desk, desk
from mainstem.ui.flash import redirect
from mainstem.ui.render import Crumb, Frame, link
from mainstem.ui.security import PostedForm

router = APIRouter()
_FIELDS = ("key", "kind", "value", "description", "ttl")


@dataclass(frozen=True, slots=True)
class NamespaceLine:
    """One namespace of the tree; those that hold nothing but others are listed too."""

    name: str
    depth: int
    flows: int
    files: int
    keys: int

    @property
    def label(self) -> str:
        return self.name.rpartition(".")[2] if self.depth else self.name


@router.get("/namespaces")
def page_namespaces(request: Request) -> Response:
    """All namespaces as an indented list."""
    here = desk(request)
    frame = Frame("namespaces", "Namespaces")
    return here.renderer.page(request, "namespaces", frame, {"rows": lines(here)})


def lines(here: Desk) -> list[NamespaceLine]:
    """Every namespace with a flow, a file or a key, and those above it."""
    flows, files = here.services.flows.namespaces(), here.services.files.counts()
    keys: dict[str, int] = {}
    for entry in here.services.kv.entries(None):
        keys[entry.namespace] = keys.get(entry.namespace, 0) + 1
    names = {name for held in {*flows, *files, *keys} for name in ancestors(held)}
    return [
        NamespaceLine(
            name, name.count("."), flows.get(name, 0), files.get(name, 0), keys.get(name, 0)
        )
        for name in sorted(names)
    ]


def checked(namespace: str) -> str:
    """The namespace of an address; raises InvalidInput when it cannot be one."""
    if not NAMESPACE.fullmatch(namespace):
        raise InvalidInput(f"`{namespace}` is not a namespace")
    return namespace


def frame_of(namespace: str) -> Frame:
    """Breadcrumb and title of a namespace's pages."""
    above = [Crumb(name, link("namespaces", name)) for name in ancestors(namespace)[:0:-1]]
    crumbs = (Crumb("Namespaces", link("namespaces")), *above)
    return Frame("namespaces", namespace, crumbs)


def common(namespace: str, tab: str) -> dict[str, object]:
    """What every tab of a namespace shows."""
    base = link("namespaces", namespace)
    tabs = [
        ("overview", "Overview", base, None),
        ("files", "Files", f"{base}/files", None),
        ("kv", "KV store", f"{base}/kv", None),
    ]
    return {"namespace": namespace, "tab": tab, "tabs": tabs}


@router.get("/namespaces/{namespace}")
def page_namespace(request: Request, namespace: str) -> Response:
    """What the namespace and those below it hold."""
    here = desk(request)
    name = checked(namespace)
    context = common(name, "overview") | {
        "flows": here.services.flows.all(name),
        "file_count": here.services.files.counts().get(name, 0),
        "keys": here.services.kv.entries(name),
    }
    return here.renderer.page(request, "namespace_overview", frame_of(name), context)


@router.get("/namespaces/{namespace}/kv")
def page_kv(request: Request, namespace: str) -> Response:
    """Its keys, those inherited, and a form."""
    here = desk(request)
    name = checked(namespace)
    edited = request.query_params.get("edit", "")
    values: dict[str, object] = dict.fromkeys(_FIELDS, "") | {"kind": "STRING", "editing": False}
    held = {entry.key: entry for entry in here.services.kv.entries(name)}
    if edited in held:
        entry = held[edited]
        text = words.pretty(entry.value) if entry.kind == "JSON" else words.value(entry.value)
        values |= {"key": entry.key, "kind": entry.kind, "value": text, "editing": True}
        values["description"] = entry.description or ""
    return _kv(request, name, values)


def _kv(
    request: Request, name: str, values: Mapping[str, object], error: str = "", status: int = 200
) -> Response:
    here = desk(request)
    own = here.services.kv.entries(name)
    known = {entry.key for entry in own}
    inherited = []
    for place in ancestors(name)[1:]:
        for entry in here.services.kv.entries(place):
            if entry.key not in known:
                known.add(entry.key)
                inherited.append(entry)
    context = common(name, "kv") | {
        "keys": own,
        "inherited": inherited,
        "kinds": [kind.value for kind in Kind],
        "values": values,
        "error": error,
    }
    return here.renderer.page(request, "namespace_kv", frame_of(name), context, status=status)


@router.post("/namespaces/{namespace}/kv")
def set_key(request: Request, namespace: str, form: PostedForm) -> Response:
    """Create or change a key; faults come back with the form."""
    here = desk(request)
    name = checked(namespace)
    values = {field: str(form.get(field) or "").strip() for field in _FIELDS}
    try:
        kind = Kind(values["kind"])
        entry = KvEntry(
            values["key"],
            _typed(values["value"], kind),
            kind.value,
            None,
            values["description"] or None,
        )
        ttl = parse_duration(values["ttl"]) if values["ttl"] else None
        here.services.kv.set(name, entry, ttl=ttl)
    except (InvalidInput, ValueError) as error:
        editing = values["key"] in here.services.kv.keys(name)
        return _kv(request, name, values | {"editing": editing}, str(error), 422)
    return redirect(link("namespaces", name, "kv"), f"Saved {values['key']}")


def _typed(text: str, kind: Kind) -> object:
    if kind is not Kind.JSON:
        return coerce(text, kind)
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"the value is not JSON: {error}") from error


@router.post("/namespaces/{namespace}/kv/_delete")
def delete_key(request: Request, namespace: str, form: PostedForm) -> Response:
    """Delete one key of exactly this namespace."""
    name, key = checked(namespace), str(form.get("key") or "")
    done = desk(request).services.kv.delete(name, key)
    said = f"Deleted {key}" if done else f"{key} was deleted already"
    return redirect(link("namespaces", name, "kv"), said)
