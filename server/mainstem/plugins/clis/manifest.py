"""Type names of the command lines of other products."""

from typing import Final

_KESTRA: Final = "io.kestra.plugin"
_HERE: Final = "mainstem.plugins.clis"

TYPES: Final = {
    f"{_KESTRA}.ansible.cli.AnsibleCLI": f"{_HERE}.ansible:AnsibleCLI",
    f"{_KESTRA}.azure.cli.AzCLI": f"{_HERE}.tasks:AzCLI",
    f"{_KESTRA}.cloudquery.CloudQueryCLI": f"{_HERE}.tasks:CloudQueryCLI",
    f"{_KESTRA}.modal.cli.ModalCLI": f"{_HERE}.tasks:ModalCLI",
    f"{_KESTRA}.spark.SparkCLI": f"{_HERE}.tasks:SparkCLI",
    f"{_KESTRA}.sqlmesh.cli.SQLMeshCLI": f"{_HERE}.tasks:SQLMeshCLI",
    f"{_KESTRA}.terraform.cli.TerraformCLI": f"{_HERE}.tasks:TerraformCLI",
    f"{_KESTRA}.trivy.cli.TrivyCLI": f"{_HERE}.tasks:TrivyCLI",
}

ALIASES: Final[dict[str, str]] = {}
