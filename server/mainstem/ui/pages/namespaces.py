"""Namespaces: the tree, and what each says, inherits and holds."""

from collections import Counter
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import Conflict, InvalidInput
from mainstem.gitsync.sources import Managed
from mainstem.model.flow_id import NAMESPACE, ancestors
from mainstem.model.principal import Permission
from mainstem.services import access
from mainstem.services.flows import FlowRevision
from mainstem.services.namespace_tree import NamespaceLine
from mainstem.services.namespaces import StoredNamespace
from mainstem.ui.desk import Desk, desk
from mainstem.ui.flash import redirect
from mainstem.ui.render import Crumb, Frame, link
from mainstem.ui.security import PostedForm
from mainstem.ui.yamltext import dump

router = APIRouter()


@router.get("/namespaces")
def page_namespaces(request: Request, q: str = "") -> Response:
    """All namespaces as an indented list."""
    here = desk(request)
    frame = Frame("namespaces", "Namespaces")
    context = {"rows": lines(here, q), "q": q}
    return here.renderer.page(request, "namespaces", frame, context)


def lines(here: Desk, text: str = "") -> list[NamespaceLine]:
    """Every namespace that holds or says something, and those above it."""
    return here.services.tree.lines(text)


@router.get("/namespaces/_open")
def open_namespace(q: str = "") -> Response:
    """The page where a namespace is described, which makes it."""
    return redirect(link("namespaces", checked(q.strip()), "edit"))


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
        ("secrets", "Secrets", f"{base}/secrets", None),
    ]
    may = {p.value: access.sees(p, namespace) for p in Permission}
    return {"namespace": namespace, "tab": tab, "tabs": tabs, "may": may, "base": base}


def managed_of(here: Desk, kind: str, namespace: str) -> Mapping[str, Managed]:
    """What Git sources own of a kind in this namespace, by name."""
    agent = here.services.syncs
    return agent.registry.managed(kind, namespace) if agent is not None else {}


@router.get("/namespaces/{namespace}")
def page_namespace(request: Request, namespace: str) -> Response:
    """What it says and inherits, and what it and those below it hold."""
    here = desk(request)
    name = checked(namespace)
    services = here.services
    variables = services.namespaces.inherited_variables(name)
    flows = services.flows.all(name)
    context = common(name, "overview") | {
        "stored": services.namespaces.find(name),
        "variables": [(key, item.namespace, item.value) for key, item in variables.items()],
        "defaults": [
            (item.namespace, item.value.type, item.value.forced, dump(item.value.values))
            for item in services.namespaces.inherited_defaults(name)
        ],
        "google": services.credentials.google(name),
        "flows": flows,
        "file_count": services.files.counts().get(name, 0),
        "keys": services.kv.entries(name),
        "secret_count": services.secrets.counts().get(name, 0),
        "below": _below(here, name, flows),
    }
    return here.renderer.page(request, "namespace_overview", frame_of(name), context)


def _below(here: Desk, name: str, flows: Sequence[FlowRevision]) -> list[tuple[str, int]]:
    """Namespaces below with a flow or with properties, and how many flows each has."""
    counted = Counter(flow.flow.namespace for flow in flows if flow.flow.namespace != name)
    described = (item.id for item in here.services.namespaces.all())
    names = {*counted, *(n for n in described if n.startswith(f"{name}."))}
    return [(n, counted[n]) for n in sorted(names) if access.sees(Permission.NAMESPACE_READ, n)]


@router.get("/namespaces/{namespace}/edit")
def page_edit(request: Request, namespace: str) -> Response:
    """Its properties as YAML."""
    name = checked(namespace)
    stored = desk(request).services.namespaces.find(name)
    return _edit(request, name, _source(name, stored), stored.revision if stored else 0)


def _source(name: str, stored: StoredNamespace | None) -> str:
    if stored is None:
        lists = "pluginDefaults: []\nallowedNamespaces: []\n"
        return f"id: {name}\ndescription:\nvariables: {{}}\n{lists}"
    return dump(
        {
            "id": name,
            "description": stored.description,
            "variables": dict(stored.variables),
            "pluginDefaults": [dict(item) for item in stored.plugin_defaults],
            "allowedNamespaces": list(stored.allowed_namespaces),
        }
    )


def _edit(
    request: Request, name: str, source: str, revision: int, error: str = "", status: int = 200
) -> Response:
    here = desk(request)
    context = common(name, "overview") | {
        "source": source,
        "revision": revision,
        "error": error,
        "stored": here.services.namespaces.find(name),
        "managed": managed_of(here, "namespace", name).get(name),
    }
    return here.renderer.page(request, "namespace_edit", frame_of(name), context, status=status)


@router.post("/namespaces/{namespace}/edit")
def save(request: Request, namespace: str, form: PostedForm) -> Response:
    """Store the properties; faults come back with the form."""
    name = checked(namespace)
    namespaces = desk(request).services.namespaces
    source = str(form.get("source") or "").replace("\r\n", "\n")
    seen = str(form.get("revision") or "0")
    revision = int(seen) if seen.isdigit() else 0
    parsed = namespaces.parse(source)
    try:
        if parsed.properties is None:
            places = (f"line {p.line}: {p.message}" for p in parsed.problems)
            raise InvalidInput("\n".join(places))
        if parsed.properties.id != name:
            raise InvalidInput(f"`id` must stay `{name}`: another namespace has a page of its own")
        namespaces.save(parsed.properties, expected=revision)
    except (InvalidInput, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _edit(request, name, source, revision, error.message, status)
    return redirect(link("namespaces", name), f"Saved {name}")


@router.post("/namespaces/{namespace}/_delete")
def delete(request: Request, namespace: str, form: PostedForm) -> Response:
    """Forget its properties."""
    del form
    name = checked(namespace)
    try:
        desk(request).services.namespaces.delete(name)
    except Conflict as error:
        return redirect(link("namespaces", name), error.message)
    return redirect(link("namespaces", name), f"Deleted the properties of {name}")
