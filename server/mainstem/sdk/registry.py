"""Finds plug-in classes by type name; a class is imported when a flow first needs it.

A plug-in group is a module with `TYPES: dict[str, str]` (full type name -> "module:Class") and
optionally `ALIASES: dict[str, str]` (other name -> full type name), announced under the entry
point group `mainstem.plugins`. Reading a manifest imports no plug-in.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from mainstem.errors import InvalidInput
from mainstem.sdk.plugin import Plugin
from mainstem.sdk.task import Task

P = TypeVar("P", bound=Plugin)

PREFIX = "io.kestra.plugin."
GROUP = "mainstem.plugins"


class UnknownType(InvalidInput):
    """No installed plug-in has this type name."""

    def __init__(self, name: str, suggestion: str | None) -> None:
        hint = f" Did you mean `{suggestion}`?" if suggestion else ""
        super().__init__(f"Invalid type: {name}.{hint}")
        self.name = name
        self.suggestion = suggestion


@lru_cache(maxsize=1)
def _manifests() -> tuple[str, ...]:
    announced = {point.value for point in entry_points(group=GROUP)}
    package = importlib.import_module(GROUP)
    own = {
        f"{GROUP}.{found.name}.manifest"
        for found in pkgutil.iter_modules(package.__path__)
        if found.ispkg
    }
    return tuple(sorted(announced | own))


class Registry:
    """Type names to plug-in classes."""

    def __init__(self, manifests: Iterable[ModuleType]) -> None:
        self._types: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._classes: dict[str, type[Plugin]] = {}
        for manifest in manifests:
            self._types.update(manifest.TYPES)
            self._aliases.update(getattr(manifest, "ALIASES", {}))

    @staticmethod
    def installed() -> "Registry":
        """Every plug-in group announced by installed distributions, and those that come along.

        The latter are looked for beside the program too: a checkout that was updated without
        being installed again has entry points of the past.
        """
        return Registry(importlib.import_module(name) for name in _manifests())

    def register(self, plugin: type[Plugin]) -> None:
        """Add one class, as tests do with their fixtures."""
        self._classes[plugin.TYPE] = plugin
        self._types[plugin.TYPE] = f"{plugin.__module__}:{plugin.__qualname__}"
        self._aliases.update(dict.fromkeys(plugin.ALIASES, plugin.TYPE))

    def types(self) -> Iterator[str]:
        """Every full type name, sorted."""
        return iter(sorted(self._types))

    def aliases(self) -> Mapping[str, str]:
        return self._aliases

    def canonical(self, name: str) -> str:
        """The full type name for a full, short or alias name; raises UnknownType."""
        for candidate in (name, PREFIX + name):
            if candidate in self._types:
                return candidate
            if candidate in self._aliases:
                return self._aliases[candidate]
        raise UnknownType(name, self._nearest(name))

    def _nearest(self, name: str) -> str | None:
        """The type that was probably meant: its last word is as written, or nearly so."""
        package, _, last = name.lower().rpartition(".")
        words = {known.rpartition(".")[2].lower() for known in self._types}
        near = set(difflib.get_close_matches(last, words, n=3, cutoff=0.75))
        beside = {
            known.rpartition(".")[2].lower()
            for known in self._types
            if known.lower().rpartition(".")[0].endswith(package) and package
        }
        near |= set(difflib.get_close_matches(last, beside, n=1, cutoff=0.6))
        known = [item for item in self._types if item.rpartition(".")[2].lower() in near]
        found = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        return found[0] if found else None

    def find(self, name: str) -> type[Plugin]:
        """The class of a type; raises UnknownType."""
        full = self.canonical(name)
        found = self._classes.get(full)
        if found is None:
            module, _, attribute = self._types[full].partition(":")
            found = cast("type[Plugin]", getattr(importlib.import_module(module), attribute))
            self._classes[full] = found
        return found

    def build(
        self, base: type[P], properties: Mapping[str, object], context: Mapping[str, Any] | None
    ) -> P:
        """Validate `properties` as the plug-in that its `type` names.

        Raises UnknownType, InvalidInput when the type is not a `base`, or pydantic's
        ValidationError with the location of each fault.
        """
        name = properties.get("type")
        if not isinstance(name, str) or not name:
            raise InvalidInput("`type` is missing")
        plugin = self.find(name)
        if not issubclass(plugin, base):
            raise InvalidInput(f"`{name}` cannot be used as a {base.__name__}")
        return plugin.model_validate(
            dict(properties),
            context={**(context or {}), "registry": self},
            by_alias=True,
            by_name=False,
        )


def built_task(registry: Registry, properties: Mapping[str, object]) -> Task:
    """The task that the properties describe; raises InvalidInput with every fault."""
    try:
        return registry.build(Task, properties, None)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise InvalidInput(f"`{properties.get('type')}` is not described well: {faults}") from error
