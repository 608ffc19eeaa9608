"""What a source owns, as the stage and the plan ask for it; and what is live beside it."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from mainstem.gitsync.spaces import live_namespaces
from mainstem.gitsync.values import Value
from mainstem.model.flow_id import FlowId
from mainstem.store import kv as kv_rows
from mainstem.store import sync_entries as rows
from mainstem.store.database import Database
from mainstem.store.sync_entries import Entry, Key, Live

_MANY = 2_000


class Manifest:
    """The things that the live commit of a source brought."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    def all(self) -> list[Entry]:
        with self._database.read() as tx:
            return rows.of_source(tx, self._source)

    def at_paths(self, paths: Sequence[str]) -> list[Entry]:
        with self._database.read() as tx:
            return rows.at_paths(tx, self._source, paths)

    def with_keys(self, keys: Collection[Key]) -> dict[Key, Entry]:
        with self._database.read() as tx:
            return owned(tx, self._source, keys)

    def count(self) -> int:
        with self._database.read() as tx:
            return rows.count(tx, self._source)

    def drifted(self, limit: int = 10_000) -> list[Entry]:
        """Things that are not as the live commit says: edited or deleted by somebody."""
        with self._database.read() as tx:
            return self.drifted_in(tx, limit)

    def drifted_in(self, tx: Connection, limit: int = 10_000) -> list[Entry]:
        """As `drifted`, within the caller's transaction."""
        found = rows.drifted(tx, self._source, limit)
        others = rows.of_source(tx, self._source, "kv")
        spaces = rows.of_source(tx, self._source, "namespace")
        live = live_values(tx, others) | live_namespaces(tx, spaces)
        found += [
            e for e in [*others, *spaces] if e.key not in live or live[e.key].digest != e.digest
        ]
        return found[:limit]


def owned(tx: Connection, source: str, keys: Collection[Key]) -> dict[Key, Entry]:
    """Entries of a source under these keys."""
    if len(keys) > _MANY:
        return {e.key: e for e in rows.of_source(tx, source) if e.key in keys}
    return rows.with_keys(tx, source, keys)


def live_under(tx: Connection, entries: Iterable[Entry]) -> dict[Key, Live]:
    """What is live under the keys of these entries."""
    kinds: dict[str, list[Entry]] = {}
    for entry in entries:
        kinds.setdefault(entry.kind, []).append(entry)
    flows = kinds.get("flow", [])
    files = kinds.get("file", [])
    found: dict[Key, Live] = {}
    if flows:
        ids = [FlowId(e.namespace, e.name) for e in flows]
        found |= rows.live_flows(tx, None if len(ids) > _MANY else ids)
    if files:
        names = [(e.namespace, e.name) for e in files]
        found |= rows.live_files(tx, None if len(names) > _MANY else names)
    found |= live_namespaces(tx, kinds.get("namespace", []))
    return found | live_values(tx, kinds.get("kv", []))


def live_values(tx: Connection, entries: Sequence[Entry]) -> dict[Key, Live]:
    """Key-value entries that are there under these keys."""
    wanted = {entry.key for entry in entries}
    found = {}
    for namespace in sorted({entry.namespace for entry in entries}):
        for stored in kv_rows.entries(tx, namespace):
            key = ("kv", namespace, stored.key)
            if key in wanted:
                digest = Value(stored.kind, stored.value, stored.description).digest
                found[key] = Live(digest, None)
    return found


def others(
    tx: Connection, source: str, keys: Collection[Key], configured: Collection[str]
) -> Mapping[Key, tuple[str, str]]:
    """Owners of these keys among the other sources that still exist."""
    if len(configured) < 2:
        return {}
    found = rows.owners(tx, keys, besides=source)
    return {key: owner for key, owner in found.items() if owner[0] in configured}
