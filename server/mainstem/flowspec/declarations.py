"""Rules about what a flow declares: inputs, outputs and plug-in defaults."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mainstem.errors import InvalidInput
from mainstem.flowspec.inputs import nested
from mainstem.flowspec.problems import Problem
from mainstem.flowspec.values import Unfit, coerce
from mainstem.flowspec.wording import Wording, nearest
from mainstem.sdk.fields import as_text
from mainstem.sdk.inputs import INPUT_TYPES, OWN_PROPERTIES
from mainstem.sdk.plugin import known_properties
from mainstem.sdk.registry import PREFIX, Registry, UnknownType

_TYPED: Final = ("defaults", "prefill", "min", "max", "after", "before")


def _name(declared: Mapping[str, Any]) -> str | None:
    name = as_text(declared.get("id", declared.get("name")))
    return name if isinstance(name, str) and name.strip() else None


def check_inputs(declared: Sequence[Any], wording: Wording) -> Iterator[Problem]:
    """Unique ids, dependencies that exist and lead nowhere back, values of the right type."""
    items = [item for item in declared if isinstance(item, dict)]
    yield from _unique(items, "input", wording)
    yield from _nesting(items, wording)
    yield from _dependencies(items, wording)
    for item in items:
        yield from _typed_values(item, wording)


def check_outputs(declared: object, wording: Wording) -> Iterator[Problem]:
    """Unique ids."""
    if isinstance(declared, list):
        items = [item for item in declared if isinstance(item, dict)]
        yield from _unique(items, "output", wording)


def _unique(items: Sequence[dict[str, Any]], what: str, wording: Wording) -> Iterator[Problem]:
    seen: set[str] = set()
    for item in items:
        name = _name(item)
        if name in seen:
            key = "id" if "id" in item else "name"
            message = f"Duplicate {what} with name [{name}]"
            yield wording.problem(item, key, f"duplicate-{what}-id", message)
        elif name is not None:
            seen.add(name)


def _nesting(items: Sequence[dict[str, Any]], wording: Wording) -> Iterator[Problem]:
    known: dict[str, None] = {}
    for item in items:
        name = _name(item)
        if name is None or name in known:
            continue
        try:
            nested({**known, name: None})
        except InvalidInput as error:
            key = "id" if "id" in item else "name"
            yield wording.problem(item, key, "nested-input", error.message)
        else:
            known[name] = None


def _depends_on(item: Mapping[str, Any]) -> list[str]:
    depends_on = item.get("dependsOn")
    names = depends_on.get("inputs") if isinstance(depends_on, dict) else None
    return [str(as_text(name)) for name in names] if isinstance(names, list) else []


def _dependencies(items: Sequence[dict[str, Any]], wording: Wording) -> Iterator[Problem]:
    graph: dict[str, list[str]] = {}
    for item in items:
        if (name := _name(item)) is not None:
            graph.setdefault(name, []).extend(_depends_on(item))
    for item in items:
        name = _name(item)
        for at, other in enumerate(_depends_on(item)):
            if other not in graph:
                near = nearest(other, graph)
                yield wording.problem(
                    item["dependsOn"]["inputs"],
                    at,
                    "unknown-input",
                    f"Input with id '{name}' depends on a non-existent input '{other}'.",
                    suggestion=f"Did you mean `{near}`?" if near else None,
                )
        cycle = _cycle(name, graph) if name is not None else None
        if cycle:
            message = f"Cycle dependency detected for input with id '{name}': {_listed(cycle)}"
            yield wording.problem(item, "dependsOn", "input-cycle", message)


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


def _cycle(start: str, graph: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The first way from `start` along dependencies that comes back to a name on it."""
    done: set[str] = set()
    path: list[str] = []
    ways: list[Iterator[str]] = [iter((start,))]
    while ways:
        name = next(ways[-1], None)
        if name is None:
            ways.pop()
            if path:
                done.add(path.pop())
        elif name in path:
            return path[path.index(name) :]
        elif name not in done:
            path.append(name)
            ways.append(iter(graph.get(name, ())))
    return None


def _typed_values(item: dict[str, Any], wording: Wording) -> Iterator[Problem]:
    kind = item.get("type")
    if kind not in INPUT_TYPES or kind == "FILE":
        return
    for name in _TYPED:
        value = item.get(name)
        foreign = name not in ("defaults", "prefill", *OWN_PROPERTIES.get(kind, ()))
        if value is None or foreign or (isinstance(value, str) and "{{" in value):
            continue
        try:
            coerce(kind, value, item.get("itemType"))
        except Unfit as error:
            reason = str(error).partition(" with errors:")[0]
            yield wording.problem(item, name, "invalid-value", reason)
        except KeyError:
            continue


def check_plugin_defaults(
    listed: object, registry: Registry, wording: Wording
) -> Iterator[Problem]:
    """Values that are null, or that a type named in full does not know."""
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, dict):
            continue
        name = item.get("type")
        if name is None and isinstance(item.get("values"), dict):
            yield wording.problem(item, None, "plugin-default", _invalid("No 'type' provided"))
        if not isinstance(name, str):
            continue
        values = item.get("values")
        if values is None:
            yield wording.problem(item, None, "plugin-default", _invalid("No 'values' provided"))
        elif isinstance(values, dict):
            yield from _default_values(name, values, registry, wording)
        if not _matches_any(name, registry):
            message = f"no installed plug-in has the type `{name}` or one that begins with it"
            yield wording.problem(item, "type", "unused-default", message, severity="warning")


def _default_values(
    name: str, values: dict[str, Any], registry: Registry, wording: Wording
) -> Iterator[Problem]:
    known = _known(name, registry)
    for key, value in values.items():
        if value is None:
            message = _invalid(f"No value provided for key '{key}'")
            yield wording.problem(values, key, "plugin-default", message)
        if known is not None and key not in known:
            message = _invalid(f"No property '{key}' exists in plugin '{name}'")
            near = nearest(key, known)
            hint = f"Did you mean `{near}`?" if near else None
            yield wording.problem(values, key, "plugin-default", message, suggestion=hint)


def _invalid(reason: str) -> str:
    return f"Invalid Plugin Default: {reason}"


def _known(name: str, registry: Registry) -> frozenset[str] | None:
    try:
        return known_properties(registry.find(name))
    except UnknownType:
        return None


def _matches_any(name: str, registry: Registry) -> bool:
    names = (name, PREFIX + name)
    return any(known.startswith(names) for known in (*registry.types(), *registry.aliases()))
