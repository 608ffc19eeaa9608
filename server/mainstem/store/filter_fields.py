"""The fields by which each list can be filtered, and the columns by which it can be sorted."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, exists, func, not_, or_, select, type_coerce

from mainstem.errors import InvalidInput
from mainstem.model.log import Level
from mainstem.model.query import Leaf, Op
from mainstem.model.state import State
from mainstem.store.clauses import (
    Clause,
    Field,
    choice_field,
    contains_field,
    moment_of,
    number_field,
    text_field,
    whole_number,
    within_field,
)
from mainstem.store.columns import dump_json
from mainstem.store.tables import (
    children,
    execution_labels,
    executions,
    flows,
    logs,
    triggers,
)

# What the server itself owns, as clients of the reference tell apart.
SYSTEM_NAMESPACE: Final = "system"
_e, _l, _t, _f = executions.c, logs.c, triggers.c, flows.c


def execution_fields(now: datetime) -> Mapping[str, Field]:
    """Of executions."""
    return {
        "q": contains_field(_e.id, _e.flow_id, _e.namespace),
        "id": text_field(_e.id),
        "executionId": text_field(_e.id),
        "namespace": text_field(_e.namespace),
        "flowId": text_field(_e.flow_id),
        "flowRevision": number_field(_e.revision, whole_number),
        "state": choice_field(_e.state, _state),
        "labels": _execution_labels,
        "startDate": number_field(_e.created_at, moment_of),
        "endDate": number_field(_e.created_at, moment_of),
        "timeRange": within_field(_e.created_at, now),
        "parentId": text_field(_e.parent_id),
        "triggerId": text_field(_e.trigger_id),
        "triggerExecutionId": _started_by,
        "childFilter": _child,
        "scope": _scope(_e.namespace),
        "kind": _kind(_e.id),
    }


def log_fields(now: datetime) -> Mapping[str, Field]:
    """Of log lines."""
    return {
        "q": contains_field(_l.message),
        "message": text_field(_l.message),
        "namespace": text_field(_l.namespace),
        "flowId": text_field(_l.flow_id),
        "executionId": text_field(_l.execution_id),
        "taskId": text_field(_l.task_id),
        "taskRunId": text_field(_l.task_run_id),
        "triggerId": text_field(_l.trigger_id),
        "attemptNumber": number_field(_l.attempt - 1, whole_number),
        "level": _levels,
        "minLevel": _levels,
        "startDate": number_field(_l.at, moment_of),
        "endDate": number_field(_l.at, moment_of),
        "timeRange": within_field(_l.at, now),
        "scope": _scope(_l.namespace),
        "kind": _kind(_l.id),
    }


def trigger_fields(now: datetime) -> Mapping[str, Field]:
    """Of triggers."""
    return {
        "q": contains_field(_t.namespace, _t.flow_id, _t.trigger_id),
        "namespace": text_field(_t.namespace),
        "flowId": text_field(_t.flow_id),
        "triggerId": text_field(_t.trigger_id),
        "type": text_field(_t.type),
        "executionId": text_field(_t.execution_id),
        "triggerExecutionId": text_field(_t.execution_id),
        "triggerState": choice_field(_t.disabled, _is_disabled),
        "startDate": number_field(_t.last_at, moment_of),
        "endDate": number_field(_t.last_at, moment_of),
        "timeRange": within_field(_t.last_at, now),
        "scope": _scope(_t.namespace),
    }


def flow_fields(now: datetime) -> Mapping[str, Field]:
    """Of current flows."""
    return {
        "q": contains_field(_f.id, _f.namespace, _f.description),
        "namespace": text_field(_f.namespace),
        "id": text_field(_f.id),
        "flowId": text_field(_f.id),
        "flowRevision": number_field(_f.revision, whole_number),
        "labels": _flow_labels,
        "updated": number_field(_f.created_at, moment_of),
        "startDate": number_field(_f.created_at, moment_of),
        "endDate": number_field(_f.created_at, moment_of),
        "timeRange": within_field(_f.created_at, now),
        "scope": _scope(_f.namespace),
    }


Columns = Mapping[str, ColumnElement[Any]]
EXECUTION_SORTS: Final[Columns] = {
    "id": _e.id,
    "namespace": _e.namespace,
    "flowId": _e.flow_id,
    "flowRevision": _e.revision,
    "state.current": _e.state,
    "state.startDate": _e.created_at,
    "state.endDate": _e.ended_at,
    "state.duration": _e.ended_at - _e.created_at,
    "triggerId": _e.trigger_id,
    "scheduleDate": _e.schedule_at,
}
LOG_SORTS: Final[Columns] = {
    "timestamp": _l.id,
    "level": _l.level,
    "namespace": _l.namespace,
    "flowId": _l.flow_id,
    "executionId": _l.execution_id,
    "taskId": _l.task_id,
}
TRIGGER_SORTS: Final[Columns] = {
    "triggerId": _t.trigger_id,
    "namespace": _t.namespace,
    "flowId": _t.flow_id,
    "executionId": _t.execution_id,
    "date": _t.last_at,
    "lastTriggeredDate": _t.last_at,
    "nextExecutionDate": _t.next_at,
    "nextEvaluationDate": _t.next_at,
    "evaluatedAt": _t.evaluated_at,
    "updatedAt": _t.evaluated_at,
}
FLOW_SORTS: Final[Columns] = {
    "id": _f.id,
    "namespace": _f.namespace,
    "revision": _f.revision,
    "updated": _f.created_at,
    "description": _f.description,
    "disabled": _f.disabled,
}

# A column's name, and whether the largest comes first.
Order = tuple[str, bool]


def order_by(columns: Columns, orders: Sequence[Order], *last: Any) -> list[Any]:
    """The ORDER BY of a list; raises InvalidInput for a column that is not in it."""
    found: list[Any] = []
    for name, descending in orders:
        column = columns.get(name)
        if column is None:
            known = ", ".join(sorted(columns))
            raise InvalidInput(f"this list cannot be sorted by `{name}` (known: {known})")
        found.append(column.desc().nulls_last() if descending else column.asc().nulls_first())
    return [*found, *last]


def _state(text: str) -> str:
    try:
        return State(text.upper()).value
    except ValueError as error:
        known = ", ".join(State)
        raise InvalidInput(f"`{text}` is not a state (known: {known})") from error


def _level(text: str) -> int:
    try:
        return int(Level[text.upper()])
    except KeyError as error:
        raise InvalidInput(f"`{text}` is not a level (TRACE, DEBUG, INFO, WARN, ERROR)") from error


def _levels(leaf: Leaf) -> Clause:
    """Comparisons go by severity; the reference writes the lowest wanted one as EQUALS."""
    if leaf.op is Op.EQUALS:
        return _l.level >= _level(leaf.value)
    return number_field(_l.level, _level)(leaf)


def _is_disabled(text: str) -> bool:
    found = {"DISABLED": True, "ENABLED": False}.get(text.upper())
    if found is None:
        raise InvalidInput(f"`{text}` is not a state of triggers (ENABLED, DISABLED)")
    return found


def _scope(column: ColumnElement[Any]) -> Field:
    def compare(leaf: Leaf) -> Clause:
        is_system = column == SYSTEM_NAMESPACE
        wanted = {item.upper() for item in leaf.values}
        if unknown := wanted - {"USER", "SYSTEM"}:
            raise InvalidInput(f"`{min(unknown)}` is not a scope (USER, SYSTEM)")
        found = or_(*(is_system if item == "SYSTEM" else not_(is_system) for item in wanted))
        return not_(found) if leaf.op in (Op.NOT_EQUALS, Op.NOT_IN) else found

    return compare


def _kind(key: ColumnElement[Any]) -> Field:
    """Every execution here is a NORMAL one."""

    def compare(leaf: Leaf) -> Clause:
        wanted = "NORMAL" in {item.upper() for item in leaf.values}
        negated = leaf.op in (Op.NOT_EQUALS, Op.NOT_IN)
        return key.is_not(None) if wanted is not negated else key.is_(None)

    return compare


def _child(leaf: Leaf) -> Clause:
    is_child = exists().where(children.c.execution_id == _e.id)
    wanted = {"CHILD": True, "MAIN": False}.get(leaf.value.upper())
    if wanted is None:
        raise InvalidInput(f"`{leaf.value}` is not a childFilter (CHILD, MAIN)")
    if leaf.op is Op.NOT_EQUALS:
        wanted = not wanted
    return is_child if wanted else not_(is_child)


def _started_by(leaf: Leaf) -> Clause:
    """Subflows of an execution, and what its end has triggered."""
    ids = leaf.values if leaf.op in (Op.IN, Op.NOT_IN) else [leaf.value]
    below = _e.id.in_(select(children.c.execution_id).where(children.c.parent_id.in_(ids)))
    named = [_holds(_e.trigger, {"executionId": item}) for item in ids]
    found = or_(below, and_(_e.trigger_id.is_not(None), or_(*named)))
    return not_(found) if leaf.op in (Op.NOT_EQUALS, Op.NOT_IN) else found


def _holds(column: ColumnElement[Any], member: Mapping[str, str]) -> Clause:
    """Whether JSON text has this member. LIKE would not mind the case of letters."""
    text = type_coerce(column, Text)
    return func.replace(text, dump_json(member)[1:-1], "") != text


def _labelled(leaf: Leaf) -> tuple[str, str]:
    """A label by key and value, which older clients write as `key:value`."""
    if leaf.key is not None:
        return leaf.key, leaf.value
    key, mark, value = leaf.value.partition(":")
    if not mark:
        raise InvalidInput(f"label `{leaf.value}` must be written key:value")
    return key, value


def _execution_labels(leaf: Leaf) -> Clause:
    labels = execution_labels.c
    rows = labels.execution_id == _e.id
    written = labels.key + ":" + labels.value
    return _by_label(
        leaf,
        lambda key, value: exists().where(rows, labels.key == key, labels.value == value),
        lambda part: exists().where(rows, written.icontains(part, autoescape=True)),
    )


def _flow_labels(leaf: Leaf) -> Clause:
    text = type_coerce(_f.labels, Text)
    return _by_label(
        leaf,
        lambda key, value: _holds(_f.labels, {key: value}),
        lambda part: text.icontains(part, autoescape=True),
    )


def _by_label(
    leaf: Leaf, has: Callable[[str, str], Clause], contains: Callable[[str], Clause]
) -> Clause:
    match leaf.op:
        case Op.EQUALS | Op.IN:
            return has(*_labelled(leaf))
        case Op.NOT_EQUALS | Op.NOT_IN:
            return not_(has(*_labelled(leaf)))
        case Op.CONTAINS:
            return contains(leaf.value)
        case Op.NOT_CONTAINS:
            return not_(contains(leaf.value))
    raise leaf.refused("EQUALS, NOT_EQUALS, IN, NOT_IN, CONTAINS or NOT_CONTAINS")
