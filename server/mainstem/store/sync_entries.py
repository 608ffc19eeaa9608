"""What each Git source owns: the manifest of its live commit, and how it compares to what is live.

A kind is `flow`, `file`, `kv`, `test` or `namespace`. `digest` is that of the content as Git
gives it; where the live content has another one, somebody else changed it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    tuple_,
)

from mainstem.model.flow_id import FlowId
from mainstem.store.executions import insert_or_replace
from mainstem.store.tables import flows, namespace_files
from mainstem.store.tables_gitsync import sync_entries

_CHUNK: Final = 400

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a commit brought."""

    kind: str
    namespace: str
    name: str
    path: str
    blob: str
    digest: str

    @property
    def key(self) -> Key:
        return (self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Live:
    """What is live under a key: its digest, and the Git source it last came from."""

    digest: str
    source: str | None
    commit: str | None = None


def of_source(tx: Connection, source: str, kind: str | None = None) -> list[Entry]:
    query = select(sync_entries).where(sync_entries.c.source == source)
    if kind is not None:
        query = query.where(sync_entries.c.kind == kind)
    return [_entry(row) for row in tx.execute(query).mappings()]


def at_paths(tx: Connection, source: str, paths: Sequence[str]) -> list[Entry]:
    """Entries that came from these files."""
    found = []
    for part in _parts(paths):
        query = select(sync_entries).where(
            sync_entries.c.source == source, sync_entries.c.path.in_(part)
        )
        found += [_entry(row) for row in tx.execute(query).mappings()]
    return found


def with_keys(tx: Connection, source: str, keys: Iterable[Key]) -> dict[Key, Entry]:
    """Entries of a source by these keys."""
    found = {}
    for row in _by_keys(tx, keys, sync_entries.c.source == source):
        entry = _entry(row)
        found[entry.key] = entry
    return found


def owners(tx: Connection, keys: Iterable[Key], besides: str = "") -> dict[Key, tuple[str, str]]:
    """Which source owns a key, and by which file; those of `besides` are left out."""
    condition = sync_entries.c.source != besides
    return {
        (row["kind"], row["namespace"], row["name"]): (row["source"], row["path"])
        for row in _by_keys(tx, keys, condition)
    }


def owned_in(tx: Connection, kind: str, namespace: str) -> list[tuple[str, Entry]]:
    """What sources own of a kind in one namespace, each with its source."""
    query = select(sync_entries).where(
        sync_entries.c.kind == kind, sync_entries.c.namespace == namespace
    )
    return [(row["source"], _entry(row)) for row in tx.execute(query).mappings()]


def count(tx: Connection, source: str) -> int:
    query = select(func.count()).where(sync_entries.c.source == source)
    return int(tx.execute(query).scalar_one())


def counts(tx: Connection, source: str) -> dict[str, int]:
    """How many things of each kind a source owns."""
    query = (
        select(sync_entries.c.kind, func.count())
        .where(sync_entries.c.source == source)
        .group_by(sync_entries.c.kind)
    )
    return {str(row[0]): int(row[1]) for row in tx.execute(query)}


def put(tx: Connection, source: str, entries: Iterable[Entry]) -> None:
    rows = [
        {
            "source": source,
            "kind": entry.kind,
            "namespace": entry.namespace,
            "name": entry.name,
            "path": entry.path,
            "blob": entry.blob,
            "digest": entry.digest,
        }
        for entry in entries
    ]
    insert_or_replace(tx, sync_entries, rows)


def remove(tx: Connection, source: str, keys: Sequence[Key]) -> None:
    if not keys:
        return
    table = sync_entries
    statement = delete(table).where(
        table.c.source == source,
        table.c.kind == bindparam("k"),
        table.c.namespace == bindparam("ns"),
        table.c.name == bindparam("n"),
    )
    tx.execute(statement, [{"k": kind, "ns": ns, "n": name} for kind, ns, name in keys])


def forget(tx: Connection, source: str) -> None:
    """The source owns nothing any more; what it brought stays."""
    tx.execute(delete(sync_entries).where(sync_entries.c.source == source))


def live_flows(tx: Connection, wanted: Sequence[FlowId] | None) -> dict[Key, Live]:
    """Current flows, all of them for None."""
    columns = select(
        flows.c.namespace, flows.c.id, flows.c.source_hash, flows.c.git_source, flows.c.git_commit
    ).where(flows.c.is_latest, flows.c.deleted.is_(False))
    names = None if wanted is None else [(flow.namespace, flow.id) for flow in wanted]
    pair = tuple_(flows.c.namespace, flows.c.id)
    return {("flow", row[0], row[1]): Live(*row[2:]) for row in _rows(tx, columns, pair, names)}


def live_files(tx: Connection, wanted: Sequence[tuple[str, str]] | None) -> dict[Key, Live]:
    """Namespace files, all of them for None."""
    table = namespace_files
    columns = select(
        table.c.namespace, table.c.path, table.c.sha256, table.c.git_source, table.c.git_commit
    )
    pair = tuple_(table.c.namespace, table.c.path)
    return {("file", row[0], row[1]): Live(*row[2:]) for row in _rows(tx, columns, pair, wanted)}


def drifted(tx: Connection, source: str, limit: int) -> list[Entry]:
    """Flows and files of a source that are no longer as its live commit says."""
    flow_of = and_(
        flows.c.namespace == sync_entries.c.namespace,
        flows.c.id == sync_entries.c.name,
        flows.c.is_latest,
    )
    changed_flow = or_(
        flows.c.id.is_(None), flows.c.deleted, flows.c.source_hash != sync_entries.c.digest
    )
    file_of = and_(
        namespace_files.c.namespace == sync_entries.c.namespace,
        namespace_files.c.path == sync_entries.c.name,
    )
    changed_file = or_(
        namespace_files.c.path.is_(None), namespace_files.c.sha256 != sync_entries.c.digest
    )
    found: list[Entry] = []
    for kind, table, join, changed in (
        ("flow", flows, flow_of, changed_flow),
        ("file", namespace_files, file_of, changed_file),
    ):
        query = (
            select(sync_entries)
            .outerjoin(table, join)
            .where(sync_entries.c.source == source, sync_entries.c.kind == kind, changed)
            .order_by(sync_entries.c.namespace, sync_entries.c.name)
            .limit(limit)
        )
        found += [_entry(row) for row in tx.execute(query).mappings()]
    return found[:limit]


def _rows(
    tx: Connection, query: Select[Any], pair: Any, names: Sequence[tuple[str, str]] | None
) -> Iterator[Any]:
    if names is None:
        yield from tx.execute(query)
        return
    for part in _parts(names):
        yield from tx.execute(query.where(pair.in_(part)))


def _by_keys(tx: Connection, keys: Iterable[Key], condition: Any) -> Iterator[RowMapping]:
    kinds: dict[str, list[tuple[str, str]]] = {}
    for kind, namespace, name in keys:
        kinds.setdefault(kind, []).append((namespace, name))
    pair = tuple_(sync_entries.c.namespace, sync_entries.c.name)
    for kind, names in kinds.items():
        for part in _parts(names):
            query = select(sync_entries).where(
                sync_entries.c.kind == kind, pair.in_(part), condition
            )
            yield from tx.execute(query).mappings()


def _parts(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield list(items[start : start + _CHUNK])


def _entry(row: RowMapping) -> Entry:
    return Entry(
        row["kind"], row["namespace"], row["name"], row["path"], row["blob"], row["digest"]
    )
