"""Templates by namespace and id."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, select

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables_language import templates


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    namespace: str
    id: str
    source: str
    description: str | None
    created_at: datetime
    updated_at: datetime


def get(tx: Connection, namespace: str, template_id: str) -> StoredTemplate | None:
    where = (templates.c.namespace == namespace, templates.c.id == template_id)
    row = tx.execute(select(templates).where(*where)).mappings().first()
    return None if row is None else _from(row)


def put(tx: Connection, template: StoredTemplate) -> None:
    """Insert or replace."""
    row = {
        "namespace": template.namespace,
        "id": template.id,
        "source": template.source,
        "description": template.description,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }
    insert_or_replace(tx, templates, [row])


def remove(tx: Connection, namespace: str, template_id: str) -> bool:
    where = (templates.c.namespace == namespace, templates.c.id == template_id)
    return tx.execute(delete(templates).where(*where)).rowcount > 0


def everything(tx: Connection, namespace: str | None = None) -> list[StoredTemplate]:
    """By namespace and id, of a namespace with its descendants if given."""
    query = select(templates).order_by(templates.c.namespace, templates.c.id)
    if namespace is not None:
        below = templates.c.namespace.startswith(f"{namespace}.", autoescape=True)
        query = query.where((templates.c.namespace == namespace) | below)
    return [_from(row) for row in tx.execute(query).mappings()]


def _from(row: RowMapping) -> StoredTemplate:
    return StoredTemplate(
        namespace=row["namespace"],
        id=row["id"],
        source=row["source"],
        description=row["description"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
