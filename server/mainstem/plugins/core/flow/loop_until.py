"""LoopUntil, and WaitFor as it was: run tasks again and again until a condition holds."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from mainstem.expr import truthy
from mainstem.model.state import State
from mainstem.sdk.fields import Duration, Text
from mainstem.sdk.flowable import Again, FlowableTask, FlowContext, Lane, Lanes, Tally
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import AnyTask, Task


class CheckFrequency(Properties):
    """How often to try, how long, and the wait between two passes; without limits unless given."""

    max_iterations: int | None = None
    max_duration: Duration | None = None
    interval: Duration = timedelta(minutes=1)


class OldCheckFrequency(CheckFrequency):
    """The limits that WaitFor has unless others are given."""

    max_iterations: int | None = 100
    max_duration: Duration | None = timedelta(hours=1)
    interval: Duration = timedelta(seconds=1)


class LoopUntil(FlowableTask):
    """Run `tasks` until `condition` renders to true; `iterationCount` counts the passes."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.LoopUntil"
    LOOPS: ClassVar[bool] = True

    tasks: tuple[AnyTask, ...]
    condition: Text
    fail_on_max_reached: bool = False
    check_frequency: CheckFrequency = Field(default_factory=CheckFrequency)

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def opening(self, ctx: FlowContext) -> Mapping[str, object]:
        return {"iterationCount": 1}

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self.tasks)], 1)

    def conclude(self, ctx: FlowContext, tally: Tally) -> State | Again:
        worst = tally.worst()
        if worst not in (State.SUCCESS, State.WARNING) or truthy(ctx.render(self.condition)):
            return worst
        count = ctx.outputs["iterationCount"]
        passes = count if isinstance(count, int) else 1
        limit = self._reached(ctx, passes)
        if limit is None:
            return Again(self.check_frequency.interval, {"iterationCount": passes + 1})
        ctx.warn(limit)
        return State.FAILED if self.fail_on_max_reached else worst

    def _reached(self, ctx: FlowContext, passes: int) -> str | None:
        frequency = self.check_frequency
        if frequency.max_iterations is not None and passes > frequency.max_iterations:
            return "Max iterations reached"
        longest = frequency.max_duration
        if longest is not None and ctx.started_at + longest < ctx.now:
            return "Max duration reached"
        return None


class WaitFor(LoopUntil):
    """LoopUntil by its first name and with its first limits: 100 passes, an hour, a second."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.WaitFor"

    check_frequency: OldCheckFrequency = Field(default_factory=OldCheckFrequency)
