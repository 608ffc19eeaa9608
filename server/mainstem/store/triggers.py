"""Trigger rows, their evaluations, and what Flow triggers have gathered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.query import Group
from mainstem.model.state import State
from mainstem.model.trigger import Evaluation, Outcome, TriggerKey, TriggerKind, TriggerState
from mainstem.store.clauses import clause
from mainstem.store.columns import from_micros, to_micros
from mainstem.store.executions import insert_or_replace
from mainstem.store.filter_fields import TRIGGER_SORTS, Order, order_by, trigger_fields
from mainstem.store.prepared import insert_rows, update_rows
from mainstem.store.tables import (
    executions,
    trigger_evaluations,
    trigger_gatherings,
    triggers,
)

_KEPT: Final = 100
_t = triggers.c


@dataclass(frozen=True, slots=True)
class TriggerFilter:
    """All given parts must hold; a namespace includes those below it."""

    namespace: str | None = None
    flow_id: str | None = None
    text: str | None = None
    kinds: Sequence[TriggerKind] = ()
    where: Group | None = None


def key_columns(key: TriggerKey) -> dict[str, str]:
    """The three columns that name a trigger in every table."""
    return {"namespace": key.flow.namespace, "flow_id": key.flow.id, "trigger_id": key.id}


def is_key(table: Any, key: TriggerKey) -> ColumnElement[bool]:
    """The condition that a row is of this trigger."""
    return and_(*(table.c[name] == value for name, value in key_columns(key).items()))


def _is_given(table: Any) -> ColumnElement[bool]:
    """As `is_key`, of the trigger that is named when the statement runs."""
    return and_(*(table.c[name] == bindparam(name) for name in _KEY))


_KEY: Final = ("namespace", "flow_id", "trigger_id")
_BY_KEY: Final = select(triggers).where(_is_given(triggers))
_OF_FLOW: Final = (
    select(triggers)
    .where(_t.namespace == bindparam("namespace"), _t.flow_id == bindparam("flow_id"))
    .order_by(_t.trigger_id)
)


def put(tx: Connection, states: Sequence[TriggerState]) -> None:
    """Insert rows, or replace them with all that they hold."""
    insert_or_replace(tx, triggers, [_row(state) for state in states])


def flows_with_any(tx: Connection) -> set[FlowId]:
    """Flows that have a trigger's row."""
    query = select(triggers.c.namespace, triggers.c.flow_id).distinct()
    return {FlowId(row[0], row[1]) for row in tx.execute(query)}


def of_flow(tx: Connection, flow: FlowId) -> list[TriggerState]:
    """The triggers of a flow, by id."""
    given = {"namespace": flow.namespace, "flow_id": flow.id}
    return [_state(row) for row in tx.execute(_OF_FLOW, given).mappings()]


def find(tx: Connection, key: TriggerKey) -> TriggerState | None:
    row = tx.execute(_BY_KEY, key_columns(key)).mappings().first()
    return None if row is None else _state(row)


def get(tx: Connection, key: TriggerKey) -> TriggerState:
    """Raises NotFound."""
    found = find(tx, key)
    if found is None:
        raise NotFound(f"flow {key.flow} has no trigger {key.id}")
    return found


def remove(tx: Connection, keys: Iterable[TriggerKey]) -> None:
    """Forget triggers that their flows no longer have; what they fired stays known."""
    for key in keys:
        for table in (triggers, trigger_gatherings, trigger_evaluations):
            tx.execute(delete(table).where(is_key(table, key)))


def search(
    tx: Connection,
    wanted: TriggerFilter,
    *,
    limit: int,
    offset: int,
    orders: Sequence[Order] = (),
) -> tuple[list[TriggerState], int]:
    """A part of the list by namespace, flow and id, and the number of all."""
    conditions = list(_conditions(wanted))
    query = (
        select(triggers)
        .where(*conditions)
        .order_by(*order_by(TRIGGER_SORTS, orders, _t.namespace, _t.flow_id, _t.trigger_id))
        .limit(limit)
        .offset(offset)
    )
    count = select(func.count()).select_from(triggers).where(*conditions)
    found = [_state(row) for row in tx.execute(query).mappings()]
    return found, int(tx.execute(count).scalar_one())


