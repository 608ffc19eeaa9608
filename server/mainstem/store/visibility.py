"""Rows that the caller may see: one rule for every query, instead of a condition in each.

For a caller whose roles are on subtrees of the namespaces, each table of a query stands for its
visible rows only, wherever it stands: in joins, in subqueries, in counts. A query that somebody
writes next year is limited too. Callers with a role on the whole server, and the server itself,
run their queries unchanged.

Writes are not limited here: services require a permission before they change anything.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    FromClause,
    Table,
    event,
    false,
    or_,
    select,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import SelectBase, TextualSelect
from sqlalchemy.sql.util import ClauseAdapter

from mainstem.errors import Bug
from mainstem.model.caller import visible_subtrees
from mainstem.store.clauses import is_below
from mainstem.store.tables import executions

#: Tables by the column that holds the namespace of a row.
BY_NAMESPACE: Final = {
    "flows": "namespace",
    "executions": "namespace",
    "logs": "namespace",
    "metrics": "namespace",
    "triggers": "namespace",
    "trigger_evaluations": "namespace",
    "trigger_gatherings": "namespace",
    "trigger_slots": "namespace",
    "backfills": "namespace",
    "kv": "namespace",
    "secrets": "namespace",
    "namespace_files": "namespace",
    "namespace_file_revisions": "namespace",
    "namespaces": "id",
    "secret_reads": "namespace",
    "templates": "namespace",
    "task_cache": "namespace",
}
#: Says that a query written as text asks for visible rows only; no other text is run for a caller
#: who is limited.
CHECKED: Final = {"checked": True}
#: Tables whose rows belong to an execution, and are seen with it.
BY_EXECUTION: Final = frozenset(
    {"task_runs", "execution_labels", "children", "timers", "operation_items"}
)


def limit_queries(engine: Engine) -> None:
    """Have every query of the engine limited to what its caller may see."""
    event.listen(engine, "before_execute", _before, retval=True)


def _before(
    _connection: Connection,
    statement: Executable,
    multiparams: Any,
    params: Any,
    _options: Any,
) -> tuple[Executable, Any, Any]:
    places = visible_subtrees()
    if places is None:
        return statement, multiparams, params
    if isinstance(statement, TextualSelect):
        if not statement.get_execution_options().get("checked"):
            raise Bug("a query written as text says nothing of who may see its rows")
        return statement, multiparams, params
    if not isinstance(statement, SelectBase):
        return statement, multiparams, params
    return limited(statement, places), multiparams, params


def limited(statement: SelectBase, places: tuple[str, ...]) -> Executable:
    """The same query over the rows of these subtrees."""
    found: Any = statement
    for table in _tables_of(statement):
        rows = select(table).where(_condition(table, places)).subquery(table.name)
        found = ClauseAdapter(rows).traverse(found)
    return found  # type: ignore[no-any-return]


def _tables_of(statement: SelectBase) -> list[Table]:
    found: dict[str, Table] = {}
    for element in visitors.iterate(statement):
        for table in _within(element):
            if table.name in BY_NAMESPACE or table.name in BY_EXECUTION:
                found[table.name] = table
    return list(found.values())


def _within(element: Any) -> Iterable[Table]:
    if isinstance(element, Table):
        yield element
    table = getattr(element, "table", None)
    if isinstance(table, Table):
        yield table


def _condition(table: FromClause, places: tuple[str, ...]) -> ColumnElement[bool]:
    column = BY_NAMESPACE.get(str(table.description))
    if column is not None:
        return _lies_in(table.c[column], places)
    seen = select(executions.c.id).where(_lies_in(executions.c.namespace, places))
    return table.c.execution_id.in_(seen)


def _lies_in(column: ColumnElement[Any], places: tuple[str, ...]) -> ColumnElement[bool]:
    if not places:
        return false()
    return or_(*(or_(column == place, is_below(column, place)) for place in places))
