"""What may be written at a place of a flow, and what it means, from the language's JSON Schema."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mainstem.sdk.schema import DEFS
from mainstem.ui.yaml_place import ITEM, Place, Step

Schema = Mapping[str, Any]
_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to go on; `apply` is what it writes, in full."""

    label: str
    apply: str
    detail: str = ""
    info: str = ""
    required: bool = False


def suggestions(schema: Schema, place: Place, inherited: Collection[str] = ()) -> list[Suggestion]:
    """Types and values for a value; else properties: required, its own, inherited ones."""
    language = _Language(schema)
    found = language.mappings(place.path, place.type)
    if place.key is not None:
        return language.values(found, place.key)
    present = set(place.present)
    options = [s for s in language.properties(found, place) if s.label not in present]
    return sorted(options, key=lambda s: (not s.required, s.label in inherited))


class _Language:
    """The schema, walked down from the flow."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema
        self._definitions: Mapping[str, Schema] = schema["$defs"]

    def mappings(self, path: Sequence[Step], kind: str | None) -> list[Schema]:
        """Schemas of the mapping at the end of a path, of the kind that its `type` names."""
        level: list[Schema] = [self._root]
        for step in path:
            whole = [one for schema in level for one in self._kinds(schema, step.type)]
            level = [below for schema in whole for below in _below(schema, step.name)]
        return [one for schema in level for one in self._kinds(schema, kind)]

    def _kinds(self, schema: Schema, kind: str | None, depth: int = 0) -> Iterator[Schema]:
        """Without references and choices; a plug-in's own schema once its type is known."""
        if depth > _DEEPEST:
            return
        if reference := schema.get("$ref"):
            yield from self._kinds(self._definition(reference), kind, depth + 1)
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from self._kinds(choice, kind, depth + 1)
        chosen = [
            rule["then"]
            for rule in schema.get("allOf", ())
            if "if" in rule and kind in rule["if"]["properties"]["type"]["enum"]
        ]
        if chosen:
            yield from self._kinds(chosen[0], kind, depth + 1)
        elif "$ref" not in schema and "anyOf" not in schema:
            yield schema

    def _definition(self, reference: str) -> Schema:
        return self._definitions[reference.removeprefix(DEFS)]

    def properties(self, found: Sequence[Schema], place: Place) -> Iterator[Suggestion]:
        for schema in found:
            required = schema.get("required", ())
            if "allOf" in schema and place.path[-1].name == ITEM:
                yield Suggestion(
                    "id", "id: ", "text, required", "Unique over the whole flow.", True
                )
            for name, prop in schema.get("properties", {}).items():
                yield self._property(name, prop, name in required, place.column)

    def _property(self, name: str, prop: Schema, required: bool, column: int) -> Suggestion:
        shapes = list(self._kinds(prop, None))
        words = list(dict.fromkeys(_shape(shape) for shape in shapes if _shape(shape)))
        below = {"list": f"\n{' ' * (column + 2)}- ", "map": f"\n{' ' * (column + 2)}"}
        apply = f"{name}:{below.get(words[0], ' ') if words else ' '}"
        detail = f"{' or '.join(words)}{', required' if required else ''}"
        info = _said(prop) or next((_said(shape) for shape in shapes if _said(shape)), "")
        if (default := prop.get("default")) not in (None, [], {}, ""):
            info = f"{info} Default: {default}.".strip()
        return Suggestion(name, apply, detail, info, required)

    def values(self, found: Sequence[Schema], key: str) -> list[Suggestion]:
        shapes = [
            shape
            for schema in found
            if (prop := schema.get("properties", {}).get(key)) is not None
            for shape in self._kinds(prop, None)
        ]
        every: dict[str, Suggestion] = {}
        for shape in shapes:
            for word in _words(shape):
                every.setdefault(word, Suggestion(word, word))
        if key != "type":
            return list(every.values())
        # Short names and aliases are read, and full names offered.
        full = [name for name in every if name in self._definitions]
        return [
            Suggestion(name, name, info=_first(self._definitions[name])) for name in full
        ] or list(every.values())


def _below(schema: Schema, step: str) -> Iterator[Schema]:
    """The schema of a list's items, or of a key's value."""
    if step == ITEM:
        items = schema.get("items")
        if isinstance(items, Mapping):
            yield items
        return
    if step in schema.get("properties", {}):
        yield schema["properties"][step]
    elif isinstance(others := schema.get("additionalProperties"), Mapping):
        yield others


def _shape(schema: Schema) -> str:
    kind = schema.get("type")
    if schema.get("enum"):
        return "choice"
    if schema.get("allOf"):
        return "map"
    words = {
        "array": "list", "object": "map", "boolean": "boolean", "integer": "whole number",
        "number": "number", "string": "text",
    }  # fmt: skip
    return words.get(kind, "") if isinstance(kind, str) else "text" if kind else ""


def _words(schema: Schema) -> Sequence[str]:
    if schema.get("type") == "boolean":
        return ("true", "false")
    return [str(word) for word in schema.get("enum", ())]


def _said(schema: Schema) -> str:
    text = str(schema.get("description", ""))
    return "" if text == "an expression" else text


def _first(schema: Schema) -> str:
    return _said(schema).strip().partition("\n")[0]
