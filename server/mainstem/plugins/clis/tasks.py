"""Tasks that are commands: `commands` after `beforeCommands`, in the image of the product."""

from typing import ClassVar

from mainstem.sdk.context import RunContext
from mainstem.sdk.exec_task import ExecTask
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs


class CliTask(ExecTask):
    """Commands of one product; as a process, the program must be installed on the worker."""

    IMAGE: ClassVar[str]

    commands: Property[list[Text]]

    def default_image(self) -> str:
        return self.IMAGE

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.execute(ctx, ctx.render(self.commands), self.settings(ctx))

    def settings(self, ctx: RunContext) -> dict[str, str]:
        """Environment variables that the product reads, besides those of `env`."""
        return {}


class TerraformCLI(CliTask):
    """Run Terraform commands; nothing may ask on a terminal."""

    TYPE = "io.kestra.plugin.terraform.cli.TerraformCLI"
    IMAGE = "hashicorp/terraform"

    def settings(self, ctx: RunContext) -> dict[str, str]:
        return {"TF_IN_AUTOMATION": "true", "TF_INPUT": "0"}


class CloudQueryCLI(CliTask):
    """Run CloudQuery commands."""

    TYPE = "io.kestra.plugin.cloudquery.CloudQueryCLI"
    IMAGE = "ghcr.io/cloudquery/cloudquery:latest-ubuntu"


class ModalCLI(CliTask):
    """Run Modal commands."""

    TYPE = "io.kestra.plugin.modal.cli.ModalCLI"
    IMAGE = "ghcr.io/kestra-io/modal"


class SQLMeshCLI(CliTask):
    """Run SQLMesh commands."""

    TYPE = "io.kestra.plugin.sqlmesh.cli.SQLMeshCLI"
    IMAGE = "ghcr.io/kestra-io/sqlmesh"


class TrivyCLI(CliTask):
    """Run Trivy commands."""

    TYPE = "io.kestra.plugin.trivy.cli.TrivyCLI"
    IMAGE = "ghcr.io/aquasecurity/trivy"


class SparkCLI(CliTask):
    """Run Spark commands, such as `spark-submit`."""

    TYPE = "io.kestra.plugin.spark.SparkCLI"
    IMAGE = "apache/spark:4.0.1-java21-r"


class AzCLI(CliTask):
    """Run Azure commands, signed in with `az login` when a user is given."""

    TYPE = "io.kestra.plugin.azure.cli.AzCLI"
    IMAGE = "mcr.microsoft.com/azure-cli"

    username: Property[Text] | None = None
    password: Property[Text] | None = None
    tenant: Property[Text] | None = None
    service_principal: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        lines = [*self._sign_in(ctx), *ctx.render(self.commands)]
        return self.execute(ctx, lines, self.settings(ctx))

    def settings(self, ctx: RunContext) -> dict[str, str]:
        """The user and password travel as variables: a command line shows in process lists."""
        found = {"AZURE_CONFIG_DIR": str(ctx.workdir / ".azure")}
        for name, prop in (
            ("MAINSTEM_AZ_USERNAME", self.username),
            ("MAINSTEM_AZ_PASSWORD", self.password),
            ("MAINSTEM_AZ_TENANT", self.tenant),
        ):
            if prop is not None:
                found[name] = ctx.render(prop)
        ctx.mask(found.get("MAINSTEM_AZ_PASSWORD", ""))
        return found

    def _sign_in(self, ctx: RunContext) -> list[str]:
        if self.username is None:
            return []
        words = ['az login -u "$MAINSTEM_AZ_USERNAME"']
        if self.password is not None:
            words.append('-p "$MAINSTEM_AZ_PASSWORD"')
        if self.tenant is not None:
            words.append('--tenant "$MAINSTEM_AZ_TENANT"')
        if ctx.render(self.service_principal):
            words.append("--service-principal")
        return [" ".join([*words, "--output none"])]
