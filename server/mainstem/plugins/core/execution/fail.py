"""Failing on purpose."""

from typing import ClassVar

from mainstem.expr import truthy
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask


class Fail(RunnableTask):
    """Fail, always or when the condition holds."""

    TYPE = "io.kestra.plugin.core.execution.Fail"
    ALIASES = ("io.kestra.core.tasks.executions.Fail",)
    INLINE: ClassVar[bool] = True

    condition: Text | None = None
    error_message: Property[Text] = Property("Task failure", str)

    def run(self, ctx: RunContext) -> None:
        if self.condition is None:
            raise TaskFailed(ctx.render(self.error_message))
        if truthy(ctx.render_text(self.condition)):
            ctx.log.error(ctx.render(self.error_message))
            raise TaskFailed("Fail on a condition")
