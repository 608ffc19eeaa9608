"""Dag: tasks in the order that their dependencies ask for."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar

from pydantic import Field

from mainstem.sdk.flowable import FlowableTask, FlowContext, Lane, Lanes
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.task import AnyTask, Task


class DagTask(Properties):
    """A task and the ids of those that must have ended before it."""

    task: AnyTask
    depends_on: tuple[str, ...] = ()


class Dag(FlowableTask):
    """Start each task once all tasks that it depends on have ended."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.Dag"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.Dag",)

    tasks: tuple[DagTask, ...] = Field(min_length=1)
    concurrent: int = Field(default=0, ge=0)

    def faults(self) -> Iterator[Fault]:
        graph = {entry.task.id: entry.depends_on for entry in self.tasks}
        unknown = sorted({need for needs in graph.values() for need in needs} - graph.keys())
        if unknown:
            names = ", ".join(unknown)
            yield Fault(f"Not existing task id in dependency: {names}", "tasks", "unknown-task")
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            names = ", ".join(dict.fromkeys(error.args[1]))
            yield Fault(f"Cyclic dependency detected: {names}", "tasks", "cyclic-dependency")

    def main_tasks(self) -> Iterator[Task]:
        return (entry.task for entry in self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        lanes = [Lane((entry.task,), None, entry.depends_on) for entry in self.tasks]
        return Lanes(lanes, self.concurrent)
