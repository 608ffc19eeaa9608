"""Plug-in defaults: which values of a flow, a namespace or the server go into a plug-in.

Source: SEMANTICS.md section 11. A default whose `type` equals the plug-in's type or begins it
(as text) applies. What is not forced goes below the plug-in's own values, nearest first; what is
forced goes over them, and the list is walked backwards so that the nearest is laid on last. Maps
merge key by key, lists are joined, other values are replaced; null replaces nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mainstem.flowspec.source import Source
from mainstem.sdk.flow import PluginDefault
from mainstem.sdk.plugin import Plugin, known_properties
from mainstem.sdk.registry import PREFIX, Registry, UnknownType

_LISTS = ("pluginDefaults", "taskDefaults")


def read_defaults(flow: Mapping[str, Any]) -> list[PluginDefault]:
    """The defaults written in a flow, as far as they can be read."""
    found: list[PluginDefault] = []
    for name in _LISTS:
        listed = flow.get(name)
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, dict) and isinstance(item.get("type"), str):
                values = item.get("values")
                found.append(
                    PluginDefault.model_construct(
                        type=item["type"],
                        forced=item.get("forced") is True,
                        values=values if isinstance(values, dict) else {},
                    )
                )
    return found


def inject(
    value: Any,
    defaults: Sequence[PluginDefault],
    registry: Registry | None = None,
    source: Source | None = None,
) -> Any:
    """A copy of the data in which every map with a `type` has the defaults that match it.

    With a registry, aliases and short names match too, and values a class does not know are left
    out. Maps that no default touches stay the same objects.
    """
    return _Injection(defaults, registry, source).of_flow(value)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two maps as one: maps merge, lists join, otherwise what is above and not null wins."""
    merged = dict(below)
    for key, value in above.items():
        original = merged.get(key)
        if original is None or value is None:
            merged[key] = original if value is None else value
        elif isinstance(value, dict) and isinstance(original, dict):
            merged[key] = merge(original, value)
        elif isinstance(value, list) and isinstance(original, list):
            merged[key] = [*original, *value]
        else:
            merged[key] = value
    return merged


class _Injection:
    def __init__(
        self,
        defaults: Sequence[PluginDefault],
        registry: Registry | None,
        source: Source | None,
    ) -> None:
        self.registry = registry
        self.source = source or Source()
        named = [(self._names(default), default) for default in defaults]
        self.plain = [item for item in named if not item[1].forced]
        self.forced = [item for item in reversed(named) if item[1].forced]

    def _names(self, default: PluginDefault) -> tuple[str, ...]:
        names = [default.type]
        if self.registry is not None:
            try:
                names.append(self.registry.canonical(default.type))
            except UnknownType:
                if not default.type.startswith("io."):
                    names.append(PREFIX + default.type)
        return tuple(dict.fromkeys(names))

    def of_flow(self, flow: Any) -> Any:
        if not isinstance(flow, dict):
            return self.walk(flow)
        changed = {key: item if key in _LISTS else self.walk(item) for key, item in flow.items()}
        if "type" in flow:
            changed = self._apply(changed)
        return self._replace(flow, changed)

    def walk(self, value: Any) -> Any:
        if isinstance(value, dict):
            changed = {key: self.walk(item) for key, item in value.items()}
            result = self._replace(value, changed)
            return self._apply(result) if isinstance(result.get("type"), str) else result
        if isinstance(value, list):
            items = [self.walk(item) for item in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            self._stand_for(items, value)
            return items
        return value

    def _stand_for(self, new: list[Any], old: list[Any]) -> None:
        self.source.replace(new, old)

    def _replace(self, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        if all(new[key] is old.get(key) for key in new) and len(new) == len(old):
            return old
        self.source.derive(new, old, {})
        return new

    def _apply(self, plugin: dict[str, Any]) -> dict[str, Any]:
        kind, names = self._identity(plugin["type"])
        result = plugin
        for _, default in _matching(self.plain, names):
            result = self._laid(result, default, kind, over=False)
        for _, default in _matching(self.forced, names):
            result = self._laid(result, default, kind, over=True)
        return result

    def _identity(self, name: str) -> tuple[type[Plugin] | None, tuple[str, ...]]:
        """The class of a written type, and every name under which a default may match it."""
        if self.registry is None:
            return None, (name,)
        try:
            kind = self.registry.find(name)
        except UnknownType:
            return None, (name,)
        return kind, tuple(dict.fromkeys((name, self.registry.canonical(name))))

    def _laid(
        self, plugin: dict[str, Any], default: PluginDefault, kind: type[Plugin] | None, over: bool
    ) -> dict[str, Any]:
        values: Mapping[str, Any] = default.values
        if kind is not None and not known_properties(kind) >= values.keys():
            values = self._known(values, known_properties(kind))
        merged = merge(plugin, values) if over else merge(values, plugin)
        self._trace(merged, plugin, values, over)
        return merged

    def _known(self, values: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
        kept = {key: item for key, item in values.items() if key in known}
        self.source.derive(kept, values, {})
        return kept

    def _trace(
        self, merged: dict[str, Any], own: dict[str, Any], values: Mapping[str, Any], over: bool
    ) -> None:
        """Tell the source which entries of a merged map came from a default, at every depth."""
        origins = {
            key: values for key in values if key not in own or (over and merged[key] is values[key])
        }
        self.source.derive(merged, own, origins)
        for key, value in values.items():
            if isinstance(value, dict) and isinstance(own.get(key), dict):
                self._trace(merged[key], own[key], value, over)


def _matching(
    defaults: Iterable[tuple[tuple[str, ...], PluginDefault]], names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], PluginDefault]]:
    for item in defaults:
        if any(name.startswith(begin) for begin in item[0] for name in names):
            yield item
