"""Pause: wait for a person, or for a while."""

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import AliasChoices, Field

from mainstem.model.state import State
from mainstem.sdk.fields import Duration, Property
from mainstem.sdk.flowable import FlowableTask, FlowContext, Hold, Lane, Lanes
from mainstem.sdk.inputs import AnyInput
from mainstem.sdk.task import AnyTask, Task

_ENDS = {
    "RESUME": State.RUNNING,
    "WARN": State.WARNING,
    "CANCEL": State.CANCELLED,
    "FAIL": State.FAILED,
}


class Pause(FlowableTask):
    """Wait until resumed; after `delay` go on (or as `behavior` says), after `timeout` fail.

    What a person fills in on resuming is at `outputs.<id>.onResume`.
    """

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.Pause"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.Pause",)

    WATCHES_TIMEOUT: ClassVar[bool] = True

    delay: Property[Duration] | None = Field(
        default=None, validation_alias=AliasChoices("delay", "pauseDuration")
    )
    behavior: Literal["RESUME", "WARN", "CANCEL", "FAIL"] = "RESUME"
    on_pause: AnyTask | None = Field(
        default=None, description="Runs when the pause begins; should it fail, so does the pause."
    )
    on_resume: tuple[AnyInput, ...] = ()
    tasks: tuple[AnyTask, ...] = Field(
        default=(),
        json_schema_extra={"deprecated": True},
        description="Run when it goes on; now they simply follow it.",
    )

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def hold(self, ctx: FlowContext) -> Hold:
        return Hold(_length(self.delay, ctx), _length(self.timeout, ctx))

    def hold_tasks(self) -> tuple[Task, ...]:
        return (self.on_pause,) if self.on_pause is not None else ()

    def hold_ends_as(self) -> State:
        return _ENDS[self.behavior]

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self.tasks)], 1)


def _length(given: Property[Duration] | None, ctx: FlowContext) -> timedelta | None:
    return None if given is None else ctx.property(given)
