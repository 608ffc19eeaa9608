"""Shell tasks."""

from mainstem.sdk.context import RunContext
from mainstem.sdk.exec_task import ExecTask
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs


class Commands(ExecTask):
    """Run shell commands one after another; the first that fails ends the task."""

    TYPE = "io.kestra.plugin.scripts.shell.Commands"

    commands: Property[list[Text]]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.execute(ctx, ctx.render(self.commands), {})


class Script(ExecTask):
    """Run a shell script written inline."""

    TYPE = "io.kestra.plugin.scripts.shell.Script"

    script: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.execute(ctx, [ctx.render(self.script)], {})
