"""If and Switch: one of several lists."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field, field_validator

from mainstem.expr import truthy
from mainstem.model.state import State
from mainstem.sdk.fields import Text
from mainstem.sdk.flowable import Again, FlowableTask, FlowContext, Lane, Lanes, Tally
from mainstem.sdk.plugin import Fault
from mainstem.sdk.task import AnyTask, Task


class If(FlowableTask):
    """Run `then` or `else`; the condition is rendered once and kept as `evaluationResult`."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.If"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.If",)

    condition: Text = ""
    then: tuple[AnyTask, ...] = Field(min_length=1)
    else_: tuple[AnyTask, ...] = Field(default=(), alias="else")

    def main_tasks(self) -> Iterator[Task]:
        yield from self.then
        yield from self.else_

    def opening(self, ctx: FlowContext) -> Mapping[str, object]:
        return {"evaluationResult": truthy(ctx.render(self.condition))}

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self.then if ctx.outputs["evaluationResult"] else self.else_)], 1)


class Switch(FlowableTask):
    """Run the list of the case that equals `value`, else `defaults`; without either, fail."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.Switch"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.Switch",)

    value: Text = Field(min_length=1)
    cases: dict[Text, tuple[AnyTask, ...]] = Field(default_factory=dict)
    defaults: tuple[AnyTask, ...] = ()

    @field_validator("cases", mode="before")
    @classmethod
    def _text_keys(cls, cases: object) -> object:
        if not isinstance(cases, dict):
            return cases
        return {_key(key): tasks for key, tasks in cases.items()}

    def faults(self) -> Iterator[Fault]:
        if not any(self.cases.values()) and not self.defaults:
            message = "No task defined, neither cases or default have any tasks"
            yield Fault(message, "cases", "missing-tasks")

    def main_tasks(self) -> Iterator[Task]:
        for tasks in self.cases.values():
            yield from tasks
        yield from self.defaults

    def opening(self, ctx: FlowContext) -> Mapping[str, object]:
        value = ctx.render(self.value)
        return {"value": value, "defaults": value not in self.cases}

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self._chosen(ctx))], 1)

    def conclude(self, ctx: FlowContext, tally: Tally) -> State | Again:
        if not self._chosen(ctx):
            ctx.warn(f"No case for the value `{ctx.outputs['value']}` and no `defaults`")
            return State.FAILED
        return tally.worst()

    def _chosen(self, ctx: FlowContext) -> tuple[Task, ...]:
        return self.cases.get(str(ctx.outputs["value"]), self.defaults)


def _key(key: object) -> object:
    return ("true" if key else "false") if isinstance(key, bool) else key
