"""What users and clocks do to a running execution: kill, pause, resume, force, timers."""

from collections.abc import Mapping
from dataclasses import replace

from mainstem.engine.decision import (
    ForceRun,
    KillRequested,
    PauseRequested,
    ResumeRequested,
    SetLabels,
    TimerKind,
    TimerRang,
)
from mainstem.engine.ending import stop
from mainstem.engine.flowing import flowable
from mainstem.engine.node import Node
from mainstem.engine.outcome import allow
from mainstem.engine.plan import Kind
from mainstem.engine.retry import retry_now
from mainstem.engine.sla import duration_passed
from mainstem.engine.timeout import time_passed
from mainstem.engine.turn import Step, Turn
from mainstem.errors import Conflict, InvalidInput
from mainstem.model.execution import SYSTEM_LABEL
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.sdk.flowable import ExecutableTask


def kill(turn: Turn, event: KillRequested) -> None:
    """KILLING, and KILLED as soon as every worker and child has let go."""
    live = turn.live
    state = live.execution.state
    if state.is_terminal or state is State.KILLING:
        return
    live.release()
    turn.state(State.KILLING)
    turn.queue.clear()
    for node in list(live.nodes.values()):
        _kill_node(turn, node)
    if event.cascade:
        _reach_detached(turn)
    else:
        _leave_children(turn)
    turn.queue.append((Step.LOOK, live.root))


def _kill_node(turn: Turn, node: Node) -> None:
    state, plan = node.state, node.plan
    if state.is_terminal or state is State.KILLING or node.run.dynamic or plan is None:
        return
    above = node.parent
    if above is not None and above.plan is not None and above.plan.kind is Kind.WORKSPACE:
        return
    waits = state in (State.PAUSED, State.RETRYING) and not _open_children(node)
    if state.is_created or waits or _is_detached(node):
        stop(turn, node, State.KILLED)
        turn.queue.append((Step.SETTLE, node))
        return
    turn.drop_timers(node)
    turn.live.looping.discard(node.run.id)
    turn.move(node, State.KILLING)
    if plan.kind is Kind.FLOW:
        turn.queue.append((Step.LOOK, node))
    elif plan.kind is Kind.CHILDREN:
        turn.kill_children.append(node.run.id)
    else:
        turn.cancel.append(node.run.id)


def _open_children(node: Node) -> list[Node]:
    return [child for child in node.children.values() if not child.state.is_terminal]


def _reach_detached(turn: Turn) -> None:
    """Kill the subflows too that nobody waits for, whose task runs ended long ago."""
    turn.kill_children.extend(
        node.run.id
        for node in turn.live.nodes.values()
        if node.state is State.SUCCESS and _is_detached(node)
    )


def _leave_children(turn: Turn) -> None:
    """End the task runs of subflows here and now, and let those go on."""
    turn.kill_children.clear()
    for node in list(turn.live.nodes.values()):
        if node.plan is None or node.plan.kind is not Kind.CHILDREN:
            continue
        if node.state is State.KILLING:
            turn.move(node, State.KILLED)
            turn.queue.append((Step.SETTLE, node))


def _is_detached(node: Node) -> bool:
    """Whether nothing will tell how the children of this task run end."""
    task = node.task
    return isinstance(task, ExecutableTask) and not task.wait


def pause(turn: Turn, _: PauseRequested) -> None:
    """Hold the whole execution; raises InvalidInput when it does not run."""
    live = turn.live
    if live.execution.state is not State.RUNNING:
        raise InvalidInput(f"The execution is {live.execution.state}, only a RUNNING one can pause")
    turn.state(State.PAUSED)
    live.hold()


