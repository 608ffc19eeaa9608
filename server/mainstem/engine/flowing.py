"""The engine's side of a flowable: its context, its start and its lanes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from mainstem.engine.decision import EMPTY, OutputsFile, TimerKind
from mainstem.engine.node import Node
from mainstem.engine.outcome import fail, is_out_of_time, reason
from mainstem.engine.plan import Section
from mainstem.engine.turn import Step, Turn
from mainstem.expr import Scope, render, render_typed, render_value
from mainstem.model.execution import TaskRun
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.sdk.fields import Property
from mainstem.sdk.flowable import FlowableTask, Hold, Lane, Lanes
from mainstem.sdk.inputs import FlowOutput

T = TypeVar("T")


class TaskContext:
    """What a flowable or a task with children sees of its execution."""

    __slots__ = ("_node", "_scope", "_turn")

    def __init__(self, turn: Turn, node: Node) -> None:
        self._turn = turn
        self._node = node
        self._scope: Scope | None = None

    @property
    def scope(self) -> Scope:
        if self._scope is None:
            self._scope = self._turn.scope(self._node)
        return self._scope

    @property
    def outputs(self) -> Mapping[str, object]:
        return self._node.run.outputs or EMPTY

    @property
    def variables(self) -> Mapping[str, object]:
        return self.scope.variables

    @property
    def now(self) -> datetime:
        return self._turn.env.now

    @property
    def started_at(self) -> datetime:
        return self._node.run.history.started_at

    def render(self, text: str) -> str:
        return render(text, self.scope) if "{" in text else text

    def render_value(self, value: object, extra: Mapping[str, object] | None = None) -> object:
        scope = self.scope
        if extra:
            scope = replace(scope, variables={**dict(scope.variables), **extra})
        return render_value(value, scope)

    def property(self, prop: Property[T]) -> T:
        return prop.resolve(self.render_value)

    def read(self, uri: str) -> str:
        return self.scope.host.read(uri)

    def warn(self, message: str) -> None:
        self._turn.log(Level.WARN, message, self._node)

    def render_typed(self, value: object) -> object:
        return typed(value, self.scope)

    def coerce_outputs(
        self, declared: Sequence[FlowOutput], values: Mapping[str, object]
    ) -> Mapping[str, object]:
        return self._turn.env.coerce_outputs(declared, values)

    def children(self) -> Sequence[TaskRun]:
        listed = self._node.children.values()
        return [c.run for c in listed if c.section is Section.MAIN and not c.run.dynamic]

    def store(self, name: str, rows: Sequence[Mapping[str, object]]) -> str:
        base = self._turn.env.files_of(self._turn.live.execution, self._node.run)
        uri = f"{base}/{name}"
        self._turn.files.append(OutputsFile(uri, rows))
        return uri


def typed(value: object, scope: Scope) -> object:
    """Render a value so that a lone expression keeps its type."""
    if isinstance(value, str):
        return render_typed(value, scope) if "{" in value else value
    if isinstance(value, Mapping):
        return {str(typed(key, scope)): typed(item, scope) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [typed(item, scope) for item in value]
    return value


UNRESOLVED = "Unable to resolve state from the Flowable task: "


def flowable(node: Node) -> FlowableTask:
    """The task of a node that is known to be flowable."""
    task = node.task
    assert isinstance(task, FlowableTask)
    return task


def open_flowable(turn: Turn, node: Node) -> None:
    """Start a flowable: RUNNING, its first outputs, then its pause or its lanes."""
    turn.move(node, State.RUNNING)
    try:
        show_opening(turn, node)
        hold = flowable(node).hold(TaskContext(turn, node))
    except Exception as error:  # a plug-in's own code may raise anything
        fail(turn, node, UNRESOLVED + reason(error))
        return
    if hold is None:
        turn.queue.append((Step.LOOK, node))
    else:
        turn.move(node, State.PAUSED)
        _wake_later(turn, node, hold)
        if flowable(node).hold_tasks():
            turn.queue.append((Step.LOOK, node))


def show_opening(turn: Turn, node: Node) -> None:
    """Give the task run the outputs that it has from its start, once."""
    if node.run.outputs is None:
        outputs = flowable(node).opening(TaskContext(turn, node))
        if outputs is not None:
            turn.put(node, replace(node.run, outputs=outputs))


def rearm(turn: Turn, node: Node) -> None:
    """Set the timers of a waiting node again; they may have rung while nothing could start."""
    if node.run.id in turn.live.looping:
        turn.set_timer(TimerKind.LOOP, node, turn.env.now)
    elif node.state is State.RETRYING:
        turn.set_timer(TimerKind.RETRY, node, turn.env.now)
    elif node.state is State.PAUSED:
        try:
            hold = flowable(node).hold(TaskContext(turn, node))
        except Exception as error:  # a plug-in's own code may raise anything
            fail(turn, node, UNRESOLVED + reason(error))
            return
        if hold is not None:
            _wake_later(turn, node, hold)


def _wake_later(turn: Turn, node: Node, hold: Hold) -> None:
    since = node.run.history.moments[-1].at
    if hold.delay is not None:
        turn.set_timer(TimerKind.PAUSE_DELAY, node, since + max(hold.delay, timedelta(0)))
    elif hold.timeout is not None:
        turn.set_timer(TimerKind.PAUSE_TIMEOUT, node, since + max(hold.timeout, timedelta(0)))


def lanes_of(turn: Turn, parent: Node) -> Lanes:
    """The lanes of a parent's ordinary tasks; raises what the flowable raises."""
    if parent.is_root:
        return Lanes([Lane(turn.live.flow.tasks)], 1)
    show_opening(turn, parent)
    return flowable(parent).lanes(TaskContext(turn, parent))


def watch_time(turn: Turn, node: Node) -> bool:
    """Set the timer of a node that runs; False when its limit cannot be told, which fails it."""
    if node.plan is None or not node.plan.is_timed or turn.live.workspace is not None:
        return True
    if node.state is not State.RUNNING or is_out_of_time(node):
        return True
    limit = node.task.timeout
    assert limit is not None
    try:
        since = node.run.history.moments[-1].at
        turn.set_timer(TimerKind.TIMEOUT, node, since + TaskContext(turn, node).property(limit))
    except Exception as error:  # hosts of expressions may raise anything
        fail(turn, node, reason(error))
        return False
    return True
