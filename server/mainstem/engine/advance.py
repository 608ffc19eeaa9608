"""advance(live, event, env) -> Decision: the heart.

An event is applied to the rows it names. That may end task runs; an ended task run settles into
its parent, which may make further task runs, which are started, which may end at once (a skipped
task, an If without branches) and settle in turn. This goes on, breadth first, until nothing is
left to do, so that every committed Decision leaves the execution waiting for the world alone.

The state of the execution while it is under way follows from its task runs: RUNNING while any of
them works, else RETRYING while a retry waits, else PAUSED while a pause or a loop waits.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mainstem.engine import children, control, finish, restart
from mainstem.engine.decision import (
    NOTHING,
    Begin,
    ChangeExecutionState,
    ChangeTaskRunState,
    ChildCreated,
    ChildEnded,
    ChildRefused,
    Decision,
    DynamicRun,
    Enqueued,
    Event,
    Finished,
    ForceRun,
    KillRequested,
    Lost,
    PauseRequested,
    Rejected,
    ReplayRequested,
    RestartRequested,
    ResumeRequested,
    SetLabels,
    Started,
    TimerRang,
    Unqueued,
    WorkspaceRuns,
)
from mainstem.engine.ending import end_execution
from mainstem.engine.environment import Environment
from mainstem.engine.live import LiveExecution
from mainstem.engine.sla import check_assertions, watch
from mainstem.engine.start import start
from mainstem.engine.tree import look, settle
from mainstem.engine.turn import Step, Turn
from mainstem.errors import InvalidInput
from mainstem.model.log import Level
from mainstem.model.state import State


def advance(live: LiveExecution, event: Event, env: Environment) -> Decision:
    """Move the index by one event and return what must be written and done.

    Raises Conflict, InvalidInput or NotFound for a user's request that does not fit; the index
    is unchanged then. Repeated and late events of workers and timers give an empty Decision.
    """
    turn = Turn(live, env)
    _HANDLERS[type(event)](turn, event)
    _work_off(turn)
    if live.workspace is None and live.execution.state in _UNDER_WAY:
        if live.flow.sla and (turn.touched or live.execution is not turn.before):
            check_assertions(turn)
            _work_off(turn)
        if live.execution.state in _UNDER_WAY:
            _show_progress(turn)
    return turn.decision() if turn.has_news else NOTHING


def _work_off(turn: Turn) -> None:
    queue = turn.queue
    while queue:
        step, node = queue.popleft()
        if step is Step.START:
            start(turn, node)
        elif step is Step.SETTLE:
            settle(turn, node)
        else:
            look(turn, node)


_UNDER_WAY: Final = frozenset({State.RUNNING, State.PAUSED, State.RETRYING})


def _show_progress(turn: Turn) -> None:
    live = turn.live
    running, waiting, retrying, _ = live.counts
    if live.held or turn.begin or running:
        wanted = State.PAUSED if live.held else State.RUNNING
    elif retrying:
        wanted = State.RETRYING
    elif waiting or live.looping:
        wanted = State.PAUSED
    else:
        return
    if live.execution.state is not wanted:
        turn.state(wanted)


def begin(turn: Turn, _: Begin) -> None:
    """Start a CREATED execution, or go on with one that was restarted, resumed or forced."""
    live = turn.live
    if live.workspace is not None:
        turn.queue.append((Step.LOOK, live.nodes[live.workspace]))
        return
    state = live.execution.state
    if state.is_terminal or state is State.KILLING:
        return
    fresh = not live.nodes
    if state is State.RUNNING and not fresh:
        return
    if state is not State.RUNNING:
        turn.state(State.RUNNING)
    live.release()
    if fresh:
        watch(turn)
        check_assertions(turn)
        if not live.execution.state.is_terminal:
            turn.queue.append((Step.LOOK, live.root))
    else:
        restart.go_on(turn)


def enqueued(turn: Turn, event: Enqueued) -> None:
    """Wait in the flow's queue."""
    if turn.live.execution.state is State.CREATED:
        turn.state(State.QUEUED)
        turn.log(
            Level.INFO,
            f"Flow is queued due to concurrency limit exceeded, {event.running} running(s)",
        )


def rejected(turn: Turn, event: Rejected) -> None:
    """End without having run."""
    if turn.live.execution.state is State.CREATED:
        verb = "FAILED" if event.state is State.FAILED else "CANCELLED"
        level = Level.ERROR if event.state is State.FAILED else Level.INFO
        turn.log(level, f"Flow is {verb} due to concurrency limit exceeded")
        end_execution(turn, event.state)


def unqueued(turn: Turn, event: Unqueued) -> None:
    """Leave the flow's queue."""
    state = turn.live.execution.state
    if state is not State.QUEUED:
        raise InvalidInput(f"The execution is {state}, only a QUEUED one can be unqueued")
    if event.state is State.RUNNING:
        turn.state(State.RUNNING)
        turn.begin = True
    elif event.state.is_terminal:
        end_execution(turn, event.state)
    else:
        turn.state(event.state)


_HANDLERS: Final[Mapping[type, Callable[[Turn, Any], None]]] = {
    Begin: begin,
    Enqueued: enqueued,
    Rejected: rejected,
    Unqueued: unqueued,
    Started: finish.started,
    Finished: finish.finished,
    Lost: finish.lost,
    DynamicRun: finish.dynamic_run,
    WorkspaceRuns: finish.workspace_runs,
    ChildCreated: children.child_created,
    ChildRefused: children.child_refused,
    ChildEnded: children.child_ended,
    TimerRang: control.timer_rang,
    KillRequested: control.kill,
    PauseRequested: control.pause,
    ResumeRequested: control.resume,
    ForceRun: control.force_run,
    SetLabels: control.set_labels,
    RestartRequested: restart.restart,
    ReplayRequested: restart.replay,
    ChangeTaskRunState: restart.change_task_run,
    ChangeExecutionState: restart.change_execution,
}
