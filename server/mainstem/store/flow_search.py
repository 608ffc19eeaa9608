"""Lists of current flows, filtered and paged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, func, select

from mainstem.model.flow_id import FlowId
from mainstem.model.query import Group
from mainstem.store.clauses import clause
from mainstem.store.filter_fields import FLOW_SORTS, Order, flow_fields, order_by
from mainstem.store.flows import FlowRevision, from_row
from mainstem.store.tables import flows


@dataclass(frozen=True, slots=True)
class FlowFilter:
    """All given parts must hold; a namespace includes those below it."""

    namespace: str | None = None
    text: str | None = None
    where: Group | None = None


def search(
    tx: Connection,
    wanted: FlowFilter,
    *,
    limit: int,
    offset: int = 0,
    orders: Sequence[Order] = (),
) -> tuple[list[FlowRevision], int]:
    """A part of the list, and the number of all."""
    clauses = _conditions(wanted)
    count = select(func.count()).select_from(flows).where(*clauses)
    query = (
        select(flows)
        .where(*clauses)
        .order_by(*order_by(FLOW_SORTS, orders, flows.c.namespace, flows.c.id))
        .limit(limit)
        .offset(offset)
    )
    found = [from_row(row) for row in tx.execute(query).mappings()]
    return found, int(tx.execute(count).scalar_one())


def ids(tx: Connection, wanted: FlowFilter) -> list[FlowId]:
    """The names of all that match."""
    query = select(flows.c.namespace, flows.c.id).where(*_conditions(wanted))
    rows = tx.execute(query.order_by(flows.c.namespace, flows.c.id)).all()
    return [FlowId(str(row[0]), str(row[1])) for row in rows]


def _conditions(wanted: FlowFilter) -> list[ColumnElement[bool]]:
    f = flows.c
    found: list[ColumnElement[bool]] = [f.is_latest, f.deleted.is_(False)]
    if wanted.namespace:
        below = f.namespace.startswith(f"{wanted.namespace}.", autoescape=True)
        found.append((f.namespace == wanted.namespace) | below)
    if wanted.text:
        text = f.namespace + "." + f.id
        found.append(text.icontains(wanted.text, autoescape=True))
    if wanted.where is not None:
        found.append(clause(wanted.where, flow_fields(datetime.now(UTC))))
    return found
