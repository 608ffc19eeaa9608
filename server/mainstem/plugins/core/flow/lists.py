"""Sequential, AllowFailure, Parallel."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from mainstem.model.state import State
from mainstem.sdk.flowable import Again, FlowableTask, FlowContext, Lane, Lanes, Tally
from mainstem.sdk.task import AnyTask, Task


class Sequential(FlowableTask):
    """Run tasks one after another."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.Sequential"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.Sequential",)

    tasks: tuple[AnyTask, ...] = ()

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self.tasks)], 1)


class AllowFailure(Sequential):
    """Run tasks one after another; a failure becomes a warning."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.AllowFailure"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.AllowFailure",)

    def conclude(self, ctx: FlowContext, tally: Tally) -> State | Again:
        worst = tally.worst()
        return State.WARNING if worst is State.FAILED else worst


class Parallel(FlowableTask):
    """Run tasks side by side, at most `concurrent` of them at once (0: all)."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.Parallel"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.Parallel",)

    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    concurrent: int = Field(default=0, ge=0)

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane((task,)) for task in self.tasks], self.concurrent)