def _conditions(wanted: TriggerFilter) -> Iterable[ColumnElement[bool]]:
    if wanted.namespace is not None:
        below = _t.namespace.startswith(f"{wanted.namespace}.", autoescape=True)
        yield or_(_t.namespace == wanted.namespace, below)
    if wanted.flow_id is not None:
        yield _t.flow_id == wanted.flow_id
    if wanted.kinds:
        yield _t.kind.in_([kind.value for kind in wanted.kinds])
    if wanted.text:
        columns = (_t.namespace, _t.flow_id, _t.trigger_id)
        yield or_(*(column.icontains(wanted.text, autoescape=True) for column in columns))
    if wanted.where is not None:
        yield clause(wanted.where, trigger_fields(datetime.now(UTC)))


# what is due

_ON = (_t.disabled.is_(False), _t.asleep.is_(False))
_FREE = _t.execution_id.is_(None)


def due(tx: Connection, now: datetime, limit: int) -> list[TriggerState]:
    """Triggers whose time has come and that nothing holds, the longest waiting first."""
    query = select(triggers).where(*_ON, _t.next_at <= now, _FREE).order_by(_t.next_at).limit(limit)
    return [_state(row) for row in tx.execute(query).mappings()]


def next_due(tx: Connection) -> datetime | None:
    """When the next trigger that nothing holds comes up."""
    query = select(_t.next_at).where(*_ON, _t.next_at.is_not(None), _FREE).order_by(_t.next_at)
    found: datetime | None = tx.execute(query.limit(1)).scalar()
    return found


def listening(tx: Connection) -> list[TriggerState]:
    """Flow triggers that are switched on."""
    return [_state(row) for row in tx.execute(_LISTENING).mappings()]


_LISTENING: Final = select(triggers).where(_t.kind == TriggerKind.FLOW.value, *_ON)


def move(tx: Connection, seen: TriggerState, after: TriggerState) -> bool:
    """Write a trigger as it is after an evaluation, unless somebody else came first."""
    statement = (
        update(triggers)
        .where(is_key(triggers, seen.key), *_ON, _FREE, _t.revision == seen.revision)
        .where(_t.next_at == seen.next_at if seen.next_at else _t.next_at.is_(None))
        .values(_row(after))
    )
    return tx.execute(statement).rowcount == 1


def note(tx: Connection, key: TriggerKey, evaluation: Evaluation) -> None:
    """Record the outcome on the row of a trigger that keeps no dates."""
    at = to_micros(evaluation.at)
    fired = evaluation.outcome is Outcome.FIRED
    changed = (*_NOTED, "last_at") if fired else _NOTED
    values = [at, evaluation.outcome.value, evaluation.reason or None, *([at] if fired else [])]
    row = (*values, key.flow.namespace, key.flow.id, key.id)
    update_rows(tx, triggers, changed, _KEY, [row])


_NOTED: Final = ("evaluated_at", "outcome", "reason")


def set_disabled(tx: Connection, key: TriggerKey, disabled: bool, next_at: datetime | None) -> None:
    """Turn the switch; `next_at` is when it goes on if it is switched on."""
    values: dict[str, object] = {"disabled": disabled}
    if not disabled:
        values |= {"next_at": next_at, "failures": 0}
    tx.execute(update(triggers).where(is_key(triggers, key)).values(values))


# locks


def unlock(tx: Connection, execution_ids: Sequence[str]) -> int:
    """Free the triggers that these executions hold."""
    return tx.execute(_UNLOCK, {"ended": execution_ids}).rowcount


_UNLOCK: Final = (
    update(triggers)
    .where(_t.execution_id.in_(bindparam("ended", expanding=True)))
    .values(execution_id=None)
)


def unlock_ended(tx: Connection) -> int:
    """Free the triggers held by executions that have ended or are gone."""
    running = (
        select(executions.c.id)
        .where(executions.c.id == _t.execution_id, executions.c.ended_at.is_(None))
        .exists()
    )
    statement = update(triggers).where(_t.execution_id.is_not(None), ~running)
    return tx.execute(statement.values(execution_id=None)).rowcount


