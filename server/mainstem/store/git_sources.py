"""Git sources that were set up over the API or the page, and the switches of every source."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables_gitsync import git_sources, sync_controls, webhook_deliveries


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A definition without its secrets, which are sealed."""

    name: str
    definition: Mapping[str, Any]
    sealed: bytes | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Controls:
    """What users switched on a source, and why they `asked` for a look.

    `layout` tells how its live commit was read.
    """

    source: str
    suspended_at: datetime | None = None
    pin: str | None = None
    pinned_at: datetime | None = None
    layout: str | None = None
    asked: str | None = None


def all_stored(tx: Connection) -> list[StoredSource]:
    """By name."""
    rows = tx.execute(select(git_sources).order_by(git_sources.c.name)).mappings()
    return [StoredSource(**row) for row in rows]


def get(tx: Connection, name: str) -> StoredSource | None:
    row = tx.execute(select(git_sources).where(git_sources.c.name == name)).mappings().first()
    return None if row is None else StoredSource(**row)


def put(tx: Connection, source: StoredSource) -> None:
    row = {column.name: getattr(source, column.name) for column in git_sources.columns}
    insert_or_replace(tx, git_sources, [row])


def remove(tx: Connection, name: str) -> bool:
    return tx.execute(delete(git_sources).where(git_sources.c.name == name)).rowcount > 0


def controls(tx: Connection, source: str) -> Controls:
    """Those of a source that nobody touched are off."""
    query = select(sync_controls).where(sync_controls.c.source == source)
    row = tx.execute(query).mappings().first()
    return Controls(source) if row is None else Controls(**row)


def all_controls(tx: Connection) -> dict[str, Controls]:
    """By source."""
    rows = tx.execute(select(sync_controls)).mappings()
    return {row["source"]: Controls(**row) for row in rows}


def put_controls(tx: Connection, item: Controls) -> None:
    row = {column.name: getattr(item, column.name) for column in sync_controls.columns}
    insert_or_replace(tx, sync_controls, [row])


def ask(tx: Connection, source: str, cause: str) -> None:
    """Wish for a look at a source."""
    put_controls(tx, replace(controls(tx, source), asked=cause))


def asked(tx: Connection) -> dict[str, str]:
    """Why looks are wished for, by source."""
    query = select(sync_controls.c.source, sync_controls.c.asked).where(
        sync_controls.c.asked.is_not(None)
    )
    return {str(row[0]): str(row[1]) for row in tx.execute(query)}


def answered(tx: Connection, source: str) -> None:
    """The wish is taken up."""
    tx.execute(update(sync_controls).where(sync_controls.c.source == source).values(asked=None))


def forget_controls(tx: Connection, source: str) -> None:
    tx.execute(delete(sync_controls).where(sync_controls.c.source == source))


def note_delivery(tx: Connection, source: str, keys: list[str], at: datetime) -> bool:
    """Remember a webhook delivery by its keys; False when one of them was seen before."""
    table = webhook_deliveries
    seen = select(table.c.key).where(table.c.source == source, table.c.key.in_(keys)).limit(1)
    if tx.execute(seen).first() is not None:
        return False
    insert_or_replace(tx, table, [{"source": source, "key": key, "at": at} for key in keys])
    return True


def forget_deliveries(tx: Connection, before: datetime) -> None:
    tx.execute(delete(webhook_deliveries).where(webhook_deliveries.c.at < before))
