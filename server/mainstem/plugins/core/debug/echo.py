"""Logging, the old way."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from mainstem.model.log import Level
from mainstem.plugins.core.log.log import LevelName
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Fault
from mainstem.sdk.task import RunnableTask


class Echo(RunnableTask):
    """Write `format` to the log; use `core.log.Log`."""

    TYPE = "io.kestra.plugin.core.debug.Echo"
    ALIASES = ("io.kestra.core.tasks.debugs.Echo",)
    DEPRECATED: ClassVar[bool] = True
    INLINE: ClassVar[bool] = True

    format: Property[Text] = Field(description="What to write.")
    level: Property[LevelName] = Property("INFO", LevelName)

    def faults(self) -> Iterator[Fault]:
        if isinstance(self.format.raw, str) and not self.format.raw.strip():
            yield Fault("must not be blank", "format", "blank")

    def run(self, ctx: RunContext) -> None:
        ctx.log.log(Level[ctx.render(self.level)], ctx.render(self.format))
