"""The flow language as JSON Schema.

Everything comes from the classes: names, types, defaults and the sentences of docstrings and
fields. `type` chooses the schema of a plug-in; full names, short names and aliases are accepted.
"""

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, ClassVar, Final

from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    JsonSchemaWarningKind,
)
from pydantic_core import core_schema

from mainstem.sdk.fields import DYNAMIC
from mainstem.sdk.flow import Flow
from mainstem.sdk.plugin import PLUGIN_MARK, Plugin, Properties, plugin_bases
from mainstem.sdk.registry import PREFIX, Registry

DIALECT: Final = "http://json-schema.org/draft-07/schema#"
EDITOR_COMMENT: Final = "# yaml-language-server: $schema={url}"
DEFS: Final = "#/$defs/"
_PLAIN: Final = frozenset({NoneType, bool, int, str})


class _Generator(GenerateJsonSchema):
    """Anything without a JSON form accepts any value instead of failing the whole schema."""

    ignored_warning_kinds: ClassVar[set[JsonSchemaWarningKind]] = {  # type: ignore[misc]
        "skipped-choice",
        "non-serializable-default",
    }

    def handle_invalid_for_json_schema(
        self, schema: core_schema.CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        return {}

    def encode_default(self, dft: object) -> object:
        """As usual, without the detour that plain values do not need."""
        return dft if type(dft) in _PLAIN else super().encode_default(dft)


def flow_schema(registry: Registry) -> dict[str, Any]:
    """The JSON Schema of a flow with every plug-in of the registry."""
    return _Document(registry).schema(Flow)


def plugin_schema(registry: Registry, name: str) -> dict[str, Any]:
    """The JSON Schema of one plug-in; raises UnknownType."""
    return _Document(registry).schema(registry.find(name))


class _Document:
    """One schema and the definitions that it needs, directly or not."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions: dict[str, Any] = {}
        self.plain: dict[str, Any] = {}
        self.names = _names_by_type(registry)

    def schema(self, kind: type[Properties]) -> dict[str, Any]:
        root = self._of_class(kind)
        waiting = list(_references(root))
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name.startswith("any."):
                self.definitions[name] = self._of_base(plugin_bases()[name.removeprefix("any.")])
            elif name not in self.definitions:
                self.definitions[name] = self._of_class(self.registry.find(name))
            waiting.extend(_references(self.definitions[name]))
        used = {name: self.definitions[name] for name in sorted(seen)}
        return {"$schema": DIALECT, **_without_marks(root), "$defs": _without_marks(used)}

    def _of_base(self, base: type[Plugin]) -> dict[str, Any]:
        kinds = [name for name in self.registry.types() if self._is(name, base)]
        every = [written for name in kinds for written in self.names[name]]
        return {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"type": "string", "enum": every}},
            "allOf": [
                {
                    "if": {"properties": {"type": {"enum": self.names[name]}}},
                    "then": {"$ref": f"{DEFS}{name}"},
                }
                for name in kinds
            ],
        }

    def _is(self, name: str, base: type[Plugin]) -> bool:
        return issubclass(self.registry.find(name), base)

    def _of_class(self, kind: type[Properties]) -> dict[str, Any]:
        schema = class_schema(kind)
        prefix = f"{kind.__module__}.{kind.__qualname__}".removeprefix("mainstem.")
        inner = schema.pop("$defs", {})
        renamed = {
            name: f"{prefix}.{name}"
            for name, definition in inner.items()
            if self.plain.setdefault(name, definition) != definition
        }
        for name, definition in inner.items():
            self.definitions[renamed.get(name, name)] = _renamed(definition, renamed)
        schema = _renamed(schema, renamed)
        if issubclass(kind, Plugin):
            written = self.names.get(kind.TYPE, [kind.TYPE])
            schema["properties"]["type"] = {"type": "string", "enum": written}
            schema["title"] = kind.TYPE.rpartition(".")[2]
            if kind.DEPRECATED:
                schema["deprecated"] = True
        return dict(schema)


def class_schema(kind: type[Properties]) -> dict[str, Any]:
    """The JSON Schema of one class, its nested classes under `$defs`."""
    mode: JsonSchemaMode = "validation"
    schema = kind.model_json_schema(by_alias=True, schema_generator=_Generator, mode=mode)
    found: dict[str, Any] = _with_references(schema)
    return found


def _with_references(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_references(item) for item in value]
    if not isinstance(value, dict):
        return value
    if PLUGIN_MARK in value:
        return {"$ref": f"{DEFS}any.{value[PLUGIN_MARK]}"}
    return {key: _with_references(item) for key, item in value.items()}


def _names_by_type(registry: Registry) -> dict[str, list[str]]:
    """Every way to write each type, the full name first."""
    names = {name: [name, *_short(name)] for name in registry.types()}
    for alias, name in sorted(registry.aliases().items()):
        if name in names:
            names[name].append(alias)
    return names


def _short(name: str) -> list[str]:
    return [name.removeprefix(PREFIX)] if name.startswith(PREFIX) else []


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(DEFS):
            yield reference.removeprefix(DEFS)
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _renamed(item, names) for key, item in value.items()}
    reference = changed.get("$ref")
    if isinstance(reference, str):
        old = reference.removeprefix(DEFS)
        changed["$ref"] = f"{DEFS}{names.get(old, old)}"
    return changed


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_marks(item) for key, item in value.items() if key != DYNAMIC}
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return value
