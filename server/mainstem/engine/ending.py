"""The end of an execution: its outputs, and what may run after it."""

from collections.abc import Sequence
from dataclasses import replace

from mainstem.engine.flowing import typed
from mainstem.engine.node import Branch, Node
from mainstem.engine.outcome import reason
from mainstem.engine.plan import Kind, Section
from mainstem.engine.turn import Step, Turn, sla_keys
from mainstem.expr import render
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.sdk.condition import ConditionContext
from mainstem.sdk.flow import Listener
from mainstem.sdk.flowable import Lane, Lanes

_ABORTED = frozenset({State.CANCELLED, State.RETRIED, State.KILLED})


def end_execution(turn: Turn, state: State) -> None:
    """Enter a terminal state, render the flow's outputs, then take up what runs afterwards."""
    live = turn.live
    if live.flow.outputs and live.nodes and state not in _ABORTED:
        state = _give_outputs(turn, state)
    turn.state(state)
    turn.ended = True
    turn.dropped.extend(sla_keys(live.flow, live.execution))
    live.release()
    branch = live.root.branch or Branch()
    live.root.branch = branch
    branch.enter(Section.AFTER, Lanes(_afterwards(turn), 1))
    if branch.ready:
        turn.queue.append((Step.LOOK, live.root))
    else:
        turn.closed = True


def _give_outputs(turn: Turn, state: State) -> State:
    live = turn.live
    declared = live.flow.outputs
    try:
        scope = turn.scope(None)
        rendered = {item.id: typed(item.value, scope) for item in declared}
        outputs = turn.env.coerce_outputs(declared, rendered)
    except Exception as error:  # coercion is given from outside
        turn.log(Level.ERROR, f"Failed to render output values: {reason(error)}")
        return State.FAILED
    live.execution = replace(live.execution, outputs=outputs)
    return state


def _afterwards(turn: Turn) -> Sequence[Lane]:
    flow = turn.live.flow
    lanes = [Lane(item.tasks) for item in flow.listeners if _listens(turn, item)]
    if flow.after_execution:
        lanes.append(Lane(flow.after_execution))
    return lanes


def _listens(turn: Turn, listener: Listener) -> bool:
    if not listener.conditions:
        return True
    scope = turn.scope(None)
    context = ConditionContext(
        flow=turn.live.flow.flow_id,
        now=turn.env.now,
        render=lambda text: render(text, scope),
        execution=turn.live.execution,
        variables=scope.variables,
    )
    try:
        return all(condition.test(context) for condition in listener.conditions)
    except Exception as error:  # conditions are plug-ins
        turn.log(Level.ERROR, f"A listener's condition cannot be evaluated: {reason(error)}")
        return False


def abort(turn: Turn, state: State) -> None:
    """End the execution in `state` at once: what is open is KILLED and taken from its workers."""
    for node in list(turn.live.nodes.values()):
        if not node.state.is_terminal:
            stop(turn, node, State.KILLED)
    turn.queue.clear()
    _withdraw(turn)
    end_execution(turn, state)


def _withdraw(turn: Turn) -> None:
    """Hand out nothing of what this turn was about to begin and has ended since."""
    unborn = {item.task_run.id for item in turn.submit}
    turn.submit.clear()
    turn.cancel = [run_id for run_id in turn.cancel if run_id not in unborn]
    turn.children.clear()


def stop(turn: Turn, node: Node, state: State) -> None:
    """End one open task run at once, wherever its work goes on."""
    plan = node.plan
    if plan is not None and plan.kind in (Kind.RUN, Kind.WORKSPACE):
        turn.cancel.append(node.run.id)
    elif plan is not None and plan.kind is Kind.CHILDREN:
        turn.kill_children.append(node.run.id)
    turn.drop_timers(node)
    turn.drop_timeout(node)
    turn.live.looping.discard(node.run.id)
    attempts = node.run.attempts
    run = node.run
    if attempts and not attempts[-1].history.current.is_terminal:
        run = replace(run, attempts=(*attempts[:-1], attempts[-1].to(state, turn.env.now)))
    turn.put(node, run.to(state, turn.env.now))
