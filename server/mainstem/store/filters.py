"""Search filters of execution lists, and their WHERE clauses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, tuple_

from mainstem.model.flow_id import FlowId
from mainstem.model.query import Group
from mainstem.model.state import State
from mainstem.store.clauses import clause, is_below
from mainstem.store.filter_fields import execution_fields
from mainstem.store.tables import execution_labels, executions


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """All given parts must hold; `namespace` takes in the namespaces below it.

    `text` matches an id, a flow id or a namespace in part. `flows` lists whole flows.
    """

    namespace: str | None = None
    flow_id: str | None = None
    flows: Sequence[FlowId] = ()
    states: Sequence[State] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None
    text: str | None = None
    parent_id: str | None = None
    trigger_id: str | None = None
    ids: Sequence[str] = ()
    ended: bool | None = None
    where: Group | None = None
    # What `timeRange` counts back from.
    now: datetime | None = None


def conditions(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    """The WHERE clauses of a filter."""
    e = executions.c
    found: list[ColumnElement[bool]] = []
    if wanted.namespace:
        below = is_below(e.namespace, wanted.namespace)
        found.append((e.namespace == wanted.namespace) | below)
    return [*found, *_others(wanted)]


def counting_conditions(tx: Connection, wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    """The same for a query that reads every match anyway.

    SQLite finds a namespace and those below it in its index only when they are written as ranges;
    in a list it would then sort all matches instead of reading the newest.
    """
    has_time = wanted.start is not None or wanted.end is not None or wanted.where is not None
    if not wanted.namespace or has_time or tx.dialect.name != "sqlite":
        return conditions(wanted)
    namespace, (first, end) = executions.c.namespace, _below(wanted.namespace)
    inside = (namespace == wanted.namespace) | and_(namespace >= first, namespace < end)
    return [inside, *_others(wanted)]


def _below(namespace: str) -> tuple[str, str]:
    """Where names below a namespace begin and end, in the order of their code points."""
    return f"{namespace}.", f"{namespace}{chr(ord('.') + 1)}"


def _others(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    """All clauses but that of the namespace."""
    return [
        *_place(wanted),
        *_time(wanted),
        *(_label(key, value) for key, value in wanted.labels.items()),
        *_tree(wanted),
    ]


def _tree(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    if wanted.where is None:
        return []
    return [clause(wanted.where, execution_fields(wanted.now or datetime.now(UTC)))]


def _place(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    e = executions.c
    found: list[ColumnElement[bool]] = []
    if wanted.flow_id:
        found.append(e.flow_id == wanted.flow_id)
    if len(wanted.flows) == 1:  # which an index gives in order
        found.append(e.namespace == wanted.flows[0].namespace)
        found.append(e.flow_id == wanted.flows[0].id)
    elif wanted.flows:
        names = [(flow.namespace, flow.id) for flow in wanted.flows]
        found.append(tuple_(e.namespace, e.flow_id).in_(names))
    if wanted.states:
        found.append(e.state.in_([state.value for state in wanted.states]))
    if wanted.ids:
        found.append(e.id.in_(list(wanted.ids)))
    if wanted.parent_id:
        found.append(e.parent_id == wanted.parent_id)
    if wanted.trigger_id:
        found.append(e.trigger_id == wanted.trigger_id)
    if wanted.text:
        part = wanted.text.strip()
        found.append(
            e.id.startswith(part, autoescape=True)
            | e.flow_id.icontains(part, autoescape=True)
            | e.namespace.icontains(part, autoescape=True)
        )
    return found


def _time(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    e = executions.c
    found: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        found.append(e.created_at >= wanted.start)
    if wanted.end is not None:
        found.append(e.created_at < wanted.end)
    if wanted.ended is not None:
        found.append(e.ended_at.is_not(None) if wanted.ended else e.ended_at.is_(None))
    return found


def _label(key: str, value: str) -> ColumnElement[bool]:
    return exists().where(
        execution_labels.c.execution_id == executions.c.id,
        execution_labels.c.key == key,
        execution_labels.c.value == value,
    )
