"""LiveExecution: one execution's rows, indexed so that an event costs O(1).

The index can be thrown away at any moment: `load` rebuilds it from the rows, and the cursor of a
parent is rebuilt from its children when it is first needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from mainstem.engine.environment import Constants
from mainstem.engine.node import Node
from mainstem.engine.plan import Kind, Plan, plan_of
from mainstem.engine.variables import Variables
from mainstem.errors import NotFound
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.retry import RetryBehavior
from mainstem.model.state import State
from mainstem.sdk.flow import Flow
from mainstem.sdk.flowable import FlowableTask

HELD: Final = "system.held"
_RUNNING, _WAITING, _RETRYING, _DONE = 0, 1, 2, 3
_ELSEWHERE = RetryBehavior.CREATE_NEW_EXECUTION
_ENDED = frozenset(
    {
        State.SUCCESS,
        State.WARNING,
        State.FAILED,
        State.KILLED,
        State.CANCELLED,
        State.RETRIED,
        State.SKIPPED,
    }
)


class LiveExecution:
    """One execution in memory; owned and changed by one executor at a time."""

    __slots__ = (
        "_tasks", "constants", "counts", "execution", "flow", "inputs", "labels", "looping",
        "nodes", "outputs", "plan", "positions", "root", "verdict", "workspace",
    )  # fmt: skip

    def __init__(self, flow: Flow, execution: Execution, constants: Constants) -> None:
        self.flow: Flow = flow
        self.plan: Plan = plan_of(flow)
        self.execution = execution
        self.constants: Constants = constants
        self.nodes: dict[str, Node] = {}
        self.root = Node(None, None, None)
        self.outputs: dict[str, object] = {}
        self._tasks: dict[str, object] | None = None
        self.counts = [0, 0, 0, 0]
        self.looping: set[str] = set()
        self.positions = 0
        self.workspace: str | None = None
        self.verdict: State | None = None
        self.inputs: Mapping[str, object] | None = None
        self.labels: Mapping[str, object] | None = None

    @staticmethod
    def load(
        flow: Flow,
        execution: Execution,
        task_runs: Iterable[TaskRun] = (),
        *,
        constants: Constants | None = None,
        workspace: str | None = None,
    ) -> "LiveExecution":
        """Index the rows, task runs in order of `position`.

        With `workspace`, the id of a WorkingDirectory's task run, this is the worker's own copy:
        it drives the children of that task run and nothing else.
        """
        live = LiveExecution(flow, execution, constants or Constants())
        live.workspace = workspace
        for run in task_runs:
            live.add(run)
        live.looping.update(node.run.id for node in live.nodes.values() if _is_looping(node))
        return live

    @property
    def held(self) -> bool:
        """Whether a user paused the whole execution: nothing new may start."""
        return HELD in self.execution.variables

    def hold(self) -> None:
        """Mark the execution as held; the mark lies in its row, out of reach of expressions."""
        kept = {**self.execution.variables, HELD: True}
        self.execution = replace(self.execution, variables=kept)

    def release(self) -> None:
        """Take the mark away."""
        if self.held:
            kept = {key: value for key, value in self.execution.variables.items() if key != HELD}
            self.execution = replace(self.execution, variables=kept)

    @property
    def task_runs(self) -> Iterator[TaskRun]:
        """Every task run, in order of creation."""
        return (node.run for node in self.nodes.values())

    @property
    def tasks(self) -> Mapping[str, object]:
        """The `tasks` variable: states by task id and loop values."""
        if self._tasks is None:
            self._tasks = self.states()
        return self._tasks

    def states(self) -> dict[str, object]:
        """The `tasks` variable as it is now, in maps of its own."""
        found: dict[str, object] = {}
        for node in list(self.nodes.values()):
            _place(found, node, {"state": node.state.value})
        return found

    @property
    def is_idle(self) -> bool:
        """Whether nothing of this execution runs, waits or is submitted."""
        return not (self.counts[_RUNNING] or self.counts[_WAITING] or self.counts[_RETRYING])

    def node(self, task_run_id: str) -> Node:
        """The node of a task run; raises NotFound."""
        found = self.nodes.get(task_run_id)
        if found is None:
            raise NotFound(f"No task found for the task run `{task_run_id}` in this execution")
        return found

    def variables_for(self, task_run_id: str | None = None, *, detached: bool = False) -> Variables:
        """The root variables that expressions see, for a task run or for the execution.

        The mapping is lazy and reads the index. A worker in another thread asks for a `detached`
        one: reading it leaves the index alone, whatever the executor does meanwhile.
        """
        node = self.node(task_run_id) if task_run_id is not None else None
        return Variables(self, node, detached=detached)

    def add(self, run: TaskRun) -> Node:
        """Index a new task run."""
        parent = self.root if run.parent_id is None else self.nodes.get(run.parent_id, self.root)
        plan = None if run.dynamic else self.plan.tasks.get(run.task_id)
        node = Node(run, plan, parent)
        siblings = (parent.plan.sections if parent.plan else {}) if not parent.is_root else None
        sections = self.plan.root_sections if siblings is None else siblings
        if sections:
            node.section = sections.get(run.task_id, node.section)
        self.nodes[run.id] = node
        parent.children[run.id] = node
        if run.position >= self.positions:
            self.positions = run.position + 1
        self._count(node)
        if run.outputs is not None:
            self._show_outputs(node)
        if self._tasks is not None:
            self._show_state(node)
        return node

    def update(self, node: Node, run: TaskRun) -> None:
        """Replace the row of a node and whatever shows it."""
        before = node.run
        node.run = run
        if run.history is not before.history:
            self._count(node)
            if self._tasks is not None:
                self._show_state(node)
        if run.outputs is not before.outputs:
            self._show_outputs(node)

    def remove(self, node: Node) -> list[str]:
        """Forget a node with everything below it; returns the ids of the removed task runs."""
        if node.parent is not None:
            node.parent.children.pop(node.run.id, None)
        gone: list[str] = []
        stack = [node]
        while stack:
            each = stack.pop()
            stack.extend(each.children.values())
            gone.append(each.run.id)
            del self.nodes[each.run.id]
            if each.counted >= 0:
                self.counts[each.counted] -= 1
            _drop(self.outputs, each)
            if self._tasks is not None:
                _drop(self._tasks, each)
        return gone

    def adopt(self, other: "LiveExecution", inside: Iterable[str], path: tuple[str, ...]) -> None:
        """Show the outputs and states of another index, apart from it for the tasks `inside`."""
        shown = self.outputs = dict(other.outputs)
        states = self._tasks = dict(other.tasks)
        self.positions = other.positions
        for task_id in inside:
            _detach(shown, task_id, path)
            _detach(states, task_id, path)

    def _count(self, node: Node) -> None:
        """Keep the numbers of leaves that run, wait for someone and wait for a retry."""
        plan = node.plan
        state = node.run.history.moments[-1].state
        if state in _ENDED or plan is None:
            now = _DONE
        elif state is State.PAUSED:
            now = _WAITING
        elif state is State.RETRYING:
            retry = plan.retry
            elsewhere = retry is not None and retry.behavior is _ELSEWHERE
            now = _WAITING if elsewhere else _RETRYING
        elif plan.kind is Kind.FLOW or (
            plan.kind is Kind.WORKSPACE and node.run.id == self.workspace
        ):
            now = _DONE
        else:
            now = _RUNNING
        if node.counted >= 0:
            self.counts[node.counted] -= 1
        self.counts[now] += 1
        node.counted = now

    def _show_outputs(self, node: Node) -> None:
        outputs = node.run.outputs
        if outputs is None:
            _drop(self.outputs, node)
            return
        _place(self.outputs, node, outputs)

    def _show_state(self, node: Node) -> None:
        assert self._tasks is not None
        state = {"state": node.state.value}
        _place(self._tasks, node, state)


def _is_looping(node: Node) -> bool:
    """A loop between two passes: it runs, and none of its children does."""
    if not node.is_flowable or node.state is not State.RUNNING:
        return False
    task = node.task
    if not (isinstance(task, FlowableTask) and task.LOOPS):
        return False
    return all(child.state in _ENDED for child in node.children.values())


def _place(root: dict[str, object], node: Node, leaf: Mapping[str, object]) -> None:
    """Put a leaf at `task[value]…[value]`; all runs of one task lie equally deep."""
    key = node.run.task_id
    level = root
    for value in node.path:
        deeper = level.get(key)
        if not isinstance(deeper, dict):
            deeper = level[key] = {}
        level, key = deeper, value
    level[key] = leaf


def _detach(root: dict[str, object], key: str, path: tuple[str, ...]) -> None:
    """Copy the maps on the way to `key[value]…` so that changes there stay private."""
    level = root
    for value in path:
        deeper = level.get(key)
        copied: dict[str, object] = dict(deeper) if isinstance(deeper, dict) else {}
        level[key] = copied
        level, key = copied, value


def _drop(root: dict[str, object], node: Node) -> None:
    """Remove a leaf and the levels that it leaves empty."""
    way: list[tuple[dict[str, object], str]] = []
    key = node.run.task_id
    level = root
    for value in node.path:
        way.append((level, key))
        deeper = level.get(key)
        if not isinstance(deeper, dict):
            return
        level, key = deeper, value
    level.pop(key, None)
    for above, name in reversed(way):
        if level:
            return
        above.pop(name, None)
        level = above
