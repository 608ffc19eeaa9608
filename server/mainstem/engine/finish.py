"""The end of an attempt: retry it, or end its task run with what the flow allows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mainstem.engine.decision import (
    DynamicRun,
    Finished,
    Lost,
    Started,
    WorkspaceRuns,
)
from mainstem.engine.ending import abort, stop
from mainstem.engine.flowing import watch_time
from mainstem.engine.node import Node
from mainstem.engine.outcome import allow, begin_attempt, close_attempt, with_outputs
from mainstem.engine.plan import Kind
from mainstem.engine.retry import retry_later, tries
from mainstem.engine.turn import Step, Turn
from mainstem.model.execution import TaskRun
from mainstem.model.log import Level
from mainstem.model.state import History, State


def started(turn: Turn, event: Started) -> None:
    """A worker took up the attempt that was submitted last."""
    node = turn.live.nodes.get(event.task_run_id)
    if node is not None and node.state.is_created and _is_next(node, event.attempt):
        turn.put(node, begin_attempt(node.run, event.at))
        watch_time(turn, node)


def finished(turn: Turn, event: Finished) -> None:
    """The result of an attempt; one that is not awaited is refused."""
    node = turn.live.nodes.get(event.task_run_id)
    if node is None:
        return
    if node.state.is_created and _is_next(node, event.attempt):
        begun = event.started_at or event.at
        turn.put(node, begin_attempt(node.run, begun))
    elif not (node.state.is_running and event.attempt == len(node.run.attempts)):
        return
    _change_execution(turn, event)
    finish(turn, node, event.state, event.outputs, event.at, event.log_file)
    if event.end_execution is not None:
        _end_early(turn, event.end_execution)


def _is_next(node: Node, attempt: int) -> bool:
    return attempt == len(node.run.attempts) + 1


def _change_execution(turn: Turn, event: Finished) -> None:
    live = turn.live
    if event.labels:
        live.labels = None
        live.execution = replace(live.execution, labels={**live.execution.labels, **event.labels})
    if event.variables or event.removed_variables:
        kept = {**live.execution.variables, **event.variables}
        for name in event.removed_variables:
            kept.pop(name, None)
        live.execution = replace(live.execution, variables=kept)


def _end_early(turn: Turn, state: State) -> None:
    live = turn.live
    if live.workspace is not None:
        turn.queue.clear()
        live.verdict = State.SUCCESS
        return
    execution = live.execution
    if not execution.state.is_terminal and execution.state is not State.KILLING:
        abort(turn, state)


def finish(
    turn: Turn,
    node: Node,
    state: State,
    outputs: Mapping[str, object] | None = None,
    at: datetime | None = None,
    log_file: str | None = None,
) -> None:
    """End the running attempt of a node in `state`, and the task run unless it is retried."""
    turn.drop_timeout(node)
    ended_at = at or turn.env.now
    run = close_attempt(node.run, state, ended_at, log_file)
    if outputs is not None:
        run = run.changed(run.history, run.attempts, with_outputs(run.outputs, outputs))
    if node.state is State.KILLING:
        state = State.KILLED if state is State.FAILED else state
    elif state is State.FAILED and retry_later(turn, node, run):
        return
    if node.plan is not None and node.plan.kind is Kind.WORKSPACE:
        for child in node.children.values():
            if not child.state.is_terminal:
                stop(turn, child, State.KILLED)
    policy = node.plan.retry if node.plan else None
    if state is State.SUCCESS and policy and policy.warning_on_retry and tries(run) > 1:
        state = State.WARNING
    turn.put(node, run.to(allow(node.task, state), ended_at))
    turn.queue.append((Step.SETTLE, node))


def lost(turn: Turn, event: Lost) -> None:
    """The worker died: make the attempt again, but not for ever."""
    node = turn.live.nodes.get(event.task_run_id)
    if node is None or node.state.is_terminal:
        return
    if node.state.is_created and _is_next(node, event.attempt):
        turn.put(node, begin_attempt(node.run, event.at))
    elif not (node.state.is_running and event.attempt == len(node.run.attempts)):
        return
    if node.state is State.KILLING:
        finish(turn, node, State.KILLED)
        return
    run = close_attempt(node.run, State.KILLED, turn.env.now)
    turn.put(node, run)
    gone = sum(1 for attempt in run.attempts if attempt.history.current is State.KILLED)
    if gone > turn.env.lost_attempts:
        turn.log(Level.ERROR, f"The worker was lost {gone} times; giving up on this task", node)
        finish(turn, node, State.FAILED)
        return
    turn.log(Level.WARN, "The worker of this attempt was lost; trying again", node)
    if node.plan is not None and node.plan.kind is Kind.WORKSPACE:
        for child in list(node.children.values()):
            turn.remove(child)
    turn.put(node, node.run.to(State.CREATED, turn.env.now))
    turn.queue.append((Step.START, node))


def dynamic_run(turn: Turn, event: DynamicRun) -> None:
    """A run of a task's own making begins or ends."""
    live = turn.live
    node = live.nodes.get(event.id)
    if node is None:
        if event.task_run_id not in live.nodes:
            return
        begun = History.begin(event.at)
        run = TaskRun(
            id=event.id,
            execution_id=live.execution.id,
            task_id=event.task_id,
            history=begun,
            position=live.positions,
            parent_id=event.task_run_id,
            dynamic=True,
        )
        node = live.add(run)
        turn.touched[run.id] = node
        turn.put(node, begin_attempt(run, event.at))
    if node.state.is_terminal or event.state is State.RUNNING:
        return
    run = close_attempt(node.run, event.state, event.at)
    if event.outputs is not None:
        run = replace(run, outputs=event.outputs)
    turn.put(node, run.to(event.state, event.at))


def workspace_runs(turn: Turn, event: WorkspaceRuns) -> None:
    """Take over the task runs that a worker drives inside a WorkingDirectory."""
    live = turn.live
    parent = live.nodes.get(event.task_run_id)
    if parent is None or parent.state.is_terminal:
        return
    for run in event.task_runs:
        node = live.nodes.get(run.id)
        if node is not None:
            turn.put(node, replace(run, position=node.run.position))
        elif run.parent_id in live.nodes:
            added = live.add(replace(run, position=live.positions))
            turn.touched[run.id] = added
