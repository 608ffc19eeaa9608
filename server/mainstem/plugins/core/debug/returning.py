"""Returning a rendered value."""

from collections.abc import Mapping
from typing import ClassVar

from mainstem.model.metric import MetricKind
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask


class Return(RunnableTask):
    """Render `format` and return it as the output `value`."""

    TYPE = "io.kestra.plugin.core.debug.Return"
    ALIASES = ("io.kestra.core.tasks.debugs.Return",)
    INLINE: ClassVar[bool] = True
    OUTPUTS: ClassVar[Mapping[str, str]] = {"value": "The rendered text."}

    format: Property[Text] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        value = ctx.render(self.format) if self.format is not None else None
        if value is not None:
            ctx.log.debug(value)
        ctx.metric("length", len(value or ""), MetricKind.COUNTER)
        return {"value": value}
