"""Finds and deletes what has been kept long enough, a bounded part at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
)

from mainstem.model.flow_id import FlowId
from mainstem.store.tables import children, executions, logs, trigger_evaluations
from mainstem.store.tables_audit import audit
from mainstem.store.tables_namespaces import secret_reads

_e = executions.c
_CHUNK: Final = 500
Cursor = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Expired:
    """An ended execution whose time is over."""

    id: str
    flow: FlowId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """Which executions, and since when they must have ended; `but` are more specific rules."""

    namespace: str | None
    states: Sequence[str]
    before: datetime
    but: Sequence["Rule"] = ()

    def matches(self) -> ColumnElement[bool]:
        conditions = []
        if self.namespace is not None:
            below = _e.namespace.startswith(f"{self.namespace}.", autoescape=True)
            conditions.append(or_(_e.namespace == self.namespace, below))
        if self.states:
            conditions.append(_e.state.in_(self.states))
        return and_(_e.closed.is_(True), *conditions)


def expired(tx: Connection, rule: Rule, limit: int, after: Cursor | None = None) -> list[Expired]:
    """Executions that the rule gives up, oldest first; those an open parent waits for stay."""
    query = select(_e.id, _e.namespace, _e.flow_id, _e.created_at).where(*_conditions(rule))
    if after is not None:
        moment, last = after
        later = and_(_e.created_at == moment, _e.id > last)
        query = query.where(or_(_e.created_at > moment, later))
    query = query.order_by(_e.created_at, _e.id).limit(limit)
    return [Expired(row[0], FlowId(row[1], row[2]), row[3]) for row in tx.execute(query)]


def count_expired(tx: Connection, rule: Rule) -> int:
    query = select(func.count()).select_from(executions).where(*_conditions(rule))
    return tx.execute(query).scalar_one()


def _conditions(rule: Rule) -> list[ColumnElement[bool]]:
    parent = executions.alias("parent")
    awaited = exists().where(
        children.c.execution_id == _e.id,
        children.c.reported.is_(False),
        children.c.waits.is_(True),
        parent.c.id == children.c.parent_id,
        parent.c.closed.is_(False),
    )
    return [
        rule.matches(),
        _e.ended_at < rule.before,
        not_(awaited),
        *(not_(other.matches()) for other in rule.but),
    ]


def count_lines(tx: Connection, before: datetime) -> int:
    return _count(tx, logs, before)


def count_evaluations(tx: Connection, before: datetime) -> int:
    return _count(tx, trigger_evaluations, before)


def count_audit(tx: Connection, before: datetime) -> int:
    return _count(tx, audit, before)


def remove_audit(tx: Connection, before: datetime, limit: int) -> int:
    return _remove(tx, audit, before, limit)


def remove_lost_reads(tx: Connection, before: datetime, limit: int) -> int:
    """Delete notes of secrets read by executions that are gone; they hide nothing any more."""
    columns = (secret_reads.c.execution_id, secret_reads.c.namespace, secret_reads.c.key)
    gone = not_(exists().where(_e.id == secret_reads.c.execution_id))
    found = tx.execute(select(*columns).where(secret_reads.c.at < before, gone).limit(limit))
    keys = [row[0] for row in found]
    for start in range(0, len(keys), _CHUNK):
        part = keys[start : start + _CHUNK]
        tx.execute(delete(secret_reads).where(secret_reads.c.execution_id.in_(part)))
    return len(keys)


def remove_lines(tx: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` log lines older than that; returns how many."""
    return _remove(tx, logs, before, limit)


def remove_evaluations(tx: Connection, before: datetime, limit: int) -> int:
    return _remove(tx, trigger_evaluations, before, limit)


def _count(tx: Connection, table: Table, before: datetime) -> int:
    query = select(func.count()).select_from(table).where(table.c.at < before)
    return tx.execute(query).scalar_one()


def _remove(tx: Connection, table: Table, before: datetime, limit: int) -> int:
    old = select(table.c.id).where(table.c.at < before).order_by(table.c.at).limit(limit)
    return tx.execute(delete(table).where(table.c.id.in_(old.scalar_subquery()))).rowcount
