"""Executions and task runs to rows and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import RowMapping

from mainstem.errors import Bug
from mainstem.model.execution import Attempt, Execution, ExecutionTrigger, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History, Moment, State
from mainstem.store.columns import dump_json, from_micros, to_micros
from mainstem.store.prepared import Values

_STATES: Mapping[str, State] = {state.value: state for state in State}


def dump_history(history: History) -> str:
    """`[["CREATED", micros], …]` as text."""
    moments = [f'["{moment.state}",{to_micros(moment.at)}]' for moment in history.moments]
    return f"[{','.join(moments)}]"


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


EXECUTION_COLUMNS: Final = (
    "namespace", "flow_id", "git_commit", "created_at", "trigger_id", "trigger", "parent_id",
    "original_id",
)  # fmt: skip
"""What stays as it was when the execution was made."""
EXECUTION_CHANGES: Final = (
    "version", "closed", "revision", "state", "ended_at", "history", "inputs", "labels",
    "variables", "outputs", "schedule_at", "attempt", "error",
)  # fmt: skip
TASK_RUN_COLUMNS: Final = (
    "id", "execution_id", "task_id", "parent_id", "value", "iteration", "position", "state",
    "created_at", "ended_at", "history", "attempts", "outputs", "dynamic",
)  # fmt: skip


def execution_values(execution: Execution) -> Values:
    """The values of EXECUTION_COLUMNS as the driver takes them."""
    trigger = execution.trigger
    return (
        execution.flow.namespace,
        execution.flow.id,
        execution.commit,
        to_micros(execution.history.moments[0].at),
        trigger.id if trigger else None,
        dump_json(_trigger(trigger)) if trigger else None,
        execution.parent_id,
        execution.original_id,
    )


def execution_changes(execution: Execution, version: int, closed: bool) -> Values:
    """The values of EXECUTION_CHANGES as the driver takes them."""
    history = execution.history
    ended_at, schedule_at = history.ended_at, execution.schedule_at
    return (
        version,
        closed,
        execution.revision,
        history.current._value_,
        to_micros(ended_at) if ended_at else None,
        dump_history(history),
        dump_json(execution.inputs) if execution.inputs else None,
        dump_json(execution.labels) if execution.labels else None,
        dump_json(execution.variables) if execution.variables else None,
        dump_json(execution.outputs) if execution.outputs is not None else None,
        to_micros(schedule_at) if schedule_at else None,
        execution.attempt,
        execution.error,
    )


def _trigger(trigger: ExecutionTrigger) -> Mapping[str, object]:
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


def task_run_values(run: TaskRun) -> Values:
    """The values of TASK_RUN_COLUMNS as the driver takes them."""
    history = run.history
    ended_at = history.ended_at
    return (
        run.id,
        run.execution_id,
        run.task_id,
        run.parent_id,
        run.value,
        run.iteration,
        run.position,
        history.current._value_,
        to_micros(history.moments[0].at),
        to_micros(ended_at) if ended_at else None,
        dump_history(history),
        dump_attempts(run.attempts),
        dump_json(run.outputs) if run.outputs is not None else None,
        run.dynamic,
    )


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
