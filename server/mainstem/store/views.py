"""Read models of lists and dashboards: one query each, never one per row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    case,
    func,
    or_,
    select,
    text,
    type_coerce,
)

from mainstem.errors import InvalidInput
from mainstem.model.caller import is_visible
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.store.columns import from_micros, to_micros
from mainstem.store.filter_fields import EXECUTION_SORTS, Order, order_by
from mainstem.store.filters import ExecutionFilter, conditions, counting_conditions
from mainstem.store.rows import execution_from, task_run_from
from mainstem.store.tables import executions, logs, task_runs
from mainstem.store.visibility import CHECKED

_PARTS: Final = 100


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, newest first; `next` is the cursor of the following part, if any."""

    executions: list[Execution]
    next: str | None


@dataclass(frozen=True, slots=True)
class Slot:
    """How many executions that began within a slot of time are in which state."""

    start: datetime
    counts: dict[State, int]


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Durations in seconds over the ended executions of a flow."""

    flow: FlowId
    count: int
    mean: float
    longest: float


def page(tx: Connection, wanted: ExecutionFilter, *, limit: int, after: str | None = None) -> Page:
    """Keyset-paged; `after` is a cursor given by the part before."""
    e = executions.c
    query = select(executions).where(*conditions(wanted))
    if after:
        moment, last_id = _read_cursor(after)
        query = query.where(
            or_(e.created_at < moment, and_(e.created_at == moment, e.id < last_id))
        )
    query = query.order_by(e.created_at.desc(), e.id.desc()).limit(limit + 1)
    rows = tx.execute(query).mappings().all()
    found = [execution_from(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(found, cursor_of(found[-1]) if more else None)


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    micros, _, last_id = cursor.partition("-")
    try:
        return from_micros(int(micros)), last_id
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"`{cursor}` is not a cursor of this list") from error


def cursor_of(execution: Execution) -> str:
    """The cursor that goes on after this execution."""
    return f"{to_micros(execution.history.started_at)}-{execution.id}"


def count(tx: Connection, wanted: ExecutionFilter) -> int:
    query = select(func.count()).select_from(executions).where(*counting_conditions(tx, wanted))
    return tx.execute(query).scalar_one()


def numbered_page(
    tx: Connection,
    wanted: ExecutionFilter,
    *,
    limit: int,
    offset: int,
    orders: Sequence[Order] = (),
) -> list[Execution]:
    """For clients that page by number; newest first, or as `orders` says."""
    e = executions.c
    query = (
        select(executions)
        .where(*conditions(wanted))
        .order_by(*order_by(EXECUTION_SORTS, orders, e.created_at.desc(), e.id.desc()))
        .limit(limit)
        .offset(offset)
    )
    return [execution_from(row) for row in tx.execute(query).mappings()]


class DistinctField(StrEnum):
    """Fields whose values can be listed."""

    NAMESPACE = "namespace"
    FLOW_ID = "flowId"
    STATE = "state"
    TRIGGER_ID = "triggerId"
    REVISION = "flowRevision"


def distinct(
    tx: Connection, wanted: ExecutionFilter, field: DistinctField, limit: int
) -> list[str]:
    """The values of a field in the executions that match, the most frequent first."""
    e = executions.c
    column: ColumnElement[Any] = {
        DistinctField.NAMESPACE: e.namespace,
        DistinctField.FLOW_ID: e.flow_id,
        DistinctField.STATE: e.state,
        DistinctField.TRIGGER_ID: e.trigger_id,
        DistinctField.REVISION: e.revision,
    }[field]
    query = (
        select(column)
        .where(*conditions(wanted), column.is_not(None))
        .group_by(column)
        .order_by(func.count().desc(), column)
        .limit(limit)
    )
    return [str(row[0]) for row in tx.execute(query).all()]


def task_runs_of(tx: Connection, execution_ids: Sequence[str]) -> dict[str, list[TaskRun]]:
    """The task runs of several executions, each in the order of creation."""
    found: dict[str, list[TaskRun]] = {}
    for start in range(0, len(execution_ids), _PARTS):
        part = list(execution_ids[start : start + _PARTS])
        query = select(task_runs).where(task_runs.c.execution_id.in_(part))
        order = query.order_by(task_runs.c.execution_id, task_runs.c.position)
        for row in tx.execute(order).mappings():
            found.setdefault(row["execution_id"], []).append(task_run_from(row))
    return found


def count_by_state(tx: Connection, wanted: ExecutionFilter) -> dict[State, int]:
    query = (
        select(executions.c.state, func.count())
        .where(*counting_conditions(tx, wanted))
        .group_by(executions.c.state)
    )
    return {State(str(row[0])): int(row[1]) for row in tx.execute(query).all()}


def count_by_flow(tx: Connection, wanted: ExecutionFilter) -> dict[FlowId, int]:
    e = executions.c
    query = (
        select(e.namespace, e.flow_id, func.count())
        .where(*counting_conditions(tx, wanted))
        .group_by(e.namespace, e.flow_id)
    )
    return {FlowId(str(r[0]), str(r[1])): int(r[2]) for r in tx.execute(query).all()}


def slots(
    tx: Connection, wanted: ExecutionFilter, *, start: datetime, length: timedelta, number: int
) -> list[Slot]:
    """Counts by state in consecutive slots from `start`; empty slots are there too."""
    e = executions.c
    first, width = to_micros(start), length // timedelta(microseconds=1)
    created = type_coerce(e.created_at, BigInteger)
    index = ((created - first) // width).label("slot")
    query = (
        select(index, e.state, func.count())
        .where(*conditions(wanted), e.created_at >= start, e.created_at < start + length * number)
        .group_by(index, e.state)
    )
    found = [Slot(start + length * n, {}) for n in range(number)]
    for row in tx.execute(query).all():
        found[int(row[0])].counts[State(str(row[1]))] = int(row[2])
    return found


def latest_of_flows(
    tx: Connection, flows: Sequence[FlowId], *, each: int
) -> dict[FlowId, list[Execution]]:
    """The latest executions of each flow, newest first."""
    found: dict[FlowId, list[Execution]] = {}
    flows = [flow for flow in flows if is_visible(flow.namespace)]
    for start in range(0, len(flows), _PARTS):
        # One limited look into the index per flow; a window function would read them all.
        part = flows[start : start + _PARTS]
        given: dict[str, object] = {"each": each}
        for number, flow in enumerate(part):
            given |= {f"n{number}": flow.namespace, f"f{number}": flow.id}
        for row in tx.execute(_latest(len(part)), given).mappings():
            execution = execution_from(row)
            found.setdefault(execution.flow, []).append(execution)
    for latest in found.values():
        latest.sort(key=lambda item: (item.history.started_at, item.id), reverse=True)
    return found


@cache
def _latest(number: int) -> Any:
    """For so many flows; as an expression it would cost more to make than to run."""
    each = (
        "SELECT * FROM (SELECT * FROM executions WHERE namespace = :n{0} AND flow_id = :f{0} "
        "ORDER BY created_at DESC, id DESC LIMIT :each) AS latest_{0}"
    )
    parts = " UNION ALL ".join(each.format(n) for n in range(number))
    query = text(parts).columns(**{c.name: c.type for c in executions.columns})
    return query.execution_options(**CHECKED)


def slowest(
    tx: Connection, wanted: ExecutionFilter, limit: int, among: int | None = None
) -> list[FlowFigures]:
    """Flows by mean duration of their ended executions, longest first.

    With `among` only so many of the newest are looked at.
    """
    e = executions.c
    ended = select(e.namespace, e.flow_id, e.created_at, e.ended_at).where(
        *conditions(wanted), e.ended_at.is_not(None)
    )
    if among is not None:
        ended = ended.order_by(e.created_at.desc()).limit(among)
    r = ended.subquery("ended").c
    length = type_coerce(r.ended_at, BigInteger) - type_coerce(r.created_at, BigInteger)
    query = (
        select(r.namespace, r.flow_id, func.count(), func.avg(length), func.max(length))
        .group_by(r.namespace, r.flow_id)
        .order_by(func.avg(length).desc())
        .limit(limit)
    )
    return [
        FlowFigures(FlowId(str(r[0]), str(r[1])), int(r[2]), float(r[3]) / 1e6, float(r[4]) / 1e6)
        for r in tx.execute(query).all()
    ]


def first_errors(tx: Connection, execution_ids: Sequence[str]) -> dict[str, str]:
    """The first ERROR line of each execution that has one."""
    if not execution_ids:
        return {}
    first = (
        select(func.min(logs.c.id))
        .where(logs.c.execution_id.in_(list(execution_ids)), logs.c.level >= int(Level.ERROR))
        .group_by(logs.c.execution_id)
    )
    query = select(logs.c.execution_id, logs.c.message).where(logs.c.id.in_(first))
    return {str(r[0]): str(r[1]) for r in tx.execute(query).all()}


def current_tasks(tx: Connection, execution_ids: Sequence[str]) -> dict[str, str]:
    """For each execution the task that failed, else the latest one made."""
    if not execution_ids:
        return {}
    t = task_runs.c
    failed = case((t.state == State.FAILED.value, 1), else_=0)
    number = func.row_number().over(
        partition_by=t.execution_id, order_by=(failed.desc(), t.position.desc())
    )
    inner = (
        select(t.execution_id, t.task_id, number.label("number"))
        .where(t.execution_id.in_(list(execution_ids)))
        .subquery()
    )
    query = select(inner.c.execution_id, inner.c.task_id).where(inner.c.number == 1)
    return {str(r[0]): str(r[1]) for r in tx.execute(query).all()}
