"""Ending the execution early, and asserting."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from mainstem.expr import truthy
from mainstem.model.state import State
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask

ExitState = Literal["SUCCESS", "WARNING", "KILLED", "FAILED", "CANCELED", "CANCELLED"]
_CANCELLED: Final = ("CANCELED", "CANCELLED")


class Exit(RunnableTask):
    """End the execution in a state; what still runs is killed."""

    TYPE = "io.kestra.plugin.core.execution.Exit"
    INLINE: ClassVar[bool] = True

    state: Property[ExitState] = Property("SUCCESS", ExitState)

    def run(self, ctx: RunContext) -> None:
        name = ctx.render(self.state)
        ctx.end_execution(State.CANCELLED if name in _CANCELLED else State(name))


class Assert(RunnableTask):
    """Fail unless every condition is true; each one that is not is logged."""

    TYPE = "io.kestra.plugin.core.execution.Assert"
    INLINE: ClassVar[bool] = True

    conditions: list[Text] = Field(description="Expressions; all are evaluated.")
    error_message: Property[Text] | None = None

    def run(self, ctx: RunContext) -> None:
        failed = [text for text in self.conditions if not truthy(ctx.render_text(text))]
        ctx.metric("failed", len(failed))
        ctx.metric("success", len(self.conditions) - len(failed))
        if not failed:
            return
        for text in failed:
            ctx.log.error(f"Assertion `{text}` failed!")
        if self.error_message is not None:
            ctx.log.error(ctx.render(self.error_message))
        raise TaskFailed(f"{len(failed)} assertion{'s' if len(failed) > 1 else ''} failed!")
