"""The command line of Amazon Web Services."""

from typing import Literal

from mainstem.plugins.aws.connection import AwsConnection
from mainstem.sdk.context import RunContext
from mainstem.sdk.exec_task import ExecTask
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs


class AwsCLI(AwsConnection, ExecTask):
    """Run `aws` commands with the credentials of the task."""

    TYPE = "io.kestra.plugin.aws.cli.AwsCLI"

    commands: Property[list[Text]]
    output_format: Property[Literal["JSON", "YAML", "TEXT", "TABLE"]] = Property("JSON", str)
    sts_credential_source: Text | None = None

    def default_image(self) -> str:
        return "amazon/aws-cli"

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        own = {
            "AWS_DEFAULT_OUTPUT": ctx.render(self.output_format).lower(),
            "AWS_PAGER": "",
            **self.variables(ctx),
        }
        return self.execute(ctx, ctx.render(self.commands), own)
