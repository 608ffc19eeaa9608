"""Waiting."""

from mainstem.model.duration import format_duration
from mainstem.sdk.context import RunContext, TaskKilled
from mainstem.sdk.fields import Duration, Property
from mainstem.sdk.task import RunnableTask


class Sleep(RunnableTask):
    """Do nothing for a while."""

    TYPE = "io.kestra.plugin.core.flow.Sleep"

    duration: Property[Duration]

    def run(self, ctx: RunContext) -> None:
        duration = ctx.render(self.duration)
        ctx.log.info(f"Waiting for {format_duration(duration)}")
        if ctx.wait(duration.total_seconds()):
            raise TaskKilled