def resume(turn: Turn, event: ResumeRequested) -> None:
    """End a pause; what follows runs with the next Begin. Raises Conflict when none is."""
    live = turn.live
    if event.task_run_id is not None:
        paused = [live.node(event.task_run_id)]
    else:
        paused = [node for node in live.nodes.values() if node.state is State.PAUSED][:1]
    if any(node.state is not State.PAUSED for node in paused):
        raise Conflict("The task run is not paused")
    if not paused and live.execution.state is not State.PAUSED:
        raise Conflict("The execution is not paused")
    for node in paused:
        _unpause(turn, node, event.to, event.inputs)
    live.release()
    if live.execution.state.is_terminal:
        turn.queue.extend((Step.LOOK, node) for node in paused)
    elif live.execution.state is not State.KILLING:
        turn.state(State.RESTARTED)
        turn.begin = True


def _unpause(turn: Turn, node: Node, to: State, inputs: Mapping[str, object]) -> None:
    turn.drop_timers(node)
    run = node.run
    if inputs:
        run = replace(run, outputs={**(run.outputs or {}), "onResume": inputs})
    turn.put(node, run.to(to, turn.env.now))
    if to.is_terminal:
        turn.queue.append((Step.SETTLE, node))


def timer_rang(turn: Turn, event: TimerRang) -> None:
    """A timer is due; one that no longer fits the state is ignored."""
    if event.kind is TimerKind.SLA:
        duration_passed(turn, event.subject)
        return
    node = turn.live.nodes.get(event.task_run_id or "")
    if node is None or turn.live.execution.state is State.KILLING:
        return
    if turn.live.held and event.kind is not TimerKind.TIMEOUT:
        return
    _RINGS[event.kind](turn, node)


def _delay_over(turn: Turn, node: Node) -> None:
    """The time of a pause ran out: go on, or end as its behavior says."""
    if node.state is not State.PAUSED:
        return
    behavior = flowable(node).hold_ends_as()
    if behavior is State.RUNNING:
        turn.move(node, State.RUNNING)
        turn.queue.append((Step.LOOK, node))
    else:
        _end_pause(turn, node, behavior)


def _pause_timed_out(turn: Turn, node: Node) -> None:
    if node.state is State.PAUSED:
        turn.log(Level.ERROR, "Timeout: the pause was not resumed in time", node)
        _end_pause(turn, node, State.FAILED)


def _end_pause(turn: Turn, node: Node, state: State) -> None:
    for child in _open_children(node):
        stop(turn, child, State.KILLED)
    turn.end(node, allow(node.task, state))


def _next_pass(turn: Turn, node: Node) -> None:
    live = turn.live
    if node.run.id not in live.looping:
        return
    live.looping.discard(node.run.id)
    for child in list(node.children.values()):
        turn.remove(child)
    node.branch = None
    turn.queue.append((Step.LOOK, node))


_RINGS = {
    TimerKind.RETRY: retry_now,
    TimerKind.PAUSE_DELAY: _delay_over,
    TimerKind.PAUSE_TIMEOUT: _pause_timed_out,
    TimerKind.LOOP: _next_pass,
    TimerKind.TIMEOUT: time_passed,
}


def force_run(turn: Turn, _: ForceRun) -> None:
    """Run an execution that waits; raises InvalidInput when it has ended."""
    live = turn.live
    state = live.execution.state
    if state.is_terminal:
        raise InvalidInput(f"The execution is {state} and cannot be forced to run")
    if live.execution.schedule_at is not None:
        live.execution = replace(live.execution, schedule_at=None)
    if state is State.PAUSED:
        for node in [node for node in live.nodes.values() if node.state is State.PAUSED]:
            _unpause(turn, node, State.RUNNING, {})
    live.release()
    if state is not State.RUNNING:
        turn.state(State.RESTARTED if state is State.PAUSED else State.RUNNING)
    turn.begin = True


def set_labels(turn: Turn, event: SetLabels) -> None:
    """Add or overwrite labels; raises InvalidInput for empty and reserved ones."""
    live = turn.live
    for key, value in event.labels.items():
        if not key or not value:
            raise InvalidInput("A label needs a key and a value")
        if key.startswith(SYSTEM_LABEL):
            raise InvalidInput(f"Labels below `{SYSTEM_LABEL}` are reserved, `{key}` is refused")
    live.labels = None
    live.execution = replace(live.execution, labels={**live.execution.labels, **event.labels})
