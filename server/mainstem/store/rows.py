"""Executions and task runs to rows and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import RowMapping

from mainstem.errors import Bug
from mainstem.model.execution import Attempt, Execution, ExecutionTrigger, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History, Moment, State
from mainstem.store.columns import from_micros, to_micros

Row = dict[str, Any]
_STATES: Mapping[str, State] = {state.value: state for state in State}


def dump_history(history: History) -> str:
    """`[["CREATED", micros], …]` as text."""
    moments = ",".join(f'["{m.state.value}",{to_micros(m.at)}]' for m in history.moments)
    return f"[{moments}]"


def load_history(text: str) -> History:
    return _history(json.loads(text))


def _history(moments: Sequence[Sequence[Any]]) -> History:
    return History(tuple(Moment(_STATES[state], from_micros(at)) for state, at in moments))


def dump_attempts(attempts: Sequence[Attempt]) -> str | None:
    if not attempts:
        return None
    parts = [f"[{a.number},{json.dumps(a.log_file)},{dump_history(a.history)}]" for a in attempts]
    return f"[{','.join(parts)}]"


def load_attempts(text: str | None) -> tuple[Attempt, ...]:
    if not text:
        return ()
    return tuple(
        Attempt(number, _history(history), log_file)
        for number, log_file, history in json.loads(text)
    )


def execution_row(execution: Execution, version: int) -> Row:
    trigger = execution.trigger
    return {
        "id": execution.id,
        "version": version,
        "namespace": execution.flow.namespace,
        "flow_id": execution.flow.id,
        "revision": execution.revision,
        "git_commit": execution.commit,
        "state": execution.state.value,
        "created_at": execution.history.started_at,
        "ended_at": execution.history.ended_at,
        "history": dump_history(execution.history),
        "inputs": execution.inputs or None,
        "labels": execution.labels or None,
        "variables": execution.variables or None,
        "outputs": execution.outputs,
        "trigger_id": trigger.id if trigger else None,
        "trigger": _dump_trigger(trigger) if trigger else None,
        "parent_id": execution.parent_id,
        "original_id": execution.original_id,
        "schedule_at": execution.schedule_at,
        "attempt": execution.attempt,
        "error": execution.error,
    }


def _dump_trigger(trigger: ExecutionTrigger) -> Row:
    return {"id": trigger.id, "type": trigger.type, "variables": trigger.variables}


def execution_from(row: RowMapping) -> Execution:
    trigger = row["trigger"]
    return Execution(
        id=row["id"],
        flow=FlowId(row["namespace"], row["flow_id"]),
        revision=row["revision"],
        history=load_history(row["history"]),
        inputs=row["inputs"] or {},
        labels=row["labels"] or {},
        variables=row["variables"] or {},
        outputs=row["outputs"],
        trigger=ExecutionTrigger(**trigger) if trigger else None,
        parent_id=row["parent_id"],
        original_id=row["original_id"],
        schedule_at=row["schedule_at"],
        commit=row["git_commit"],
        attempt=row["attempt"],
        error=row["error"],
    )


def task_run_row(run: TaskRun) -> Row:
    return {
        "id": run.id,
        "execution_id": run.execution_id,
        "task_id": run.task_id,
        "parent_id": run.parent_id,
        "value": run.value,
        "iteration": run.iteration,
        "position": run.position,
        "state": run.state.value,
        "created_at": run.history.started_at,
        "ended_at": run.history.ended_at,
        "history": dump_history(run.history),
        "attempts": dump_attempts(run.attempts),
        "outputs": run.outputs,
        "dynamic": run.dynamic,
    }


def task_run_from(row: RowMapping) -> TaskRun:
    history = load_history(row["history"])
    if history.current.value != row["state"]:
        raise Bug(f"task run {row['id']} is {row['state']} but its history ends elsewhere")
    return TaskRun(
        id=row["id"],
        execution_id=row["execution_id"],
        task_id=row["task_id"],
        history=history,
        position=row["position"],
        parent_id=row["parent_id"],
        value=row["value"],
        iteration=row["iteration"],
        attempts=load_attempts(row["attempts"]),
        outputs=cast("Mapping[str, object] | None", row["outputs"]),
        dynamic=bool(row["dynamic"]),
    )
