"""Executions and their task runs.

An execution row carries `version`; saving names the version that was seen, so that two writers
can never overwrite each other: the later one gets Conflict, reloads and decides again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    select,
)

from mainstem.errors import Conflict, NotFound
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.light import light
from mainstem.model.state import State
from mainstem.store.prepared import delete_rows, insert_rows, update_rows
from mainstem.store.rows import (
    EXECUTION_CHANGES,
    EXECUTION_COLUMNS,
    TASK_RUN_COLUMNS,
    execution_changes,
    execution_from,
    execution_values,
    task_run_from,
    task_run_values,
)
from mainstem.store.tables import (
    children,
    events,
    execution_labels,
    executions,
    logs,
    metrics,
    task_runs,
    timers,
)
from mainstem.store.tables_namespaces import secret_reads
from mainstem.store.tables_work import jobs

_CHUNK: Final = 500


@light
@dataclass(frozen=True, slots=True)
class Versioned:
    """An execution and the version of its row; `closed` once nothing more will run in it."""

    execution: Execution
    version: int
    closed: bool = False


def upsert(tx: Connection, table: Table) -> Any:
    """An INSERT that takes ON CONFLICT; each dialect is loaded only where it is in use."""
    if tx.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


_upserts: dict[tuple[str, str, tuple[str, ...]], Any] = {}


def insert_or_replace(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; a row whose key exists replaces the other columns."""
    if not rows:
        return
    key = (tx.dialect.name, table.name, tuple(rows[0]))
    statement = _upserts.get(key)
    if statement is None:
        statement = _upserts[key] = _replacing(tx, table, rows[0])
    tx.execute(statement, rows)


def _replacing(tx: Connection, table: Table, row: Mapping[str, object]) -> Any:
    statement = upsert(tx, table)
    keys = [column.name for column in table.primary_key]
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys and column.name in row
    }
    if changed:
        return statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return statement.on_conflict_do_nothing(index_elements=keys)


def add(tx: Connection, created: Sequence[Versioned]) -> None:
    """Insert new executions."""
    rows = [
        (
            item.execution.id,
            *execution_values(item.execution),
            *execution_changes(item.execution, item.version, item.closed),
        )
        for item in created
    ]
    insert_rows(tx, executions, _INSERTED, rows)
    _put_labels(tx, [item.execution for item in created])


_INSERTED: Final = ("id", *EXECUTION_COLUMNS, *EXECUTION_CHANGES)


def save(tx: Connection, changed: Sequence[Versioned], relabelled: Sequence[Execution]) -> None:
    """Write executions whose rows are still at the version given with each.

    Raises Conflict when one is not. `relabelled` names those whose labels changed.
    """
    rows = [
        (
            *execution_changes(item.execution, item.version + 1, item.closed),
            item.execution.id,
            item.version,
        )
        for item in changed
    ]
    update_rows(tx, executions, EXECUTION_CHANGES, ("id", "version"), rows, _changed_meanwhile)
    if relabelled:
        ids = [(execution.id,) for execution in relabelled]
        delete_rows(tx, execution_labels, ("execution_id",), ids)
        _put_labels(tx, relabelled)


def _changed_meanwhile() -> Conflict:
    return Conflict("an execution was changed by another process meanwhile")


def _put_labels(tx: Connection, labelled: Iterable[Execution]) -> None:
    rows = [
        (execution.id, key, value)
        for execution in labelled
        for key, value in execution.labels.items()
    ]
    insert_rows(tx, execution_labels, ("execution_id", "key", "value"), rows)


def put_task_runs(tx: Connection, runs: Sequence[TaskRun], removed: Sequence[str] = ()) -> None:
    """Insert or replace task runs; delete the removed ones."""
    values = [task_run_values(run) for run in runs]
    insert_rows(tx, task_runs, TASK_RUN_COLUMNS, values, replace=True)
    delete_rows(tx, task_runs, ("id",), [(run_id,) for run_id in removed])


_BY_ID: Final = select(executions).where(executions.c.id == bindparam("wanted"))
_RUNS_OF: Final = (
    select(task_runs)
    .where(task_runs.c.execution_id == bindparam("wanted"))
    .order_by(task_runs.c.position)
)


def find(tx: Connection, execution_id: str) -> Versioned | None:
    row = tx.execute(_BY_ID, {"wanted": execution_id}).mappings().first()
    if row is None:
        return None
    return Versioned(execution_from(row), row["version"], row["closed"])


def get(tx: Connection, execution_id: str) -> Versioned:
    """Raises NotFound."""
    found = find(tx, execution_id)
    if found is None:
        raise NotFound(f"there is no execution {execution_id}")
    return found


_PART: Final = 500


def standing(tx: Connection, ids: Sequence[str]) -> dict[str, tuple[State, str]]:
    """The state and the namespace of each execution that exists."""
    found: dict[str, tuple[State, str]] = {}
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        query = select(executions.c.id, executions.c.state, executions.c.namespace)
        rows = tx.execute(query.where(executions.c.id.in_(part)))
        found.update((row.id, (State(row.state), row.namespace)) for row in rows)
    return found


def task_runs_of(tx: Connection, execution_id: str) -> list[TaskRun]:
    """In the order of creation."""
    found = tx.execute(_RUNS_OF, {"wanted": execution_id}).mappings()
    return [task_run_from(row) for row in found]


def open_ids(tx: Connection) -> list[str]:
    """Executions in which something may still run, oldest first."""
    query = (
        select(executions.c.id)
        .where(executions.c.closed.is_(False))
        .order_by(executions.c.created_at, executions.c.id)
    )
    return list(tx.execute(query).scalars())


def holding(tx: Connection) -> list[Execution]:
    """Executions that take a place of their flow's concurrency limit."""
    states = [State.RUNNING.value, State.PAUSED.value]
    query = select(executions).where(executions.c.closed.is_(False), executions.c.state.in_(states))
    return [execution_from(row) for row in tx.execute(query).mappings()]


def oldest_queued(tx: Connection, flow: FlowId, limit: int) -> list[str]:
    query = (
        select(executions.c.id)
        .where(
            executions.c.closed.is_(False),
            executions.c.namespace == flow.namespace,
            executions.c.flow_id == flow.id,
            executions.c.state == State.QUEUED.value,
        )
        .order_by(executions.c.created_at, executions.c.id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


_HANGING: Final = (
    execution_labels,
    task_runs,
    events,
    timers,
    children,
    jobs,
    logs,
    metrics,
    secret_reads,
)


def remove(tx: Connection, ids: Sequence[str], *, keep: Sequence[Table] = ()) -> int:
    """Delete executions with all that hangs on them; tables in `keep` are left alone."""
    removed = 0
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        for table in _HANGING:
            if table not in keep:
                tx.execute(delete(table).where(table.c.execution_id.in_(part)))
        removed += tx.execute(delete(executions).where(executions.c.id.in_(part))).rowcount
    return removed
