"""A flow compiled for the engine: kinds, sections and retry policies, looked up once."""

from collections import OrderedDict
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from mainstem.model.retry import RetryPolicy
from mainstem.sdk.flow import Flow
from mainstem.sdk.flowable import ExecutableTask, FlowableTask
from mainstem.sdk.task import Task, WorkerGroup


class Kind(IntEnum):
    """Who does the work of a task."""

    RUN = 0  # a worker
    FLOW = 1  # the tasks inside it
    CHILDREN = 2  # child executions
    WORKSPACE = 3  # a worker that drives the tasks inside it


class Section(IntEnum):
    """The lists of a parent, in the order in which they may run."""

    HOLD = -1
    MAIN = 0
    ERRORS = 1
    FINALLY = 2
    AFTER = 3


class TaskPlan:
    """One task with what its place in the flow decides about it."""

    __slots__ = (
        "inside", "is_timed", "isolates", "kind", "retry", "run_if", "sections", "task",
        "worker_group",
    )  # fmt: skip

    def __init__(
        self, task: Task, inherited: RetryPolicy | None, worker_group: WorkerGroup | None
    ) -> None:
        self.task = task
        self.kind = _kind(task)
        self.retry = inherited
        self.run_if = task.run_if
        self.worker_group = task.worker_group or worker_group
        self.sections: dict[str, Section] = {}
        self.isolates = False
        self.inside: tuple[str, ...] = ()
        # A worker watches the time of what it runs alone, a pause that of its own waiting.
        own = isinstance(task, FlowableTask) and task.WATCHES_TIMEOUT
        self.is_timed = task.timeout is not None and self.kind is not Kind.RUN and not own


class Plan:
    """Every task of a flow by id; `root` sections tell errors, finally and after tasks apart."""

    __slots__ = ("flow", "root_sections", "tasks")

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.tasks: dict[str, TaskPlan] = {}
        self.root_sections = _sections(flow.errors, flow.finally_, after_tasks(flow))
        policy = flow.retry.policy() if flow.retry else None
        for task in (*flow.tasks, *flow.errors, *flow.finally_, *after_tasks(flow)):
            self._add(task, policy)

    def _add(self, task: Task, inherited: RetryPolicy | None) -> None:
        policy = task.retry.policy() if task.retry else inherited
        plan = TaskPlan(task, policy, self.flow.worker_group)
        self.tasks[task.id] = plan
        if isinstance(task, FlowableTask):
            plan.sections = _sections(task.error_tasks(), task.finally_, (), task.hold_tasks())
            plan.isolates = task.ISOLATES
        for child in task.subtasks():
            self._add(child, policy)
        if plan.isolates:
            plan.inside = tuple(_ids_below(task))


def _ids_below(task: Task) -> Iterator[str]:
    for child in task.subtasks():
        yield child.id
        yield from _ids_below(child)


def after_tasks(flow: Flow) -> tuple[Task, ...]:
    """Tasks that may run once the execution has ended."""
    listed = [task for listener in flow.listeners for task in listener.tasks]
    return (*listed, *flow.after_execution)


def _sections(
    errors: tuple[Task, ...],
    finals: tuple[Task, ...],
    after: tuple[Task, ...],
    hold: tuple[Task, ...] = (),
) -> dict[str, Section]:
    found = {task.id: Section.HOLD for task in hold}
    found.update((task.id, Section.ERRORS) for task in errors)
    found.update((task.id, Section.FINALLY) for task in finals)
    found.update((task.id, Section.AFTER) for task in after)
    return found


def _kind(task: Task) -> Kind:
    if isinstance(task, FlowableTask):
        return Kind.WORKSPACE if task.ON_WORKER else Kind.FLOW
    return Kind.CHILDREN if isinstance(task, ExecutableTask) else Kind.RUN


_KEPT: Final = 512
_plans: "OrderedDict[int, Plan]" = OrderedDict()


def plan_of(flow: Flow) -> Plan:
    """The plan of this very Flow object; the latest few hundred are remembered."""
    found = _plans.get(id(flow))
    if found is not None and found.flow is flow:
        return found
    plan = _plans[id(flow)] = Plan(flow)
    if len(_plans) > _KEPT:
        _plans.popitem(last=False)
    return plan
