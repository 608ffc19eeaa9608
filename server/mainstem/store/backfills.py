"""Backfills, and the slots that schedules have fired: one row each, so that none fires twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.model.trigger import Backfill, BackfillPolicy, BackfillState, SlotRun, TriggerKey
from mainstem.store.executions import upsert
from mainstem.store.tables import backfills, executions, trigger_slots
from mainstem.store.triggers import is_key, key_columns

# The backfill of slots that a schedule fires by itself.
NO_BACKFILL: Final = ""
_b = backfills.c
_s = trigger_slots.c
_OPEN: Final = [state.value for state in BackfillState if state.is_open]


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """How the executions of a backfill stand."""

    running: int = 0
    succeeded: int = 0
    failed: int = 0


# slots


def take_slot(
    tx: Connection, key: TriggerKey, slot: datetime, execution_id: str, backfill_id: str
) -> bool:
    """Note that a slot fires; False when it has fired before."""
    row = {
        **key_columns(key),
        "backfill_id": backfill_id,
        "slot": slot,
        "execution_id": execution_id,
    }
    statement = upsert(tx, trigger_slots).values(row).on_conflict_do_nothing()
    # Not every driver counts inserted rows reliably; a returned row tells.
    return tx.execute(statement.returning(_s.slot)).first() is not None


def slot_runs(
    tx: Connection, key: TriggerKey, start: datetime, end: datetime
) -> dict[datetime, SlotRun]:
    """The latest execution of each slot of a window that has fired, ends included."""
    query = (
        select(_s.slot, _s.execution_id, executions.c.state)
        .select_from(trigger_slots.outerjoin(executions, executions.c.id == _s.execution_id))
        .where(is_key(trigger_slots, key), _s.slot >= start, _s.slot <= end)
        .order_by(executions.c.created_at.is_not(None), executions.c.created_at)
    )
    return {
        row.slot: SlotRun(row.slot, row.execution_id, State(row.state) if row.state else None)
        for row in tx.execute(query)
    }


# backfills


def add(tx: Connection, item: Backfill) -> None:
    tx.execute(insert(backfills), [_row(item)])


def save(tx: Connection, seen: Backfill, after: Backfill) -> bool:
    """Write a backfill unless it was changed since it was seen."""
    statement = (
        update(backfills)
        .where(_b.id == seen.id, _b.state == seen.state.value)
        .where(_b.fired == seen.fired, _b.skipped == seen.skipped)
        .values(_row(after))
    )
    return tx.execute(statement).rowcount == 1


def get(tx: Connection, backfill_id: str, *, to_change: bool = False) -> Backfill:
    """Raises NotFound. What is read `to_change` stays so until the transaction ends."""
    query = select(backfills).where(_b.id == backfill_id)
    row = tx.execute(query.with_for_update() if to_change else query).mappings().first()
    if row is None:
        raise NotFound(f"there is no backfill {backfill_id}")
    return _from(row)


def of_trigger(tx: Connection, key: TriggerKey, *, limit: int = 20) -> list[Backfill]:
    """Newest first."""
    query = (
        select(backfills)
        .where(is_key(backfills, key))
        .order_by(_b.created_at.desc(), _b.id)
        .limit(limit)
    )
    return [_from(row) for row in tx.execute(query).mappings()]


def open_of(tx: Connection, key: TriggerKey) -> Backfill | None:
    """The backfill of a trigger that runs or is paused."""
    query = select(backfills).where(is_key(backfills, key), _b.state.in_(_OPEN))
    row = tx.execute(query).mappings().first()
    return None if row is None else _from(row)


def all_open(tx: Connection) -> list[Backfill]:
    """Every backfill that runs or is paused, oldest first."""
    query = select(backfills).where(_b.state.in_(_OPEN)).order_by(_b.created_at)
    return [_from(row) for row in tx.execute(query).mappings()]


def running(tx: Connection) -> list[Backfill]:
    """Oldest first."""
    query = select(backfills).where(_b.state == BackfillState.RUNNING.value)
    return [_from(row) for row in tx.execute(query.order_by(_b.created_at)).mappings()]


def open_executions(tx: Connection, item: Backfill) -> int:
    """How many executions of a backfill have not ended."""
    e = executions.c
    query = (
        select(func.count())
        .select_from(executions.join(trigger_slots, _s.execution_id == e.id))
        .where(e.closed.is_(False), e.ended_at.is_(None), _s.backfill_id == item.id)
        .where(e.namespace == item.key.flow.namespace, e.flow_id == item.key.flow.id)
    )
    return int(tx.execute(query).scalar_one())


def execution_ids(tx: Connection, item: Backfill, *, open_only: bool = False) -> list[str]:
    """Executions of a backfill by slot."""
    e = executions.c
    query = (
        select(_s.execution_id)
        .select_from(trigger_slots.join(executions, _s.execution_id == e.id))
        .where(is_key(trigger_slots, item.key), _s.backfill_id == item.id)
        .order_by(_s.slot)
    )
    if open_only:
        query = query.where(e.ended_at.is_(None))
    return list(tx.execute(query).scalars())


def counts(tx: Connection, item: Backfill) -> SlotCounts:
    """How the executions of a backfill stand; deleted ones are not counted."""
    e = executions.c
    query = (
        select(e.state, func.count())
        .select_from(trigger_slots.join(executions, _s.execution_id == e.id))
        .where(is_key(trigger_slots, item.key), _s.backfill_id == item.id)
        .group_by(e.state)
    )
    by_state = {State(row[0]): int(row[1]) for row in tx.execute(query).all()}
    good = sum(by_state.get(state, 0) for state in (State.SUCCESS, State.WARNING, State.SKIPPED))
    ended = sum(number for state, number in by_state.items() if state.is_terminal)
    return SlotCounts(sum(by_state.values()) - ended, good, ended - good)


def cancel_of(tx: Connection, keys: Sequence[TriggerKey], at: datetime, reason: str) -> None:
    """Cancel the open backfills of triggers that are gone."""
    for key in keys:
        tx.execute(
            update(backfills)
            .where(is_key(backfills, key), _b.state.in_(_OPEN))
            .values(state=BackfillState.CANCELLED.value, ended_at=at, reason=reason)
        )


def _row(item: Backfill) -> dict[str, Any]:
    return {
        "id": item.id,
        **key_columns(item.key),
        "start_at": item.start,
        "end_at": item.end,
        "cursor_at": item.cursor,
        "exhausted": item.exhausted,
        "state": item.state.value,
        "reason": item.reason,
        "policy": item.policy.value,
        "newest_first": item.newest_first,
        "max_active": item.max_active,
        "total": item.total,
        "fired": item.fired,
        "skipped": item.skipped,
        "inputs": dict(item.inputs),
        "labels": dict(item.labels),
        "created_at": item.created_at,
        "ended_at": item.ended_at,
    }


def _from(row: RowMapping) -> Backfill:
    return Backfill(
        id=row["id"],
        key=TriggerKey(FlowId(row["namespace"], row["flow_id"]), row["trigger_id"]),
        start=row["start_at"],
        end=row["end_at"],
        created_at=row["created_at"],
        total=row["total"],
        state=BackfillState(row["state"]),
        policy=BackfillPolicy(row["policy"]),
        newest_first=row["newest_first"],
        max_active=row["max_active"],
        inputs=row["inputs"],
        labels=row["labels"],
        cursor=row["cursor_at"],
        exhausted=row["exhausted"],
        fired=row["fired"],
        skipped=row["skipped"],
        ended_at=row["ended_at"],
        reason=row["reason"],
    )
