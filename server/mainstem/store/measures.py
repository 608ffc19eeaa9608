"""Counts and ages over all rows, for monitoring."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.store.tables import events, executions, flows, sync_sources, task_runs, triggers


@dataclass(frozen=True, slots=True)
class StoredMeasures:
    """Ages and lags in seconds; a lag is how late the latest due date is."""

    executions: dict[State, int]
    open_task_runs: dict[State, int]
    queued: dict[FlowId, int]
    events: int
    oldest_event: float
    flows: int
    triggers: int
    trigger_lag: float
    sync_ages: dict[str, float]
    sync_failures: dict[str, int]


def measure(tx: Connection, now: datetime) -> StoredMeasures:
    """All of it in one snapshot."""
    e, r = executions.c, task_runs.c
    by_state = select(e.state, func.count()).group_by(e.state)
    open_runs = (
        select(r.state, func.count())
        .join(executions, e.id == r.execution_id)
        .where(e.closed.is_(False), r.ended_at.is_(None))
        .group_by(r.state)
    )
    queued = (
        select(e.namespace, e.flow_id, func.count())
        .where(e.closed.is_(False), e.state == State.QUEUED.value)
        .group_by(e.namespace, e.flow_id)
    )
    oldest = tx.execute(select(func.min(events.c.at))).scalar()
    live = flows.c.is_latest & flows.c.deleted.is_(False)
    s = sync_sources.c
    sources = tx.execute(select(s.name, s.checked_at, s.failures)).all()
    return StoredMeasures(
        executions={State(str(row[0])): int(row[1]) for row in tx.execute(by_state).all()},
        open_task_runs={State(str(row[0])): int(row[1]) for row in tx.execute(open_runs).all()},
        queued={FlowId(row[0], row[1]): int(row[2]) for row in tx.execute(queued).all()},
        events=_count(tx, select(func.count()).select_from(events)),
        oldest_event=_age(oldest, now),
        flows=_count(tx, select(func.count()).where(live)),
        triggers=_count(tx, select(func.count()).select_from(triggers)),
        trigger_lag=_lag(tx, now),
        sync_ages={row[0]: _age(row[1], now) for row in sources if row[1] is not None},
        sync_failures={row[0]: int(row[2]) for row in sources},
    )


def _lag(tx: Connection, now: datetime) -> float:
    t = triggers.c
    due = t.disabled.is_(False) & t.asleep.is_(False) & t.execution_id.is_(None)
    oldest = tx.execute(select(func.min(t.next_at)).where(due, t.next_at <= now)).scalar()
    return _age(oldest, now)


def _age(at: datetime | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _count(tx: Connection, query: Select[Any]) -> int:
    return int(tx.execute(query).scalar_one())
