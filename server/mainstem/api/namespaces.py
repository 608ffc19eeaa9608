"""Routes of namespaces: what they say themselves and what they inherit."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Response

from mainstem.api import wire
from mainstem.api.services import Services
from mainstem.errors import InvalidInput
from mainstem.model.flow_id import ancestors
from mainstem.services.namespace_tree import NamespaceLine
from mainstem.services.namespaces import NamespaceProperties, StoredNamespace, checked_namespace

router = APIRouter(tags=["namespaces"])
# What the reference's newer versions send besides, and may leave empty.
_FOREIGN: Final = frozenset(
    {
        "storageIsolation", "secretIsolation", "storageType",
        "storageConfiguration", "secretType", "secretReadOnly", "secretConfiguration",
        "outputsInInternalStorage", "workerGroup", "defaultWorkerSelector", "concurrency",
        "workerSecretManagerMode", "sdkDefaultAuthentication", "quotas", "tenantId",
        "revision", "disabled", "git", "updated",
    }
)  # fmt: skip
NamespaceBody = Annotated[dict[str, Any], Body()]


@router.get("/namespaces/search")
def search(
    services: Services,
    q: str = "",
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=1_000)] = 10,
    sort: Annotated[list[str] | None, Query()] = None,
    existing: bool = False,
) -> wire.Json:
    """Namespaces whose name contains the text; `existing`: only those with properties."""
    found = [n for n in services.tree.lines(q) if n.has_properties or not existing]
    if sort and sort[0].lower().endswith(":desc"):
        found.reverse()
    shown = found[(page - 1) * size : page * size]
    return wire.listing([_line(item, services) for item in shown], len(found))


@router.post("/namespaces/autocomplete")
def autocomplete(services: Services, body: NamespaceBody) -> list[str]:
    """Names that contain `q`, and those of `ids`."""
    text = str(body.get("q") or "")
    wanted = [str(item) for item in body.get("ids") or []]
    found = [item.name for item in services.tree.lines(text)]
    return list(dict.fromkeys([*wanted, *found]))[:1_000]


@router.post("/namespaces")
def create(services: Services, body: NamespaceBody) -> wire.Json:
    """409 when it says something already."""
    properties = _properties(services, body)
    return _stored(services.namespaces.save(properties, create=True))


@router.get("/namespaces/{namespace}")
def get(namespace: str, services: Services) -> wire.Json:
    """What the namespace says itself; one that only holds things is answered without properties."""
    checked_namespace(namespace)
    found = services.namespaces.find(namespace)
    if found is not None:
        return _stored(found)
    if any(namespace in ancestors(item.name) for item in services.tree.lines(namespace)):
        return {"id": namespace, "deleted": False}
    return _stored(services.namespaces.get(namespace))


@router.put("/namespaces/{namespace}")
def update(namespace: str, services: Services, body: NamespaceBody) -> wire.Json:
    """Create or replace; 422 when flows would no longer be valid."""
    if body.setdefault("id", namespace) != namespace:
        raise InvalidInput(f"the body is of namespace `{body['id']}`, the address of `{namespace}`")
    return _stored(services.namespaces.save(_properties(services, body)))


@router.delete("/namespaces/{namespace}", status_code=204)
def delete(namespace: str, services: Services) -> Response:
    """Forget the properties; flows, keys, files and secrets stay."""
    services.namespaces.delete(namespace)
    return Response(status_code=204)


@router.get("/namespaces/{namespace}/inherited-variables")
def inherited_variables(namespace: str, services: Services) -> wire.Json:
    """Variables in force, as expressions see them below `namespace`."""
    return dict(services.namespaces.variables(checked_namespace(namespace)))


@router.get("/namespaces/{namespace}/inherited-variables/origins")
def variable_origins(namespace: str, services: Services) -> wire.Json:
    """The same with the namespace that each comes from."""
    found = services.namespaces.inherited_variables(checked_namespace(namespace))
    return {key: {"namespace": i.namespace, "value": i.value} for key, i in found.items()}


@router.get("/namespaces/{namespace}/inherited-plugindefaults")
def inherited_defaults(namespace: str, services: Services) -> list[wire.Json]:
    """Plug-in defaults in force, nearest first."""
    return [
        {
            "namespace": item.namespace,
            "pluginDefault": {
                "type": item.value.type,
                "forced": item.value.forced,
                "values": item.value.values,
            },
        }
        for item in services.namespaces.inherited_defaults(checked_namespace(namespace))
    ]


@router.get("/namespaces/{namespace}/google")
def google(namespace: str, services: Services) -> list[wire.Json]:
    """The well-known Google Cloud settings, where each comes from, and what is wrong."""
    return [
        {
            "name": item.name,
            "purpose": item.purpose,
            "kind": item.kind or None,
            "namespace": item.namespace or None,
            "faults": list(item.faults),
        }
        for item in services.credentials.google(checked_namespace(namespace))
    ]


def _properties(services: Services, body: dict[str, Any]) -> NamespaceProperties:
    unsupported = sorted(k for k in body if k in _FOREIGN - {"revision", "git"} and body[k])
    if unsupported:
        raise InvalidInput(f"not supported here, leave out: {', '.join(unsupported)}")
    wanted = {k: v for k, v in body.items() if k not in _FOREIGN and v is not None}
    parsed = services.namespaces.parse(wanted)
    if parsed.properties is None:
        faults = (f"{p.pointer}: {p.message}".removeprefix(": ") for p in parsed.problems)
        raise InvalidInput("\n".join(faults))
    return parsed.properties


def _stored(item: StoredNamespace) -> wire.Json:
    found: wire.Json = {
        "id": item.id,
        "description": item.description,
        "variables": dict(item.variables) or None,
        "pluginDefaults": list(item.plugin_defaults) or None,
        "allowedNamespaces": [{"namespace": name} for name in item.allowed_namespaces] or None,
        "deleted": False,
        "revision": item.revision,
        "updated": wire.moment(item.updated_at),
    }
    if item.git_source is not None:
        found["git"] = {"source": item.git_source, "commit": item.git_commit}
    return {key: value for key, value in found.items() if value is not None}


def _line(item: NamespaceLine, services: Services) -> wire.Json:
    stored = services.namespaces.find(item.name)
    if stored is not None:
        return {**_stored(stored), "disabled": False}
    return {"id": item.name, "deleted": False, "disabled": True}
