"""Waiting."""

from mainstem.sdk.context import RunContext, TaskKilled
from mainstem.sdk.fields import Duration, Property
from mainstem.sdk.task import RunnableTask


class Sleep(RunnableTask):
    """Do nothing for a while."""

    TYPE = "io.kestra.plugin.core.flow.Sleep"

    duration: Property[Duration]

    def run(self, ctx: RunContext) -> None:
        if ctx.wait(ctx.render(self.duration).total_seconds()):
            raise TaskKilled
