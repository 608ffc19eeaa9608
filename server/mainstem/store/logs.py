"""Log lines and metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.metric import Metric, MetricKind
from mainstem.model.query import Group
from mainstem.store.clauses import clause
from mainstem.store.columns import to_micros
from mainstem.store.filter_fields import LOG_SORTS, Order, log_fields, order_by
from mainstem.store.prepared import insert_rows
from mainstem.store.tables import logs, metrics


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line with its number; numbers grow in the order of writing."""

    number: int
    line: LogLine
    flow: FlowId | None


@dataclass(frozen=True, slots=True)
class LogFilter:
    """All given parts must hold; `after` and `before` are line numbers.

    `level` is the lowest one wanted, `levels` lists exactly those wanted.
    """

    execution_id: str | None = None
    namespace: str | None = None
    flow_id: str | None = None
    # Exactly this flow; `namespace` takes in those below it.
    flow: FlowId | None = None
    task_run_ids: Sequence[str] = ()
    task_ids: Sequence[str] = ()
    trigger_id: str | None = None
    attempt: int | None = None
    level: Level = Level.TRACE
    levels: Sequence[Level] = ()
    text: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    after: int | None = None
    before: int | None = None
    where: Group | None = None


@dataclass(frozen=True, slots=True)
class StoredMetric:
    metric: Metric
    task_run_id: str
    task_id: str
    at: datetime


def add_lines(tx: Connection, lines: Sequence[tuple[LogLine, FlowId | None]]) -> None:
    """Append lines in the order given."""
    rows = [
        (
            line.execution_id,
            flow.namespace if flow else None,
            flow.id if flow else None,
            line.task_run_id,
            line.task_id,
            line.attempt,
            line.trigger_id,
            int(line.level),
            to_micros(line.at),
            line.message,
        )
        for line, flow in lines
    ]
    insert_rows(tx, logs, _COLUMNS, rows)


_COLUMNS: Final = (
    "execution_id", "namespace", "flow_id", "task_run_id", "task_id", "attempt", "trigger_id",
    "level", "at", "message",
)  # fmt: skip


def lines(
    tx: Connection,
    wanted: LogFilter,
    *,
    limit: int,
    offset: int = 0,
    newest_first: bool = False,
    orders: Sequence[Order] = (),
) -> list[StoredLine]:
    """Matching lines by number, or as `orders` says."""
    last = logs.c.id.desc() if newest_first else logs.c.id
    query = select(logs).where(*_conditions(wanted)).order_by(*order_by(LOG_SORTS, orders, last))
    query = query.limit(limit).offset(offset)
    return [
        StoredLine(
            row["id"],
            LogLine(
                at=row["at"],
                level=Level(row["level"]),
                message=row["message"],
                execution_id=row["execution_id"],
                task_run_id=row["task_run_id"],
                task_id=row["task_id"],
                attempt=row["attempt"],
                trigger_id=row["trigger_id"],
            ),
            FlowId(row["namespace"], row["flow_id"]) if row["flow_id"] else None,
        )
        for row in tx.execute(query).mappings()
    ]


def last_number(tx: Connection) -> int:
    """The number of the newest line; 0 when there is none."""
    return tx.execute(select(func.max(logs.c.id))).scalar() or 0


def moment_of(tx: Connection, number: int) -> datetime | None:
    """When the newest line up to this number was said; None when there is none so old."""
    query = select(logs.c.at).where(logs.c.id <= number).order_by(logs.c.id.desc()).limit(1)
    found: datetime | None = tx.execute(query).scalar()
    return found


def count(tx: Connection, wanted: LogFilter) -> int:
    query = select(func.count()).select_from(logs).where(*_conditions(wanted))
    return tx.execute(query).scalar_one()


def count_by_level(tx: Connection, wanted: LogFilter) -> dict[Level, int]:
    query = select(logs.c.level, func.count()).where(*_conditions(wanted)).group_by(logs.c.level)
    return {Level(int(row[0])): int(row[1]) for row in tx.execute(query).all()}


def remove_lines(tx: Connection, wanted: LogFilter) -> int:
    return tx.execute(delete(logs).where(*_conditions(wanted))).rowcount


def _conditions(wanted: LogFilter) -> list[ColumnElement[bool]]:
    tree = [clause(wanted.where, log_fields(datetime.now(UTC)))] if wanted.where else []
    return [*_about(wanted), *_edges(wanted), *tree]


def _about(wanted: LogFilter) -> list[ColumnElement[bool]]:
    exact = (
        (logs.c.execution_id, wanted.execution_id),
        (logs.c.flow_id, wanted.flow_id),
        (logs.c.trigger_id, wanted.trigger_id),
        (logs.c.attempt, wanted.attempt),
    )
    found: list[ColumnElement[bool]] = [c == value for c, value in exact if value is not None]
    if wanted.namespace is not None:
        below = logs.c.namespace.startswith(f"{wanted.namespace}.", autoescape=True)
        found.append((logs.c.namespace == wanted.namespace) | below)
    if wanted.flow is not None:
        found.append(logs.c.namespace == wanted.flow.namespace)
        found.append(logs.c.flow_id == wanted.flow.id)
    if wanted.task_run_ids:
        found.append(logs.c.task_run_id.in_(wanted.task_run_ids))
    if wanted.task_ids:
        found.append(logs.c.task_id.in_(wanted.task_ids))
    if wanted.text:
        found.append(logs.c.message.icontains(wanted.text, autoescape=True))
    return found


def _edges(wanted: LogFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.level > Level.TRACE:
        found.append(logs.c.level >= int(wanted.level))
    if wanted.levels:
        found.append(logs.c.level.in_([int(level) for level in wanted.levels]))
    if wanted.start is not None:
        found.append(logs.c.at >= wanted.start)
    if wanted.end is not None:
        found.append(logs.c.at < wanted.end)
    if wanted.after is not None:
        found.append(logs.c.id > wanted.after)
    if wanted.before is not None:
        found.append(logs.c.id < wanted.before)
    return found


def add_metrics(
    tx: Connection, execution_id: str, flow: FlowId, found: Sequence[StoredMetric]
) -> None:
    if not found:
        return
    rows = [
        {
            "execution_id": execution_id,
            "namespace": flow.namespace,
            "flow_id": flow.id,
            "task_run_id": item.task_run_id,
            "task_id": item.task_id,
            "name": item.metric.name,
            "kind": item.metric.kind.value,
            "value": item.metric.value,
            "tags": item.metric.tags or None,
            "at": item.at,
        }
        for item in found
    ]
    tx.execute(insert(metrics), rows)


def metrics_of(tx: Connection, execution_id: str) -> list[StoredMetric]:
    query = select(metrics).where(metrics.c.execution_id == execution_id).order_by(metrics.c.id)
    return [
        StoredMetric(
            Metric(row["name"], row["value"], MetricKind(row["kind"]), row["tags"] or {}),
            row["task_run_id"],
            row["task_id"],
            row["at"],
        )
        for row in tx.execute(query).mappings()
    ]