# evaluations


def add_evaluations(tx: Connection, found: Sequence[Evaluation]) -> None:
    """Append evaluations, keeping the newest hundred of each trigger."""
    if not found:
        return
    rows = [
        (
            item.key.flow.namespace,
            item.key.flow.id,
            item.key.id,
            to_micros(item.at),
            item.outcome.value,
            item.reason,
            to_micros(item.slot) if item.slot else None,
            item.execution_id,
        )
        for item in found
    ]
    insert_rows(tx, trigger_evaluations, _EVALUATED, rows)
    for key in {item.key for item in found}:
        _forget_old(tx, key)


_EVALUATED: Final = (*_KEY, "at", "outcome", "reason", "slot", "execution_id")


def _forget_old(tx: Connection, key: TriggerKey) -> None:
    last = tx.execute(_OLDEST_KEPT, key_columns(key)).scalar()
    if last:
        tx.execute(_FORGET, {**key_columns(key), "last": last})


_OLDEST_KEPT: Final = (
    select(trigger_evaluations.c.id)
    .where(_is_given(trigger_evaluations))
    .order_by(trigger_evaluations.c.id.desc())
    .offset(_KEPT)
    .limit(1)
)
_FORGET: Final = delete(trigger_evaluations).where(
    _is_given(trigger_evaluations), trigger_evaluations.c.id <= bindparam("last")
)


def evaluations(tx: Connection, key: TriggerKey, limit: int) -> list[Evaluation]:
    """Newest first."""
    e = trigger_evaluations
    query = select(e).where(is_key(e, key)).order_by(e.c.id.desc()).limit(limit)
    return [
        Evaluation(
            key,
            row["at"],
            Outcome(row["outcome"]),
            row["reason"],
            row["slot"],
            row["execution_id"],
        )
        for row in tx.execute(query).mappings()
    ]


# gatherings


def gathered(tx: Connection, key: TriggerKey, gathering_id: str) -> dict[str, datetime]:
    """When each part was satisfied last."""
    g = trigger_gatherings
    query = select(g.c.satisfied).where(is_key(g, key), g.c.gathering_id == gathering_id)
    row: dict[str, int] | None = tx.execute(query).scalar()
    return {name: from_micros(at) for name, at in (row or {}).items()}


def gather(
    tx: Connection, key: TriggerKey, gathering_id: str, satisfied: Mapping[str, datetime]
) -> None:
    """Keep when each part was satisfied last; nothing satisfied forgets the gathering."""
    g = trigger_gatherings
    if not satisfied:
        tx.execute(delete(g).where(is_key(g, key), g.c.gathering_id == gathering_id))
        return
    row = {
        **key_columns(key),
        "gathering_id": gathering_id,
        "satisfied": {name: to_micros(at) for name, at in satisfied.items()},
    }
    insert_or_replace(tx, g, [row])


def _row(state: TriggerState) -> dict[str, Any]:
    return {
        **key_columns(state.key),
        "type": state.type,
        "kind": state.kind.value,
        "revision": state.revision,
        "definition_hash": state.definition_hash,
        "disabled": state.disabled,
        "asleep": state.asleep,
        "next_at": state.next_at,
        "last_at": state.last_at,
        "evaluated_at": state.evaluated_at,
        "outcome": state.outcome.value if state.outcome else None,
        "reason": state.reason,
        "execution_id": state.execution_id,
        "failures": state.failures,
        "stop_after": [item.value for item in state.stop_after] or None,
    }


def _state(row: RowMapping) -> TriggerState:
    return TriggerState(
        key=TriggerKey(FlowId(row["namespace"], row["flow_id"]), row["trigger_id"]),
        type=row["type"],
        kind=TriggerKind(row["kind"]),
        revision=row["revision"],
        definition_hash=row["definition_hash"],
        disabled=row["disabled"],
        asleep=row["asleep"],
        next_at=row["next_at"],
        last_at=row["last_at"],
        evaluated_at=row["evaluated_at"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        reason=row["reason"],
        execution_id=row["execution_id"],
        failures=row["failures"],
        stop_after=tuple(State(item) for item in row["stop_after"] or ()),
    )
