"""Sealed secrets; this module never sees a plain value."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables import secrets


def get(tx: Connection, namespace: str, key: str) -> bytes | None:
    query = select(secrets.c.sealed).where(secrets.c.namespace == namespace, secrets.c.key == key)
    return tx.execute(query).scalar()


def put(
    tx: Connection, namespace: str, key: str, sealed: bytes, description: str | None, at: datetime
) -> None:
    row = {
        "namespace": namespace,
        "key": key,
        "sealed": sealed,
        "description": description,
        "updated_at": at,
    }
    insert_or_replace(tx, secrets, [row])


def names(tx: Connection, namespace: str) -> list[str]:
    query = select(secrets.c.key).where(secrets.c.namespace == namespace).order_by(secrets.c.key)
    return list(tx.execute(query).scalars())


def remove(tx: Connection, namespace: str, key: str) -> bool:
    done = tx.execute(delete(secrets).where(secrets.c.namespace == namespace, secrets.c.key == key))
    return done.rowcount > 0
