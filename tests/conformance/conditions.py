"""Runs lines of `conditions.jsonl`: one condition against a made-up execution."""

from datetime import UTC, datetime
from typing import Any

from mainstem.expr import NoHost, Scope, render
from mainstem.flowspec.parse import check_properties
from mainstem.model.execution import Attempt, Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History, Moment, State
from mainstem.sdk.condition import Condition, ConditionContext
from tests.conformance.moments import resolved
from tests.conformance.registry import installed, missing_types

_NOW = datetime(2024, 5, 15, 10, 20, 30, tzinfo=UTC)


def run_line(line: dict[str, Any]) -> str | None:
    """None if the line holds, `skipped: …`, or what differs."""
    data = resolved(line["condition"], _NOW)
    lacking = missing_types(data, [])
    if lacking:
        return f"skipped: no condition {', '.join(lacking)} yet"
    wanted = line["expect"]
    error = wanted["error"] if isinstance(wanted, dict) else None
    try:
        actual = _condition(data).test(_context(line["execution"]))
    except Exception as raised:
        if error is None:
            return f"should be {wanted} but raises {raised}"
        return None if error in ("*", True) or str(error) in str(raised) else f"says `{raised}`"
    return None if actual is wanted else f"should be {wanted} but is {actual}"


def _condition(data: dict[str, Any]) -> Condition:
    checked = check_properties(installed().find(data["type"]), data, installed())
    if wrong := [problem.message for problem in checked.problems if problem.is_error]:
        raise ValueError("; ".join(wrong))
    return installed().build(Condition, data, None)


def _context(data: dict[str, Any]) -> ConditionContext:
    flow = FlowId(data.get("namespace", "io.kestra.tests"), data.get("flow_id", "mock"))
    execution = Execution(
        id="mock",
        flow=flow,
        revision=1,
        history=_history(data.get("state", "RUNNING")),
        labels=data.get("labels") or {},
        outputs=data.get("outputs"),
    )
    runs = [_task_run(number, item) for number, item in enumerate(data.get("task_runs") or ())]
    variables: dict[str, object] = {
        "flow": {"id": flow.id, "namespace": flow.namespace},
        "execution": {"id": execution.id},
        "labels": data.get("labels") or {},
    }

    def rendered(text: str, more: Any) -> str:
        return render(text, Scope({**variables, **more}, NoHost(_NOW)))

    return ConditionContext(
        flow=flow,
        now=_NOW,
        render=lambda text: rendered(text, {}),
        execution=execution,
        variables=variables,
        task_runs=lambda: runs,
        render_with=rendered,
    )


def _history(state: str) -> History:
    return History((Moment(State.CREATED, _NOW), Moment(State(state), _NOW)))


def _task_run(number: int, data: dict[str, Any]) -> TaskRun:
    attempts = tuple(
        Attempt(at, _history(state)) for at, state in enumerate(data["attempts"], start=1)
    )
    last = data["attempts"][-1] if data["attempts"] else "RUNNING"
    return TaskRun(f"run{number}", "mock", "task", _history(last), number, attempts=attempts)
