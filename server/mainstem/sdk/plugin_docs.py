"""Each plug-in as data for its docs page, from its class alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mainstem.sdk.condition import Condition
from mainstem.sdk.fields import DYNAMIC
from mainstem.sdk.plugin import Plugin
from mainstem.sdk.registry import PREFIX, Registry
from mainstem.sdk.runner import TaskRunner
from mainstem.sdk.schema import DEFS, class_schema
from mainstem.sdk.task import Task
from mainstem.sdk.trigger import Trigger

_KINDS: Final = ((Task, "task"), (Trigger, "trigger"), (Condition, "condition"))


@dataclass(frozen=True, slots=True)
class PropertyDoc:
    """One property of a plug-in; `type` is written for readers."""

    name: str
    type: str
    description: str
    required: bool = False
    default: object = None
    dynamic: bool = False
    deprecated: bool = False
    inherited: bool = False
    choices: Sequence[str] = ()
    properties: Sequence["PropertyDoc"] = ()


@dataclass(frozen=True, slots=True)
class PluginDoc:
    """What a docs page shows of one plug-in."""

    type: str
    short: str
    kind: str
    title: str
    description: str
    aliases: Sequence[str]
    deprecated: bool
    properties: Sequence[PropertyDoc]
    outputs: Mapping[str, str]


def plugin_doc(registry: Registry, name: str) -> PluginDoc:
    """The docs of the plug-in that a full, short or alias name means; raises UnknownType."""
    kind = registry.find(name)
    schema = class_schema(kind)
    aliases = sorted(alias for alias, full in registry.aliases().items() if full == kind.TYPE)
    return PluginDoc(
        type=kind.TYPE,
        short=kind.TYPE.removeprefix(PREFIX),
        kind=_kind(kind),
        title=kind.TYPE.rpartition(".")[2],
        description=str(schema.get("description", "")),
        aliases=aliases,
        deprecated=kind.DEPRECATED,
        properties=tuple(_properties(schema, schema.get("$defs", {}), _inherited(kind))),
        outputs=dict(kind.OUTPUTS),
    )


def plugin_docs(registry: Registry) -> Iterator[PluginDoc]:
    """Every plug-in, by type."""
    return (plugin_doc(registry, name) for name in registry.types())


def _kind(kind: type[Plugin]) -> str:
    if issubclass(kind, TaskRunner):
        return "task runner"
    return next((word for base, word in _KINDS if issubclass(kind, base)), "plug-in")


def _inherited(kind: type[Plugin]) -> frozenset[str]:
    """The YAML names that every plug-in of this kind has."""
    base = next(base for base in (Task, Trigger, Condition, TaskRunner) if issubclass(kind, base))
    return frozenset(str(field.alias or name) for name, field in base.model_fields.items())


def _properties(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    inherited: frozenset[str] = frozenset(),
    depth: int = 0,
) -> Iterator[PropertyDoc]:
    required = set(schema.get("required", ()))
    for name, item in schema.get("properties", {}).items():
        nested = _nested(item, definitions)
        below = nested is not None and depth < 4
        yield PropertyDoc(
            name=name,
            type=_type(item, definitions),
            description=str(item.get("description", "")),
            required=name in required,
            default=item.get("default"),
            dynamic=_is_dynamic(item),
            deprecated=bool(item.get("deprecated")),
            inherited=name in inherited,
            choices=tuple(_choices(item, definitions)),
            properties=tuple(_properties(nested, definitions, depth=depth + 1))
            if below and nested is not None
            else (),
        )


def _members(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(item.get("anyOf") or item.get("oneOf") or [item])


def _resolved(item: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(item.get("$ref", "")).removeprefix(DEFS)
    found: Mapping[str, Any] = definitions.get(name, item)
    return found


def _nested(item: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of the properties inside a property, through lists and unions."""
    for member in _members(item):
        found = _resolved(member, definitions)
        if "properties" in found:
            return found
        items = found.get("items")
        if isinstance(items, dict) and (inside := _nested(items, definitions)):
            return inside
    return None


def _type(item: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    words = []
    for member in _members(item):
        word = _word(_resolved(member, definitions), definitions)
        if word and word not in words and member.get("description") != "an expression":
            words.append(word)
    return " or ".join(words) or "any"


_FORMATS: Final = {"duration": "duration", "date-time": "date and time"}
_WORDS: Final = {"integer": "whole number", "array": "list", "object": "map", "null": ""}


def _word(found: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    reference = str(found.get("$ref", "")).removeprefix(DEFS)
    if reference.startswith("any."):
        return reference.removeprefix("any.").lower().replace("taskrunner", "task runner")
    kind = found.get("type")
    if isinstance(kind, list):
        return "text" if DYNAMIC in found else " or ".join(_WORDS.get(str(k), str(k)) for k in kind)
    if kind == "string":
        return _FORMATS.get(str(found.get("format")), "text")
    if kind == "array":
        items = found.get("items")
        inner = _type(items, definitions) if isinstance(items, dict) else "any"
        return f"list of {inner}" if inner != "any" else "list"
    if kind is None and "anyOf" in found:
        return _type(found, definitions)
    return _WORDS.get(str(kind), str(kind)) if kind else ""


def _is_dynamic(value: Any) -> bool:
    if isinstance(value, dict):
        return DYNAMIC in value or any(_is_dynamic(item) for item in value.values())
    return isinstance(value, list) and any(_is_dynamic(item) for item in value)


def _choices(item: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    for member in _members(item):
        found = _resolved(member, definitions)
        if "const" in found:
            yield str(found["const"])
        for choice in found.get("enum", ()):
            yield str(choice)
