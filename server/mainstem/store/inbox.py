"""What waits for the executor: events asked for by others, timers, and links to children."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from mainstem.store.columns import to_micros
from mainstem.store.executions import insert_or_replace
from mainstem.store.prepared import delete_rows, insert_rows
from mainstem.store.tables import children, events, timers

# The kind of a stored event which says that another process made this execution.
CREATED: Final = "Created"


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored event; `kind` and `payload` are the executor's own words."""

    execution_id: str
    kind: str
    payload: Mapping[str, object] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True)
class StoredTimer:
    """Rings at `at`; `key` is unique within the execution."""

    execution_id: str
    key: str
    kind: str
    at: datetime
    task_run_id: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class ChildLink:
    """An execution made by a task run of another; `waits` if that goes on only at its end."""

    execution_id: str
    parent_id: str
    task_run_id: str
    iteration: int | None = None
    waits: bool = True
    wants_variables: bool = False


def depth(tx: Connection) -> tuple[int, datetime | None]:
    """How many events wait, and since when the first."""
    row = tx.execute(select(func.count(), func.min(events.c.at)).select_from(events)).one()
    return int(row[0]), row[1]


def ask(tx: Connection, asked: Asked, at: datetime) -> int:
    """Append an event for the executor; returns its number, which grows."""
    row = {
        "execution_id": asked.execution_id,
        "kind": asked.kind,
        "payload": dict(asked.payload),
        "at": at,
    }
    return int(tx.execute(insert(events).values(row).returning(events.c.id)).scalar_one())


def asked(tx: Connection, limit: int) -> list[Asked]:
    """The oldest events not yet handled."""
    query = select(events).order_by(events.c.id).limit(limit)
    return [
        Asked(row["execution_id"], row["kind"], row["payload"], row["id"])
        for row in tx.execute(query).mappings()
    ]


def is_waiting(tx: Connection, asked_id: int) -> bool:
    """Whether nobody has handled the event yet."""
    return tx.execute(select(events.c.id).where(events.c.id == asked_id)).first() is not None


def note_created(tx: Connection, execution_ids: Sequence[str], at: datetime) -> None:
    """Have executions found that no executor of this process is told of."""
    rows = [{"execution_id": i, "kind": CREATED, "payload": {}, "at": at} for i in execution_ids]
    if rows:
        tx.execute(insert(events), rows)


def handled(tx: Connection, ids: Sequence[int]) -> None:
    delete_rows(tx, events, ("id",), [(number,) for number in ids])


def set_timers(tx: Connection, wanted: Sequence[StoredTimer]) -> None:
    """Set timers; one with the same key is replaced."""
    rows = [
        (t.execution_id, t.key, t.kind, t.task_run_id, t.subject, to_micros(t.at)) for t in wanted
    ]
    insert_rows(tx, timers, _TIMER_COLUMNS, rows, replace=True)


_TIMER_COLUMNS: Final = ("execution_id", "key", "kind", "task_run_id", "subject", "at")


def drop_timers(tx: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Remove timers by (execution id, key)."""
    delete_rows(tx, timers, ("execution_id", "key"), keys)


def all_timers(tx: Connection) -> list[StoredTimer]:
    """Every timer, next first."""
    query = select(timers).order_by(timers.c.at)
    return [
        StoredTimer(
            row["execution_id"],
            row["key"],
            row["kind"],
            row["at"],
            row["task_run_id"],
            row["subject"],
        )
        for row in tx.execute(query).mappings()
    ]


def link_children(tx: Connection, links: Sequence[ChildLink]) -> None:
    rows = [
        {
            "execution_id": link.execution_id,
            "parent_id": link.parent_id,
            "task_run_id": link.task_run_id,
            "iteration": link.iteration,
            "waits": link.waits,
            "wants_variables": link.wants_variables,
            "reported": False,
        }
        for link in links
    ]
    insert_or_replace(tx, children, rows)


def link_of(tx: Connection, execution_id: str) -> ChildLink | None:
    """The link to the parent that still waits for this execution's end, if any."""
    query = select(children).where(
        children.c.execution_id == execution_id, children.c.reported.is_(False)
    )
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    return _link(row)


def unreported_children(tx: Connection, parent_id: str) -> list[ChildLink]:
    """Children of an execution whose end its task runs have not been told."""
    query = select(children).where(
        children.c.parent_id == parent_id, children.c.reported.is_(False)
    )
    return [_link(row) for row in tx.execute(query).mappings()]


def children_of(tx: Connection, parent_id: str) -> list[ChildLink]:
    query = select(children).where(children.c.parent_id == parent_id)
    return [_link(row) for row in tx.execute(query).mappings()]


def mark_reported(tx: Connection, execution_ids: Sequence[str]) -> None:
    if execution_ids:
        tx.execute(
            update(children).where(children.c.execution_id.in_(execution_ids)).values(reported=True)
        )


def _link(row: RowMapping) -> ChildLink:
    return ChildLink(
        row["execution_id"],
        row["parent_id"],
        row["task_run_id"],
        row["iteration"],
        row["waits"],
        row["wants_variables"],
    )
