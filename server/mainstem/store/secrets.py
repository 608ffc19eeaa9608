"""Sealed secrets; this module never sees a plain value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, delete, func, or_, select, update

from mainstem.store.executions import insert_or_replace, upsert
from mainstem.store.tables import secrets
from mainstem.store.tables_namespaces import secret_reads


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A row; `key_id` names the key that sealed it, None for the time before keys had names."""

    namespace: str
    key: str
    sealed: bytes
    updated_at: datetime
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredNote:
    """A row without what is sealed."""

    key: str
    updated_at: datetime
    description: str | None
    tags: Mapping[str, str]


def get(tx: Connection, namespace: str, key: str) -> bytes | None:
    query = select(secrets.c.sealed).where(secrets.c.namespace == namespace, secrets.c.key == key)
    return tx.execute(query).scalar()


def put(tx: Connection, item: SealedSecret) -> None:
    """Insert or replace."""
    row = {
        "namespace": item.namespace,
        "key": item.key,
        "sealed": item.sealed,
        "description": item.description,
        "updated_at": item.updated_at,
        "tags": dict(item.tags),
        "key_id": item.key_id,
    }
    insert_or_replace(tx, secrets, [row])


def annotate(
    tx: Connection, namespace: str, key: str, description: str | None, tags: Mapping[str, str]
) -> bool:
    """Change what is told of a secret; False when there is none."""
    changed = (
        update(secrets)
        .where(secrets.c.namespace == namespace, secrets.c.key == key)
        .values(description=description, tags=dict(tags))
    )
    return tx.execute(changed).rowcount > 0


def notes(tx: Connection, namespace: str) -> list[StoredNote]:
    """By key."""
    columns = (secrets.c.key, secrets.c.updated_at, secrets.c.description, secrets.c.tags)
    query = select(*columns).where(secrets.c.namespace == namespace).order_by(secrets.c.key)
    return [
        StoredNote(row[0], row[1], row[2], cast("Mapping[str, str]", row[3] or {}))
        for row in tx.execute(query).all()
    ]


def counts(tx: Connection) -> dict[str, int]:
    """How many secrets each namespace has here."""
    query = select(secrets.c.namespace, func.count()).group_by(secrets.c.namespace)
    return {str(row[0]): int(row[1]) for row in tx.execute(query).all()}


def remove(tx: Connection, namespace: str, key: str) -> bool:
    done = tx.execute(delete(secrets).where(secrets.c.namespace == namespace, secrets.c.key == key))
    return done.rowcount > 0


def sealed_by_others(tx: Connection, key_id: str, limit: int) -> list[SealedSecret]:
    """Secrets that another key sealed, in a fixed order."""
    query = (
        select(secrets)
        .where(or_(secrets.c.key_id.is_(None), secrets.c.key_id != key_id))
        .order_by(secrets.c.namespace, secrets.c.key)
        .limit(limit)
    )
    return [
        SealedSecret(
            row["namespace"],
            row["key"],
            row["sealed"],
            row["updated_at"],
            row["description"],
            cast("Mapping[str, str]", row["tags"] or {}),
            row["key_id"],
        )
        for row in tx.execute(query).mappings()
    ]


def reseal(tx: Connection, old: SealedSecret, sealed: bytes, key_id: str) -> bool:
    """Replace what is sealed, unless the secret was changed meanwhile."""
    changed = (
        update(secrets)
        .where(
            secrets.c.namespace == old.namespace,
            secrets.c.key == old.key,
            secrets.c.sealed == old.sealed,
        )
        .values(sealed=sealed, key_id=key_id)
    )
    return tx.execute(changed).rowcount > 0


def note_read(tx: Connection, execution_id: str, namespace: str, key: str, at: datetime) -> bool:
    """Remember that an execution read a secret; whether it is the first time."""
    row = {"execution_id": execution_id, "namespace": namespace, "key": key, "at": at}
    statement = upsert(tx, secret_reads).on_conflict_do_nothing(
        index_elements=["execution_id", "namespace", "key"]
    )
    # What an INSERT reports as its row count differs from driver to driver.
    added = tx.execute(statement.values(row).returning(secret_reads.c.key))
    return added.first() is not None


def reads_of(tx: Connection, execution_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Execution, namespace and key of the secrets that executions read."""
    columns = (secret_reads.c.execution_id, secret_reads.c.namespace, secret_reads.c.key)
    query = select(*columns).where(secret_reads.c.execution_id.in_(execution_ids))
    return [(row[0], row[1], row[2]) for row in tx.execute(query).all()]
