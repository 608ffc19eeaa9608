"""Figures of tasks over the executions of a flow."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, func, select, type_coerce

from mainstem.model.flow_id import FlowId
from mainstem.store.columns import from_micros, to_micros
from mainstem.store.tables import metrics

_m = metrics.c


class Aggregation(StrEnum):
    """How the figures of a slot of time become one."""

    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


_FUNCTIONS: Final[dict[Aggregation, Any]] = {
    Aggregation.SUM: func.sum,
    Aggregation.AVG: func.avg,
    Aggregation.MIN: func.min,
    Aggregation.MAX: func.max,
}


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of a flow, or of one of its tasks."""

    flow: FlowId
    name: str
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A slot of time; `value` is None when nothing was reported in it."""

    start: datetime
    value: float | None


def names(tx: Connection, flow: FlowId, task_id: str | None = None) -> list[str]:
    """Distinct names of metrics."""
    query = select(_m.name).where(*_of(flow, task_id)).distinct().order_by(_m.name)
    return list(tx.execute(query).scalars())


def tasks(tx: Connection, flow: FlowId) -> list[str]:
    """Ids of tasks that have reported metrics."""
    query = select(_m.task_id).where(*_of(flow)).distinct().order_by(_m.task_id)
    return list(tx.execute(query).scalars())


def aggregate(
    tx: Connection,
    series: Series,
    how: Aggregation,
    *,
    start: datetime,
    length: timedelta,
    number: int,
) -> list[Bucket]:
    """A value for each of `number` slots from `start`."""
    first, width = to_micros(start), length // timedelta(microseconds=1)
    index = ((type_coerce(_m.at, BigInteger) - first) // width).label("slot")
    query = (
        select(index, _FUNCTIONS[how](_m.value))
        .where(
            *_of(series.flow, series.task_id),
            _m.name == series.name,
            _m.at >= start,
            _m.at < start + length * number,
        )
        .group_by(index)
    )
    found = {int(row[0]): float(row[1]) for row in tx.execute(query).all()}
    return [Bucket(from_micros(first + slot * width), found.get(slot)) for slot in range(number)]


def _of(flow: FlowId, task_id: str | None = None) -> list[ColumnElement[bool]]:
    found = [_m.namespace == flow.namespace, _m.flow_id == flow.id]
    if task_id is not None:
        found.append(_m.task_id == task_id)
    return found
