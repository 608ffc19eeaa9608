"""One call of `advance` while it runs: the index it moves and the Decision it gathers."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum

from mainstem.engine.decision import (
    Decision,
    NewExecution,
    OutputsFile,
    SubflowRequest,
    Submit,
    Timer,
    TimerKind,
)
from mainstem.engine.environment import Environment
from mainstem.engine.live import LiveExecution
from mainstem.engine.node import Node
from mainstem.expr import Scope
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.log import Level, LogLine
from mainstem.model.state import History, State
from mainstem.sdk.flow import Flow
from mainstem.sdk.task import Task


class Step(IntEnum):
    """What is still to do for a node within this call."""

    START = 0  # a created task run is to be handed on
    SETTLE = 1  # a task run ended; its parent may go on
    LOOK = 2  # see what a parent should do next, whatever changed


def sla_keys(flow: Flow, execution: Execution) -> list[str]:
    """The keys of the timers that watch the promises of a flow, in their order."""
    return [f"{TimerKind.SLA}:{execution.id}:{number}" for number in range(len(flow.sla))]


class Turn:
    """Collects the delta. Every change of a row goes through `put`, `move` or `replace`."""

    __slots__ = (
        "before", "begin", "cancel", "children", "closed", "dropped", "ended", "env", "files",
        "kill_children", "live", "logs", "new", "queue", "removed", "submit", "timers", "touched",
    )  # fmt: skip

    def __init__(self, live: LiveExecution, env: Environment) -> None:
        self.live = live
        self.env = env
        self.before = live.execution
        self.touched: dict[str, Node] = {}
        self.queue: deque[tuple[Step, Node]] = deque()
        self.removed: list[str] = []
        self.submit: list[Submit] = []
        self.cancel: list[str] = []
        self.timers: list[Timer] = []
        self.dropped: list[str] = []
        self.children: list[SubflowRequest] = []
        self.kill_children: list[str] = []
        self.files: list[OutputsFile] = []
        self.logs: list[LogLine] = []
        self.new: list[NewExecution] = []
        self.begin = False
        self.ended = False
        self.closed = False

    def create(self, parent: Node, task: Task, value: str | None, iteration: int | None) -> Node:
        """Add a CREATED task run under a parent and plan its start."""
        live = self.live
        run = TaskRun(
            id=self.env.ids(),
            execution_id=live.execution.id,
            task_id=task.id,
            history=History.begin(self.env.now),
            position=live.positions,
            parent_id=parent.run.id if not parent.is_root else None,
            value=value,
            iteration=iteration,
        )
        node = live.add(run)
        self.touched[run.id] = node
        self.queue.append((Step.START, node))
        return node

    def put(self, node: Node, run: TaskRun) -> None:
        """Replace the row of a node."""
        if run is not node.run:
            self.live.update(node, run)
            self.touched[run.id] = node

    def move(self, node: Node, state: State) -> None:
        """Enter a state now; raises InvalidTransition where the table forbids it."""
        self.put(node, node.run.to(state, self.env.now))

    def end(self, node: Node, state: State, outputs: Mapping[str, object] | None = None) -> None:
        """Enter a terminal state and let the parent know."""
        run = node.run
        if outputs is not None:
            run = run.changed(run.history, run.attempts, outputs)
        self.put(node, run.to(state, self.env.now))
        self.drop_timeout(node)
        self.queue.append((Step.SETTLE, node))

    def state(self, state: State) -> None:
        """Move the execution; the index of a worker has none to move."""
        live = self.live
        if live.workspace is None:
            live.execution = live.execution.to(state, self.env.now)

    def log(self, level: Level, message: str, node: Node | None = None) -> None:
        run = node.run if node is not None else None
        self.logs.append(
            LogLine(
                at=self.env.now,
                level=level,
                message=message,
                execution_id=self.live.execution.id,
                task_run_id=run.id if run else None,
                task_id=run.task_id if run else None,
                attempt=len(run.attempts) if run and run.attempts else None,
            )
        )

    def scope(self, node: Node | None) -> Scope:
        """What an expression of this node (or of the execution) can reach."""
        live, env = self.live, self.env
        variables = live.variables_for(node.run.id if node is not None else None)
        host = env.host_of(live.execution, node.run if node is not None else None)
        return Scope(variables, host, env.options)

    def remove(self, node: Node) -> None:
        """Delete a task run and everything below it."""
        for gone in self.live.remove(node):
            created_now = self.touched.pop(gone, None) is not None and gone not in self.removed
            if created_now:
                self.submit = [item for item in self.submit if item.task_run.id != gone]
            self.removed.append(gone)

    def set_timer(self, kind: TimerKind, node: Node, after: datetime) -> None:
        run_id = node.run.id
        self.timers.append(Timer(f"{kind}:{run_id}", after, kind, run_id))

    def drop_timers(self, node: Node) -> None:
        """Drop the timers that the present state of a node may have set."""
        run_id = node.run.id
        if node.state is State.RETRYING:
            self.dropped.append(f"{TimerKind.RETRY}:{run_id}")
        elif node.state is State.PAUSED:
            self.dropped.append(f"{TimerKind.PAUSE_DELAY}:{run_id}")
            self.dropped.append(f"{TimerKind.PAUSE_TIMEOUT}:{run_id}")
        elif run_id in self.live.looping:
            self.dropped.append(f"{TimerKind.LOOP}:{run_id}")

    def drop_timeout(self, node: Node) -> None:
        """Drop the timer over a group or a subflow that has ended."""
        if node.plan is not None and node.plan.is_timed:
            self.dropped.append(f"{TimerKind.TIMEOUT}:{node.run.id}")

    @property
    def has_news(self) -> bool:
        """Whether there is anything to write or to do."""
        return bool(
            self.touched
            or self.live.execution is not self.before
            or self.removed
            or self.timers
            or self.dropped
            or self.logs
            or self.new
            or self.files
            or self.cancel
            or self.kill_children
            or self.begin
            or self.closed
        )

    def decision(self) -> Decision:
        """The delta gathered so far."""
        live = self.live
        changed = live.execution is not self.before and live.workspace is None
        return Decision(
            execution=live.execution if changed else None,
            task_runs=tuple(node.run for node in self.touched.values()),
            removed=tuple(self.removed) if self.removed else (),
            submit=tuple(self.submit) if self.submit else (),
            cancel=tuple(self.cancel) if self.cancel else (),
            timers=tuple(self.timers) if self.timers else (),
            dropped_timers=tuple(self.dropped) if self.dropped else (),
            children=tuple(self.children) if self.children else (),
            kill_children_of=tuple(self.kill_children) if self.kill_children else (),
            files=tuple(self.files) if self.files else (),
            logs=tuple(self.logs) if self.logs else (),
            new_executions=tuple(self.new) if self.new else (),
            begin=self.begin,
            ended=self.ended,
            closed=self.closed,
        )
