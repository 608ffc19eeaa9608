"""Routes about plug-ins: groups, docs, schemas."""

from collections.abc import Sequence
from enum import StrEnum

from fastapi import APIRouter
from pydantic import TypeAdapter

from mainstem import __version__
from mainstem.api import wire
from mainstem.api.answers import JsonAnswer, answers
from mainstem.api.services import ApiServices, Services
from mainstem.errors import NotFound
from mainstem.sdk.inputs import INPUT_TYPES, Input
from mainstem.services.plugin_catalog import (
    Group,
    PluginDoc,
    PropertyDoc,
    all_properties,
    example,
)

router = APIRouter(tags=["plugins"])
_JSON = dict[str, object]
_CATEGORIES = (
    ("tasks", "task"),
    ("triggers", "trigger"),
    ("conditions", "condition"),
    ("taskRunners", "task runner"),
)


class SchemaType(StrEnum):
    """Parts of the flow language that have a schema of their own."""

    FLOW = "flow"
    TASK = "task"
    TRIGGER = "trigger"
    PLUGINDEFAULT = "plugindefault"


@router.get("/plugins", **answers(list[_JSON]))
def plugins(services: Services) -> list[wire.Json]:
    """Groups of plug-ins with their types."""
    return [_group(group) for group in services.plugins.groups()]


def _group(group: Group) -> wire.Json:
    listed: wire.Json = {
        "name": group.name,
        "title": group.title,
        "group": f"io.kestra.plugin.{group.name}",
        "version": __version__,
        "categories": [],
        "install": group.install,
    }
    for key, kind in _CATEGORIES:
        listed[key] = [_element(doc) for doc in group.of_kind(kind)]
    return listed


def _element(doc: PluginDoc) -> wire.Json:
    return {
        "cls": doc.type,
        "deprecated": doc.deprecated or None,
        "title": doc.description.partition("\n")[0] or None,
        "description": doc.description or None,
    }


@router.get("/plugins/groups/subgroups", **answers(list[_JSON]))
def subgroups(services: Services) -> list[wire.Json]:
    """Groups and the groups inside them, such as `gcp.bigquery`."""
    found = []
    for group in services.plugins.groups():
        found.append(_group(group))
        inner: dict[str, list[PluginDoc]] = {}
        for doc in group.plugins:
            inner.setdefault(doc.short.rpartition(".")[0], []).append(doc)
        for name, docs in sorted(inner.items()):
            if name != group.name:
                below = Group(name, name, docs, group.install)
                found.append({**_group(below), "subGroup": f"io.kestra.plugin.{name}"})
    return found


@router.get("/plugins/icons", **answers(_JSON))
def icons(services: Services) -> wire.Json:
    """Whether each type holds other tasks; pictures are not served."""
    return {
        doc.type: {"name": doc.title, "icon": None, "flowable": _is_flowable(doc)}
        for doc in services.plugins.docs()
    }


def _is_flowable(doc: PluginDoc) -> bool:
    return doc.kind == "task" and any(p.name in ("tasks", "then", "cases") for p in doc.properties)


@router.get("/plugins/icons/groups", **answers(_JSON))
def group_icons(services: Services) -> wire.Json:
    """Groups by name; pictures are not served."""
    return {
        f"io.kestra.plugin.{group.name}": {"name": group.title, "icon": None, "flowable": False}
        for group in services.plugins.groups()
    }


@router.get("/plugins/icons/{cls}", **answers(_JSON, 404))
def icon(cls: str, services: Services) -> wire.Json:
    """Whether a type holds other tasks; pictures are not served."""
    doc = services.plugins.doc(cls)
    return {"name": doc.title, "icon": None, "flowable": _is_flowable(doc)}


@router.get("/plugins/triggers", **answers(_JSON))
def triggers(services: Services) -> wire.Json:
    """Types of triggers."""
    found = [doc for doc in services.plugins.docs() if doc.kind == "trigger"]
    rows = [
        {
            "type": doc.type,
            "name": doc.title,
            "description": doc.description or None,
            "group": "core" if ".core." in doc.type else "app",
            "ee": False,
            "deprecated": doc.deprecated or None,
        }
        for doc in found
    ]
    return wire.listing(rows, len(rows))


