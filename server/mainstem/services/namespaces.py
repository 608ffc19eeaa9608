"""Namespaces: what each says for itself, and what it inherits from those it lies in."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection

from mainstem.bus.inprocess import NAMESPACES, Bus
from mainstem.clock import Clock
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.flowspec.namespaces import NamespaceProperties, ParsedNamespace, merged_variables
from mainstem.flowspec.namespaces import parse_namespace as parse
from mainstem.flowspec.problems import Problem
from mainstem.model.flow_id import NAMESPACE, ancestors
from mainstem.model.principal import Permission
from mainstem.sdk.flow import PluginDefault
from mainstem.sdk.registry import Registry
from mainstem.services import access, audit
from mainstem.services.keeping import Keeper, nobody
from mainstem.store import namespaces as rows
from mainstem.store.database import Database
from mainstem.store.namespaces import StoredNamespace

__all__ = ["Inherited", "NamespaceProperties", "NamespaceService", "StoredNamespace"]

T = TypeVar("T")

# Another process's change is seen after this long even when no signal came.
_TRUSTED_SECONDS: Final = 2.0
# Flows that would no longer parse with these defaults: (namespace, its new defaults).
Check = Callable[[str, Sequence[PluginDefault]], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Inherited(Generic[T]):
    """A value and the namespace that says it."""

    namespace: str
    value: T


@dataclass(frozen=True, slots=True)
class NamespaceOrigin:
    """The Git source and commit that the properties came from."""

    source: str
    commit: str


@dataclass(slots=True)
class _Snapshot:
    """All namespaces at one moment; what is derived is made once, and is the same object then."""

    stamp: tuple[object, ...]
    held: Mapping[str, StoredNamespace]
    defaults: dict[str, tuple[PluginDefault, ...]] = field(default_factory=dict)
    variables: dict[str, Mapping[str, object]] = field(default_factory=dict)


class NamespaceService:
    """Reads through a snapshot, since every start of an execution asks."""

    def __init__(self, database: Database, registry: Registry, clock: Clock, bus: Bus) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._bus = bus
        self._lock = threading.Lock()
        self._cached: _Snapshot | None = None
        self._checked_at = 0.0
        self._check: Check = lambda _namespace, _defaults: ()
        self._keeper: Keeper = nobody
        bus.subscribe([NAMESPACES], lambda _topic: self._forget())

    def guard(self, check: Check) -> None:
        """Have `check` say which flows new defaults would break."""
        self._check = check

    def protect(self, keeper: Keeper) -> None:
        """Have `keeper` asked before properties change."""
        self._keeper = keeper

    # reading

    def all(self) -> list[StoredNamespace]:
        """Namespaces that say something themselves, by name."""
        held = self._snapshot().held.values()
        return [item for item in held if access.sees(Permission.NAMESPACE_READ, item.id)]

    def find(self, namespace: str) -> StoredNamespace | None:
        """None for a namespace that says nothing itself."""
        if not access.sees(Permission.NAMESPACE_READ, namespace):
            return None
        return self._snapshot().held.get(namespace)

    def get(self, namespace: str) -> StoredNamespace:
        """Raises NotFound."""
        found = self.find(namespace)
        if found is None:
            raise NotFound(f"namespace {namespace} has no properties of its own")
        return found

    def defaults(self, namespace: str) -> tuple[PluginDefault, ...]:
        """Plug-in defaults in force, nearest first; the same object until something changes."""
        snapshot = self._snapshot()
        known = snapshot.defaults.get(namespace)
        if known is None:
            known = tuple(item.value for item in _defaults(snapshot, namespace))
            snapshot.defaults[namespace] = known
        return known

    def variables(self, namespace: str) -> Mapping[str, object]:
        """Variables in force; the same object until something changes."""
        snapshot = self._snapshot()
        known = snapshot.variables.get(namespace)
        if known is None:
            known = merged_variables([item.variables for item in _chain(snapshot, namespace)])
            snapshot.variables[namespace] = known
        return known

    def allowed_in(self, namespace: str) -> frozenset[str]:
        """Other namespaces whose flows may reach into this one."""
        chain = _chain(self._snapshot(), namespace)
        return frozenset(place for item in chain for place in item.allowed_namespaces)

    def inherited_defaults(self, namespace: str) -> list[Inherited[PluginDefault]]:
        """Plug-in defaults in force with their origin, nearest first."""
        return _defaults(self._snapshot(), namespace)

    def inherited_variables(self, namespace: str) -> dict[str, Inherited[object]]:
        """Variables in force, by name, with the nearest namespace that says something of each."""
        chain = _chain(self._snapshot(), namespace)
        origin: dict[str, str] = {}
        for item in chain:
            for key in item.variables:
                origin.setdefault(key, item.id)
        values = self.variables(namespace)
        return {key: Inherited(origin[key], value) for key, value in sorted(values.items())}

    # changing

    def parse(self, source: str | Mapping[str, object], path: str | None = None) -> ParsedNamespace:
        """Read properties as YAML text or a map; never raises."""
        return parse(source, self._registry, path=path)

    def save(
        self, properties: NamespaceProperties, *, create: bool = False, expected: int | None = None
    ) -> StoredNamespace:
        """Create or replace the properties of one namespace.

        Raises InvalidInput when flows would no longer be valid, Conflict when `create` finds one,
        or when it is not at the `expected` revision any more.
        """
        access.require(Permission.NAMESPACE_WRITE, properties.id)
        old = self.find(properties.id)
        if create and old is not None:
            raise Conflict(f"namespace {properties.id} exists already: update it instead")
        if expected is not None and expected != (old.revision if old else 0):
            raise Conflict(f"namespace {properties.id} was changed meanwhile: reload it")
        self._must_fit(properties, old)
        with self._database.write() as tx:
            self._keeper(tx, [("namespace", properties.id, properties.id)])
            (saved,) = self.apply(tx, [properties])
            action = "namespace.update" if old else "namespace.create"
            audit.record(tx, action, properties.id, namespace=properties.id)
        self.announce()
        return saved

    def apply(
        self,
        tx: Connection,
        wanted: Sequence[NamespaceProperties],
        deletes: Sequence[str] = (),
        origin: NamespaceOrigin | None = None,
    ) -> list[StoredNamespace]:
        """Store properties and deletions in the caller's transaction; call `announce` after it."""
        now = self._clock.now()
        saved = []
        for item in wanted:
            old = rows.get(tx, item.id)
            new = StoredNamespace(
                item.id,
                old.created_at if old else now,
                now,
                item.description,
                item.variables,
                [_plain(default) for default in item.plugin_defaults],
                old.revision + 1 if old else 1,
                origin.source if origin else None,
                origin.commit if origin else None,
                item.allowed_namespaces,
            )
            saved.append(new)
        rows.put(tx, saved)
        for namespace in deletes:
            rows.remove(tx, namespace)
        return saved

    def owned_by(self, tx: Connection, git_source: str) -> list[StoredNamespace]:
        """Namespaces whose properties a Git source wrote."""
        return [item for item in rows.everything(tx) if item.git_source == git_source]

    def delete(self, namespace: str) -> None:
        """Forget what the namespace says; its flows, keys and files stay. Raises NotFound."""
        access.require(Permission.NAMESPACE_WRITE, namespace)
        old = self.get(namespace)
        self._must_fit(NamespaceProperties(id=namespace), old)
        with self._database.write() as tx:
            self._keeper(tx, [("namespace", namespace, namespace)])
            self.apply(tx, [], [namespace])
            audit.record(tx, "namespace.delete", namespace, namespace=namespace)
        self.announce()

    def announce(self) -> None:
        """Signal that namespaces changed, once the transaction is through."""
        self._forget()
        self._bus.publish(NAMESPACES)

    def _must_fit(self, wanted: NamespaceProperties, old: StoredNamespace | None) -> None:
        """Defaults that would break flows are refused, with the flows named."""
        before = [dict(item) for item in old.plugin_defaults] if old else []
        if [_plain(item) for item in wanted.plugin_defaults] == before:
            return
        problems = self._check(wanted.id, wanted.plugin_defaults)
        if problems:
            shown = "\n".join(str(problem) for problem in problems[:20])
            raise InvalidInput(f"with these plug-in defaults flows are not valid:\n{shown}")

    # the snapshot

    def _forget(self) -> None:
        self._checked_at = 0.0

    @access.as_server  # it is kept, and everybody's look-ups inherit from it
    def _snapshot(self) -> _Snapshot:
        known = self._cached
        if known is not None and time.monotonic() - self._checked_at < _TRUSTED_SECONDS:
            return known
        with self._lock:
            # Taken before reading: what changes meanwhile must be looked at again.
            now = time.monotonic()
            with self._database.read() as tx:
                stamp = rows.stamp(tx)
                if self._cached is None or self._cached.stamp != stamp:
                    self._cached = _Snapshot(stamp, {i.id: i for i in rows.everything(tx)})
            self._checked_at = now
            return self._cached


def checked_namespace(namespace: str) -> str:
    """The name; raises InvalidInput when it cannot be one of a namespace."""
    if not NAMESPACE.fullmatch(namespace) or len(namespace) > 150:
        raise InvalidInput(f"`{namespace}` is not a namespace")
    return namespace


def _chain(snapshot: _Snapshot, namespace: str) -> list[StoredNamespace]:
    return [snapshot.held[place] for place in ancestors(namespace) if place in snapshot.held]


def _defaults(snapshot: _Snapshot, namespace: str) -> list[Inherited[PluginDefault]]:
    return [
        Inherited(item.id, PluginDefault.model_validate(dict(default)))
        for item in _chain(snapshot, namespace)
        for default in item.plugin_defaults
    ]


def _plain(default: PluginDefault) -> dict[str, object]:
    return {"type": default.type, "forced": default.forced, "values": default.values}
