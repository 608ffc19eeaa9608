"""Key-value entries of namespaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, or_, select, true

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables import flows, kv


@dataclass(frozen=True, slots=True)
class StoredKv:
    """An entry; `value` is JSON-compatible text or structure as its `kind` says."""

    namespace: str
    key: str
    kind: str
    value: object
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    description: str | None = None
    revision: int = 1


def get(tx: Connection, namespace: str, key: str) -> StoredKv | None:
    row = tx.execute(select(kv).where(kv.c.namespace == namespace, kv.c.key == key)).mappings()
    found = row.first()
    return None if found is None else _from(found)


def put(tx: Connection, entry: StoredKv) -> None:
    """Insert or replace."""
    row = {
        "namespace": entry.namespace,
        "key": entry.key,
        "kind": entry.kind,
        "value": {"v": entry.value},
        "description": entry.description,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
        "expires_at": entry.expires_at,
        "revision": entry.revision,
    }
    insert_or_replace(tx, kv, [row])


def remove(tx: Connection, namespace: str, key: str) -> bool:
    done = tx.execute(delete(kv).where(kv.c.namespace == namespace, kv.c.key == key))
    return done.rowcount > 0


def entries(tx: Connection, namespace: str | None = None) -> list[StoredKv]:
    """By namespace and key, expired ones included."""
    query = select(kv).order_by(kv.c.namespace, kv.c.key)
    if namespace is not None:
        query = query.where(kv.c.namespace == namespace)
    return [_from(row) for row in tx.execute(query).mappings()]


def entries_of(tx: Connection, namespaces: Sequence[str]) -> list[StoredKv]:
    """Entries of these namespaces, by key, expired ones included."""
    query = select(kv).where(kv.c.namespace.in_(namespaces)).order_by(kv.c.key)
    return [_from(row) for row in tx.execute(query).mappings()]


def counts(tx: Connection, now: datetime) -> dict[str, int]:
    """How many living entries each namespace has."""
    living = or_(kv.c.expires_at.is_(None), kv.c.expires_at > now)
    query = select(kv.c.namespace, func.count()).where(living).group_by(kv.c.namespace)
    return {str(row[0]): int(row[1]) for row in tx.execute(query).all()}


def is_known(tx: Connection, namespace: str) -> bool:
    """Whether the namespace, or one below it, has an entry or a current flow."""
    living = flows.c.is_latest & flows.c.deleted.is_(False)
    for column, condition in ((kv.c.namespace, true()), (flows.c.namespace, living)):
        below = column.startswith(f"{namespace}.", autoescape=True)
        query = select(column).where(condition, (column == namespace) | below).limit(1)
        if tx.execute(query).first() is not None:
            return True
    return False


def _from(row: RowMapping) -> StoredKv:
    return StoredKv(
        namespace=row["namespace"],
        key=row["key"],
        kind=row["kind"],
        value=row["value"]["v"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        expires_at=row["expires_at"],
        description=row["description"],
        revision=row["revision"],
    )
