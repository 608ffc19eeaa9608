"""The key-value store of namespaces; look-ups walk up the namespace tree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from mainstem.bus.inprocess import KV, Bus
from mainstem.clock import Clock
from mainstem.errors import Conflict, Gone, InvalidInput, NotFound
from mainstem.model.flow_id import ancestors
from mainstem.model.principal import Permission
from mainstem.sdk.context import KvEntry, KvPurge
from mainstem.services import access, audit
from mainstem.services.keeping import Keeper, nobody
from mainstem.services.kv_values import (
    Kind,
    check_key,
    coerce,
    decode,
    encode,
    kind_as,
    kind_of,
)
from mainstem.store import kv as rows
from mainstem.store.database import Database
from mainstem.store.kv import StoredKv

__all__ = ["KvService", "Located", "StoredKv"]


#: What those see who may not read values.
HIDDEN: Final = "(hidden)"


@dataclass(frozen=True, slots=True)
class Located:
    """An entry and the namespace it was found in."""

    namespace: str
    entry: KvEntry
    stored: StoredKv


class KvService:
    """Typed values with an optional time to live."""

    def __init__(self, database: Database, clock: Clock, bus: Bus) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._keeper: Keeper = nobody

    def protect(self, keeper: Keeper) -> None:
        """Have `keeper` asked before entries change."""
        self._keeper = keeper

    def find(self, namespace: str, key: str, *, inherit: bool = True) -> Located | None:
        """The entry in the namespace or the nearest one above it.

        Raises Gone when the nearest entry has expired.
        """
        check_key(key)
        with self._database.read() as tx:
            for place in ancestors(namespace) if inherit else [namespace]:
                stored = rows.get(tx, place, key)
                if stored is not None:
                    return self._located(stored)
        return None

    def get(self, namespace: str, key: str, *, inherit: bool = True) -> Located:
        """As `find`, but raises NotFound."""
        found = self.find(namespace, key, inherit=inherit)
        if found is None:
            raise NotFound(f"No value found for key '{key}' in namespace '{namespace}'")
        return found

    def reach(self, namespace: str, origin: str) -> str:
        """The namespace, for a flow of `origin`: one it lies in, or one that exists.

        Raises NotFound; a namespace exists when it has a flow or an entry, or one below it does.
        """
        if namespace in ancestors(origin):
            return namespace
        with self._database.read() as tx:
            if rows.is_known(tx, namespace):
                return namespace
        raise NotFound(f"Cannot access the KV store. The namespace '{namespace}' does not exist.")

    def set(
        self,
        namespace: str,
        entry: KvEntry,
        *,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> StoredKv:
        """Store an entry; raises Conflict when it exists and must not be overwritten."""
        check_key(entry.key)
        access.require(Permission.KV_WRITE, namespace)
        if ttl is not None and ttl < timedelta(0):
            raise InvalidInput("ttl cannot be negative")
        kind = kind_as(entry.value, Kind(entry.kind)) if entry.kind else kind_of(entry.value)
        value = encode(coerce(entry.value, kind), kind)
        now = self._clock.now()
        try:
            expires_at = entry.expires_at if ttl is None else now + ttl
        except OverflowError as error:
            raise InvalidInput("the time to live reaches beyond the year 9999") from error
        with self._database.write() as tx:
            self._keeper(tx, [("kv", namespace, entry.key)])
            old = rows.get(tx, namespace, entry.key)
            alive = old is not None and (old.expires_at is None or old.expires_at > now)
            if alive and not overwrite:
                raise Conflict(
                    f"Cannot set value for key '{entry.key}'. Key already exists and `overwrite` "
                    "is set to `false`."
                )
            new = StoredKv(
                namespace,
                entry.key,
                kind.value,
                value,
                created_at=old.created_at if old else now,
                updated_at=now,
                expires_at=expires_at,
                description=_description(entry, old),
                revision=old.revision + 1 if old else 1,
            )
            rows.put(tx, new)
            action = "kv.update" if alive else "kv.create"
            detail = {"type": kind.value}
            audit.record(tx, action, f"{namespace}/{entry.key}", detail, namespace=namespace)
        self._bus.publish(KV)
        return new

    def check_free(self, namespace: str, key: str) -> None:
        """Raises Conflict for an entry that somebody else keeps to himself."""
        with self._database.read() as tx:
            self._keeper(tx, [("kv", namespace, key)])

    def delete(self, namespace: str, key: str) -> bool:
        return bool(self.delete_all(namespace, [check_key(key)]))

    def delete_all(self, namespace: str, keys: Sequence[str]) -> list[str]:
        """Delete keys of exactly this namespace, all or none; returns those that were there."""
        access.require(Permission.KV_WRITE, namespace)
        with self._database.write() as tx:
            self._keeper(tx, [("kv", namespace, key) for key in keys])
            done = [key for key in dict.fromkeys(keys) if rows.remove(tx, namespace, key)]
            for key in done:
                audit.record(tx, "kv.delete", f"{namespace}/{key}", namespace=namespace)
        self._bus.publish(KV)
        return done

    def purge(self, wanted: KvPurge, may_change: Callable[[str], bool]) -> int:
        """Delete what is wanted of the namespaces that may be changed; gives how many entries."""
        now = self._clock.now()
        doomed: dict[str, list[str]] = {}
        for entry in self.entries(None, expired=True):
            over = entry.expires_at is not None and entry.expires_at <= now
            wrong_age = wanted.expired_only and not over
            if not wrong_age and fnmatchcase(entry.key, wanted.key_pattern):
                doomed.setdefault(entry.namespace, []).append(entry.key)
        places = [place for place in doomed if wanted.covers(place) and may_change(place)]
        return sum(len(self.delete_all(place, doomed[place])) for place in places)

    def entries(self, namespace: str | None, *, expired: bool = False) -> list[StoredKv]:
        """Entries of exactly this namespace (of all for None), by key."""
        now = self._clock.now()
        with self._database.read() as tx:
            found = [_shown(entry) for entry in rows.entries(tx, namespace)]
        return [e for e in found if expired or e.expires_at is None or e.expires_at > now]

    def visible(self, namespace: str) -> list[StoredKv]:
        """Living entries that the namespace sees, by key, the nearest of each."""
        places = ancestors(namespace)
        now = self._clock.now()
        with self._database.read() as tx:
            found = rows.entries_of(tx, places)
        nearest: dict[str, StoredKv] = {}
        for entry in sorted(found, key=lambda entry: places.index(entry.namespace)):
            if entry.expires_at is None or entry.expires_at > now:
                nearest.setdefault(entry.key, entry)
        return sorted(nearest.values(), key=lambda entry: entry.key)

    def inherited(self, namespace: str) -> list[StoredKv]:
        """Of those that the namespace sees, the ones of namespaces above."""
        return [entry for entry in self.visible(namespace) if entry.namespace != namespace]

    def counts(self) -> dict[str, int]:
        """How many living entries each namespace has."""
        with self._database.read() as tx:
            return rows.counts(tx, self._clock.now())

    def keys(self, namespace: str, prefix: str = "") -> list[str]:
        return [e.key for e in self.entries(namespace) if e.key.startswith(prefix)]

    def _located(self, stored: StoredKv) -> Located:
        if stored.expires_at is not None and stored.expires_at <= self._clock.now():
            raise Gone("The requested value has expired")
        value = decode(stored.value, Kind(stored.kind))
        entry = KvEntry(stored.key, value, stored.kind, stored.expires_at, stored.description)
        return Located(stored.namespace, entry, stored)


def _description(entry: KvEntry, old: StoredKv | None) -> str | None:
    """None keeps what is there, an empty text clears it."""
    if entry.description is None:
        return old.description if old else None
    return entry.description or None


def _shown(entry: StoredKv) -> StoredKv:
    """Without its value for those who see names only."""
    if access.sees(Permission.KV_VALUE, entry.namespace):
        return entry
    return replace(entry, value=HIDDEN, kind=Kind.STRING.value)