@router.get("/plugins/inputs", **answers(list[_JSON]))
def input_types() -> list[wire.Json]:
    """Types of inputs."""
    return [{"type": name, "cls": f"{Input.__module__}.{Input.__name__}"} for name in INPUT_TYPES]


@router.get("/plugins/inputs/{input_type}", **answers(_JSON, 404))
def input_schema(input_type: str) -> wire.Json:
    """The schema of an input."""
    if input_type.upper() not in INPUT_TYPES:
        raise NotFound(f"there is no input type {input_type} (known: {', '.join(INPUT_TYPES)})")
    schema = TypeAdapter(Input).json_schema()
    return {"markdown": Input.__doc__ or "", "schema": {"properties": schema}}


@router.get("/plugins/schemas/{schema_type}", **answers(_JSON))
def schema(schema_type: SchemaType, services: Services, arrayOf: bool = False) -> JsonAnswer:
    """The JSON Schema of a part of the flow language."""
    found = _schema(services, schema_type)
    return JsonAnswer({"type": "array", "items": found} if arrayOf else found)


@router.get("/plugins/properties/{schema_type}", **answers(_JSON))
def properties(schema_type: SchemaType, services: Services) -> JsonAnswer:
    """The properties of a part of the flow language."""
    return JsonAnswer(_schema(services, schema_type).get("properties", {}))


_DEFINITIONS = {
    SchemaType.TASK: "any.Task",
    SchemaType.TRIGGER: "any.Trigger",
    SchemaType.PLUGINDEFAULT: "PluginDefault",
}


def _schema(services: ApiServices, schema_type: SchemaType) -> wire.Json:
    whole = services.plugins.flow_schema()
    name = _DEFINITIONS.get(schema_type)
    if name is None:
        return whole
    definitions: wire.Json = whole.get("$defs") or whole.get("definitions") or {}
    return {**definitions.get(name, {}), "$defs": definitions}


@router.get("/plugins/{cls}", **answers(_JSON, 404))
def documentation(cls: str, services: Services) -> JsonAnswer:
    """The docs of a type as Markdown, with the schema of its properties."""
    doc = services.plugins.doc(cls)
    found = services.plugins.schema(cls)
    outputs = {name: {"description": text} for name, text in doc.outputs.items()}
    return JsonAnswer(
        {
            "markdown": markdown(doc),
            "schema": {
                "properties": {k: v for k, v in found.items() if k != "$defs"},
                "outputs": {"properties": outputs},
                "definitions": found.get("$defs", {}),
            },
        }
    )


@router.get("/plugins/{cls}/versions", **answers(_JSON, 404))
def versions(cls: str, services: Services) -> wire.Json:
    """A type has the version of this server."""
    return {"type": services.plugins.doc(cls).type, "versions": [__version__]}


@router.get("/plugins/{cls}/versions/{version}", **answers(_JSON, 404))
def documentation_of_version(cls: str, version: str, services: Services) -> JsonAnswer:
    """The docs of a type; there is only the version of this server."""
    if version != __version__:
        raise NotFound(f"{cls} has no version {version}, only {__version__}")
    return documentation(cls, services)


def markdown(doc: PluginDoc) -> str:
    """The docs of a type as one text."""
    parts = [f"# {doc.title}", doc.description, "```yaml", example(doc).rstrip(), "```"]
    parts += ["## Properties", *_lines(list(all_properties(doc)))]
    if doc.outputs:
        parts += ["## Outputs", *(f"- `{name}`: {text}" for name, text in doc.outputs.items())]
    return "\n\n".join(part for part in parts[:2]) + "\n\n" + "\n".join(parts[2:]) + "\n"


def _lines(found: Sequence[PropertyDoc], indent: str = "") -> list[str]:
    lines = []
    for item in found:
        marks = [item.type, *(["required"] if item.required else [])]
        marks += ["dynamic"] if item.dynamic else []
        marks += [f"default `{item.default}`"] if item.default not in (None, "", [], {}) else []
        lines.append(
            f"{indent}- `{item.name}` ({', '.join(marks)}): {item.description}".rstrip(": ")
        )
        lines += _lines(item.properties, indent + "  ")
    return lines
