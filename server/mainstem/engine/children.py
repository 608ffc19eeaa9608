"""Task runs whose work is child executions: asking for them and counting how they end."""

from collections.abc import Mapping
from dataclasses import replace

from mainstem.engine.decision import (
    ChildCreated,
    ChildEnded,
    ChildRefused,
    OutputsFile,
    SubflowRequest,
)
from mainstem.engine.finish import finish
from mainstem.engine.flowing import TaskContext
from mainstem.engine.node import Node
from mainstem.engine.outcome import begin_attempt, reason
from mainstem.engine.turn import Turn
from mainstem.model.execution import SYSTEM_LABEL, ExecutionTrigger
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.sdk.flowable import ChildEnd, ChildRequest, ExecutableTask, Tally

_BASE_URI = "subflowOutputsBaseUri"


def request_children(turn: Turn, node: Node) -> None:
    """Ask for the children of a task run, each under an id chosen here."""
    task = _task(node)
    turn.put(node, begin_attempt(node.run, turn.env.now))
    try:
        requests = task.requests(TaskContext(turn, node))
    except Exception as error:  # a plug-in's own code may raise anything
        turn.log(Level.ERROR, reason(error), node)
        finish(turn, node, State.FAILED)
        return
    asked = [_asked(turn, node, request, number) for number, request in enumerate(requests)]
    turn.children.extend(asked)
    if not asked:
        finish(turn, node, State.SUCCESS)
    elif task.MANY:
        turn.put(node, replace(node.run, outputs=_first_counts(turn, node, len(asked))))
    else:
        turn.put(node, replace(node.run, outputs={"executionId": asked[0].execution_id}))


def _asked(turn: Turn, node: Node, request: ChildRequest, number: int) -> SubflowRequest:
    task = _task(node)
    execution = turn.live.execution
    inherited = {
        key: value
        for key, value in execution.labels.items()
        if request.inherit_labels or key.startswith(SYSTEM_LABEL)
    }
    variables = {
        "executionId": execution.id,
        "namespace": execution.flow.namespace,
        "flowId": execution.flow.id,
        "flowRevision": execution.revision,
    }
    return SubflowRequest(
        execution_id=turn.env.ids(),
        task_run_id=node.run.id,
        flow=request.flow,
        inputs=request.inputs,
        labels={**inherited, **request.labels},
        trigger=ExecutionTrigger(task.id, task.type, variables),
        revision=request.revision,
        iteration=number if task.MANY else None,
        schedule_at=request.schedule_at,
        wait=task.wait,
        wants_variables=task.wants_variables,
    )


def _first_counts(turn: Turn, node: Node, total: int) -> Mapping[str, object]:
    waits = _task(node).wait
    counts = {"CREATED": 0 if waits else total, "RUNNING": total if waits else 0}
    base = turn.env.files_of(turn.live.execution, node.run)
    return {"numberOfBatches": total, "iterations": counts, _BASE_URI: base}


def child_created(turn: Turn, event: ChildCreated) -> None:
    """A child exists; a task run that does not wait for it has done its work."""
    node = _waiting(turn, event.task_run_id)
    if node is None or _task(node).wait:
        return
    if _task(node).MANY:
        _count(turn, node, State.SUCCESS, waited="CREATED")
    elif _is_ours(node, event.execution_id):
        finish(turn, node, State.SUCCESS)


def child_refused(turn: Turn, event: ChildRefused) -> None:
    """A child cannot be made, which fails the task run."""
    node = _waiting(turn, event.task_run_id)
    if node is None:
        return
    turn.log(Level.ERROR, event.message, node)
    if _task(node).MANY:
        _count(turn, node, State.FAILED, waited="RUNNING" if _task(node).wait else "CREATED")
    elif _is_ours(node, event.execution_id):
        turn.put(node, replace(node.run, outputs=None))
        finish(turn, node, State.FAILED)


def child_ended(turn: Turn, event: ChildEnded) -> None:
    """A child that was waited for has ended."""
    node = _waiting(turn, event.task_run_id)
    if node is None or not _task(node).wait:
        return
    end = ChildEnd(event.execution_id, event.state, event.outputs, event.variables)
    if _task(node).MANY:
        _keep_outputs(turn, node, event)
        _count(turn, node, event.state, waited="RUNNING")
    elif _is_ours(node, event.execution_id):
        _end_single(turn, node, end)


def _end_single(turn: Turn, node: Node, end: ChildEnd) -> None:
    task = _task(node)
    state = task.state_of(end.state)
    outputs: dict[str, object] = {"executionId": end.execution_id, "state": end.state.value}
    try:
        given = task.outputs_of(TaskContext(turn, node), end)
        if given is not None:
            outputs["outputs"] = given
    except Exception as error:  # a plug-in's own code may raise anything
        turn.log(Level.ERROR, f"Failed to extract outputs with the error: {reason(error)}", node)
        state = State.FAILED
    finish(turn, node, state, outputs)


def _keep_outputs(turn: Turn, node: Node, event: ChildEnded) -> None:
    base = (node.run.outputs or {}).get(_BASE_URI)
    if event.outputs and event.iteration is not None:
        uri = f"{base}/{event.iteration}/outputs.ion"
        turn.files.append(OutputsFile(uri, event.outputs))


def _count(turn: Turn, node: Node, state: State, waited: str) -> None:
    """Move one child from the awaited count to that of its end; end the task run at the last."""
    outputs = node.run.outputs or {}
    before = outputs.get("iterations")
    counts: dict[str, int] = dict(before) if isinstance(before, dict) else {}
    if counts.get(waited, 0) <= 0:
        return
    counts[waited] -= 1
    counts[state.value] = counts.get(state.value, 0) + 1
    turn.put(node, replace(node.run, outputs={**outputs, "iterations": counts}))
    if counts[waited] == 0:
        finish(turn, node, _overall(_task(node), counts))


def _overall(task: ExecutableTask, counts: Mapping[str, int]) -> State:
    tally = Tally()
    for name, number in counts.items():
        if number and name not in ("CREATED", "RUNNING"):
            tally.add(task.state_of(State(name)))
    return tally.worst()


def _waiting(turn: Turn, task_run_id: str) -> Node | None:
    node = turn.live.nodes.get(task_run_id)
    if node is None or not node.state.is_running:
        return None
    return node if node.plan and isinstance(node.plan.task, ExecutableTask) else None


def _is_ours(node: Node, execution_id: str) -> bool:
    return (node.run.outputs or {}).get("executionId") == execution_id


def _task(node: Node) -> ExecutableTask:
    task = node.task
    assert isinstance(task, ExecutableTask)
    return task
