"""Writing log lines."""

from typing import ClassVar, Literal

from mainstem.model.log import Level
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask

LevelName = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]


class Log(RunnableTask):
    """Write one or more messages to the log of the execution."""

    TYPE = "io.kestra.plugin.core.log.Log"
    ALIASES = ("io.kestra.core.tasks.log.Log",)
    INLINE: ClassVar[bool] = True

    message: Property[Text | list[Text]]
    level: Property[LevelName] = Property("INFO", LevelName)

    def run(self, ctx: RunContext) -> None:
        level = Level[ctx.render(self.level)]
        rendered = ctx.render(self.message)
        for message in rendered if isinstance(rendered, list) else [rendered]:
            ctx.log.log(level, message)
