"""The index of one execution: a node for each task run, a branch for each running parent."""

from collections import deque
from collections.abc import Callable, Sequence

from mainstem.engine.plan import Kind, Section, TaskPlan
from mainstem.model.execution import TaskRun
from mainstem.model.state import State
from mainstem.sdk.flowable import Lane, Lanes, Tally
from mainstem.sdk.task import Task

HALTING = frozenset({State.FAILED, State.KILLED, State.CANCELLED, State.RETRIED})


class Node:
    """A task run in its place; the root of an execution is a node without a task run."""

    __slots__ = (
        "around", "branch", "children", "counted", "is_root", "lane", "parent", "path", "plan",
        "run", "section", "settled", "step",
    )  # fmt: skip

    def __init__(self, run: TaskRun | None, plan: TaskPlan | None, parent: "Node | None") -> None:
        self.is_root = run is None
        self.run: TaskRun = run  # type: ignore[assignment]  # None in the root alone
        self.plan = plan
        self.parent = parent
        self.children: dict[str, Node] = {}
        self.branch: Branch | None = None
        self.section = Section.MAIN
        self.lane = 0
        self.step = 0
        self.path: tuple[str, ...] = ()
        # The iteration of an isolating loop that this node is, or lies in.
        self.around: Node | None = parent.around if parent is not None else None
        if run is not None and parent is not None:
            if run.value is None:
                self.path = parent.path
            elif parent.plan is not None and parent.plan.isolates:
                self.path = (*parent.path, str(run.iteration))  # values may be there twice
                self.around = self
            else:
                self.path = (*parent.path, run.value)
        self.counted: int = -1
        self.settled = False

    @property
    def state(self) -> State:
        return self.run.history.moments[-1].state

    @property
    def task(self) -> Task:
        assert self.plan is not None
        return self.plan.task

    @property
    def is_flowable(self) -> bool:
        return self.plan is not None and self.plan.kind is Kind.FLOW


class Branch:
    """Where a parent is in its lists: what is open, what is ready, how the rest ended.

    `ready` holds (lane, step) pairs that may start as slots get free. `open` counts children of
    the present section that have not ended, each the head of its lane.
    """

    __slots__ = (
        "finals", "followers", "halted", "halts", "lanes", "limit", "needs", "open", "ready",
        "section", "tally",
    )  # fmt: skip

    def __init__(self) -> None:
        self.section = Section.MAIN
        self.lanes: Sequence[Lane] = ()
        self.limit = 0
        self.ready: deque[tuple[int, int]] = deque()
        self.open = 0
        self.halted = False
        self.halts: Callable[[TaskRun], bool] | None = None
        self.tally = Tally()
        self.finals = Tally()
        self.needs: dict[int, int] = {}
        self.followers: dict[str, list[int]] = {}

    def enter(self, section: Section, lanes: Lanes) -> None:
        """Take up a list from its start."""
        self.section = section
        self.lanes = _enabled(lanes.lanes)
        self.limit = lanes.limit
        self.halts = lanes.halts
        self.halted = False
        self.open = 0
        if any(lane.needs for lane in self.lanes):
            self._order()
        else:
            self.needs, self.followers = {}, {}
        self.ready = deque((number, 0) for number in range(len(self.lanes)))
        if self.needs:
            self.ready = deque(item for item in self.ready if item[0] not in self.needs)

    def _order(self) -> None:
        known = {lane.tasks[0].id for lane in self.lanes}
        self.needs, self.followers = {}, {}
        for number, lane in enumerate(self.lanes):
            wanted = [need for need in dict.fromkeys(lane.needs) if need in known]
            if wanted:
                self.needs[number] = len(wanted)
            for need in wanted:
                self.followers.setdefault(need, []).append(number)

    def ended(self, child: Node) -> None:
        """Count a child of the present section that ended, and make ready what follows it."""
        state = child.state
        if self.section is Section.MAIN:
            self.tally.add(state)
        elif self.section is Section.FINALLY:
            self.finals.add(state)
        failed = state in HALTING
        if self.section is not Section.AFTER and self.is_halted_by(child):
            self.halted = True
        if not failed and child.step + 1 < len(self.lanes[child.lane].tasks):
            self.ready.appendleft((child.lane, child.step + 1))
        for follower in self.followers.get(child.run.task_id, ()):
            self.needs[follower] -= 1
            if self.needs[follower] == 0:
                self.ready.append((follower, 0))

    def is_halted_by(self, child: Node) -> bool:
        """Whether the end of this child keeps further ones from being made."""
        return child.state in HALTING if self.halts is None else self.halts(child.run)

    def next_task(self, lane: int, step: int) -> Task:
        return self.lanes[lane].tasks[step]


def _enabled(lanes: Sequence[Lane]) -> Sequence[Lane]:
    kept: dict[int, tuple[Task, ...]] = {}
    found = []
    for lane in lanes:
        tasks = kept.get(id(lane.tasks))
        if tasks is None:
            tasks = kept[id(lane.tasks)] = tuple(task for task in lane.tasks if not task.disabled)
        if tasks:
            same = len(tasks) == len(lane.tasks)
            found.append(lane if same else Lane(tasks, lane.value, lane.needs, lane.iteration))
    return found
