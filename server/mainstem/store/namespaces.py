"""Namespaces: description, variables and plug-in defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, RowMapping, delete, func, select

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables_namespaces import namespaces


@dataclass(frozen=True, slots=True)
class StoredNamespace:
    """One namespace as it was written; what it inherits is not in here."""

    id: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    plugin_defaults: Sequence[Mapping[str, object]] = ()
    revision: int = 1
    git_source: str | None = None
    git_commit: str | None = None
    allowed_namespaces: Sequence[str] = ()


def put(tx: Connection, items: Sequence[StoredNamespace]) -> None:
    """Insert or replace."""
    rows = [
        {
            "id": item.id,
            "description": item.description,
            "variables": dict(item.variables),
            "plugin_defaults": [dict(default) for default in item.plugin_defaults],
            "revision": item.revision,
            "created_at": item.created_at,
            "updated_at": item.updated_at,
            "git_source": item.git_source,
            "git_commit": item.git_commit,
            "allowed_namespaces": list(item.allowed_namespaces) or None,
        }
        for item in items
    ]
    insert_or_replace(tx, namespaces, rows)


def get(tx: Connection, namespace: str) -> StoredNamespace | None:
    row = tx.execute(select(namespaces).where(namespaces.c.id == namespace)).mappings().first()
    return None if row is None else _from(row)


def everything(tx: Connection) -> list[StoredNamespace]:
    """By name."""
    query = select(namespaces).order_by(namespaces.c.id)
    return [_from(row) for row in tx.execute(query).mappings()]


def remove(tx: Connection, namespace: str) -> bool:
    return tx.execute(delete(namespaces).where(namespaces.c.id == namespace)).rowcount > 0


def stamp(tx: Connection) -> tuple[object, ...]:
    """A value that differs after any change."""
    figures = (func.count(), func.sum(namespaces.c.revision), func.max(namespaces.c.updated_at))
    return tuple(tx.execute(select(*figures)).one())


def _from(row: RowMapping) -> StoredNamespace:
    return StoredNamespace(
        id=row["id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        description=row["description"],
        variables=cast("Mapping[str, object]", row["variables"]),
        plugin_defaults=cast("Sequence[Mapping[str, object]]", row["plugin_defaults"]),
        revision=row["revision"],
        git_source=row["git_source"],
        git_commit=row["git_commit"],
        allowed_namespaces=cast("Sequence[str]", row["allowed_namespaces"] or ()),
    )
