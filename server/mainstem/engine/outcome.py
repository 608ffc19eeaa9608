"""How a task run ends: allowances, failures of the engine itself, attempts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mainstem.engine.node import Node
from mainstem.engine.turn import Turn
from mainstem.model.execution import Attempt, TaskRun
from mainstem.model.log import Level
from mainstem.model.state import TASK_RUN_TRANSITIONS, History, Moment, State
from mainstem.sdk.task import Task


def allow(task: Task, state: State) -> State:
    """The state that `allowFailure` and `allowWarning` make of an end state."""
    if state is State.FAILED and task.allow_failure:
        state = State.WARNING
    if state is State.WARNING and task.allow_warning:
        state = State.SUCCESS
    return state


def open_attempt(run: TaskRun, at: datetime) -> TaskRun:
    """The task run with a further attempt that runs since `at`."""
    moments = (Moment(State.CREATED, at), Moment(State.RUNNING, at))
    attempt = Attempt(len(run.attempts) + 1, History(moments))
    return run.changed(run.history, (*run.attempts, attempt), run.outputs)


def close_attempt(run: TaskRun, state: State, at: datetime, log_file: str | None = None) -> TaskRun:
    """The task run with its last attempt ended; one that is over stays as it is."""
    if not run.attempts or run.attempts[-1].history.current.is_terminal:
        return run
    last = run.attempts[-1].to(state, at)
    if log_file is not None:
        last = replace(last, log_file=log_file)
    return run.changed(run.history, (*run.attempts[:-1], last), run.outputs)


def fail(turn: Turn, node: Node, message: str) -> None:
    """End a task run that the engine cannot carry on: one FAILED attempt and an ERROR line."""
    turn.log(Level.ERROR, message, node)
    run = node.run
    if not run.attempts or run.attempts[-1].history.current.is_terminal:
        run = open_attempt(run, turn.env.now)
    turn.put(node, close_attempt(run, State.FAILED, turn.env.now))
    turn.end(node, allow(node.task, State.FAILED))


def is_out_of_time(node: Node) -> bool:
    """Whether the rows say that this group, since it last began, ran too long."""
    if node.is_root or node.plan is None or not node.plan.is_timed or not node.run.attempts:
        return False
    last = node.run.attempts[-1].history.moments[-1]
    moments = node.run.history.moments
    over = any(moment.state.is_terminal and moment.at >= last.at for moment in moments)
    return last.state is State.FAILED and not over


def begin_attempt(run: TaskRun, at: datetime) -> TaskRun:
    """The task run RUNNING, with a further attempt."""
    moments = (Moment(State.CREATED, at), Moment(State.RUNNING, at))
    attempt = Attempt(len(run.attempts) + 1, History(moments))
    history = run.history.to(State.RUNNING, at=at, table=TASK_RUN_TRANSITIONS)
    return run.changed(history, (*run.attempts, attempt), run.outputs)


def with_outputs(
    present: Mapping[str, object] | None, given: Mapping[str, object] | None
) -> Mapping[str, object] | None:
    """Outputs of an attempt over those that the task run already shows."""
    if not present or given is None:
        return given if given is not None else present
    return {**present, **given}


def reason(error: Exception) -> str:
    """What an exception says, or its kind when it says nothing."""
    return str(error) or type(error).__name__
