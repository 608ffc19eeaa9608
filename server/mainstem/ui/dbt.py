"""The nodes of dbt tasks, from the task runs that dbt adds while it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mainstem.model.execution import TaskRun
from mainstem.model.log import LogLine
from mainstem.model.state import State

_KINDS: Final = ("model", "test", "seed", "snapshot", "source", "unit_test", "operation")


@dataclass(frozen=True, slots=True)
class Node:
    """One model, test or seed, with the last line it wrote."""

    run: TaskRun
    name: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Project:
    """The nodes of one dbt task run, failed ones first."""

    task_id: str
    nodes: tuple[Node, ...]
    counts: Mapping[State, int]


def projects(runs: Sequence[TaskRun], lines: Sequence[LogLine]) -> list[Project]:
    """Group the added task runs by the task that added them."""
    by_id = {run.id: run for run in runs}
    said = {line.task_run_id: line.message for line in lines if line.task_run_id}
    grouped: dict[str, list[TaskRun]] = {}
    for run in runs:
        if run.dynamic and run.parent_id:
            grouped.setdefault(run.parent_id, []).append(run)
    return [
        _project(by_id[parent].task_id if parent in by_id else parent, own, said)
        for parent, own in grouped.items()
    ]


def _project(task_id: str, runs: Sequence[TaskRun], said: Mapping[str, str]) -> Project:
    nodes = [_node(run, said.get(run.id, "")) for run in runs]
    nodes.sort(key=lambda node: (not node.run.state.is_failed, node.run.position))
    counts: dict[State, int] = {}
    for run in runs:
        counts[run.state] = counts.get(run.state, 0) + 1
    return Project(task_id, tuple(nodes), counts)


def _node(run: TaskRun, message: str) -> Node:
    """Unique ids read `model.project.name`; anything else is shown as it is."""
    kind, _, rest = run.task_id.partition(".")
    if kind not in _KINDS:
        kind, rest = "node", run.task_id
    name = rest.partition(".")[2] or rest
    return Node(run, name, kind, _outcome(run, message))


def _outcome(run: TaskRun, message: str) -> str:
    outputs = run.outputs or {}
    for key in ("message", "adapterResponse", "status"):
        if text := outputs.get(key):
            return str(text)
    return message.strip().splitlines()[-1] if message.strip() else ""
