"""Plain versions of core plug-ins, used only where the installed registry lacks the real ones."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.expr import text_of, truthy
from mainstem.model.execution import SYSTEM_LABEL
from mainstem.model.state import State
from mainstem.sdk.condition import Condition, ConditionContext
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Text
from mainstem.sdk.plugin import Plugin
from mainstem.sdk.task import RunnableTask

_CORE = "io.kestra.plugin.core."


class Fail(RunnableTask):
    TYPE: ClassVar[str] = f"{_CORE}execution.Fail"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.executions.Fail",)

    condition: Text | None = None
    error_message: Text = "Task failure"

    def run(self, ctx: RunContext) -> None:
        if self.condition is None or truthy(ctx.render_text(self.condition)):
            raise TaskFailed(ctx.render_text(self.error_message))


class Sleep(RunnableTask):
    TYPE: ClassVar[str] = f"{_CORE}flow.Sleep"

    duration: Duration

    def run(self, ctx: RunContext) -> None:
        ctx.wait(self.duration.total_seconds())


class Echo(RunnableTask):
    TYPE: ClassVar[str] = f"{_CORE}debug.Echo"

    format: Text
    level: str = "INFO"

    def run(self, ctx: RunContext) -> None:
        ctx.log.info(ctx.render_text(self.format))


class OutputValues(RunnableTask):
    TYPE: ClassVar[str] = f"{_CORE}output.OutputValues"

    values: dict[str, Any]

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        return {"values": ctx.render_value(self.values)}


class Labels(RunnableTask):
    TYPE: ClassVar[str] = f"{_CORE}execution.Labels"

    labels: Any

    def run(self, ctx: RunContext) -> None:
        given = self.labels
        if isinstance(given, str):
            given = json.loads(ctx.render_text(given))
        if isinstance(given, list):
            given = {item["key"]: item["value"] for item in given}
        rendered = {
            ctx.render_text(str(key)): ctx.render_text(text_of(value))
            for key, value in given.items()
        }
        for key, value in rendered.items():
            if key.startswith(SYSTEM_LABEL) or not key or not value:
                raise InvalidInput(f"the label `{key}` is refused")
        ctx.set_labels(rendered)


class ExecutionStatus(Condition):
    TYPE: ClassVar[str] = f"{_CORE}condition.ExecutionStatus"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_CORE}condition.ExecutionStatusCondition",)

    in_: tuple[State, ...] = Field(default=(), alias="in")
    not_in: tuple[State, ...] = ()

    def test(self, ctx: ConditionContext) -> bool:
        assert ctx.execution is not None
        state = ctx.execution.state
        return (not self.in_ or state in self.in_) and state not in self.not_in


STAND_INS: tuple[type[Plugin], ...] = (
    Fail,
    Sleep,
    Echo,
    OutputValues,
    Labels,
    ExecutionStatus,
)
