"""Type names of the Amazon Web Services group."""

from typing import Final

_AWS: Final = "io.kestra.plugin.aws"
_HERE: Final = "mainstem.plugins.aws"

TYPES: Final = {
    **{
        f"{_AWS}.s3.{name}": f"{_HERE}.s3.{module}:{name}"
        for module, names in {
            "buckets": ("CreateBucket",),
            "objects": ("Upload", "Download", "Copy", "Delete"),
            "lists": ("List", "Downloads", "DeleteList"),
            "trigger": ("Trigger",),
        }.items()
        for name in names
    },
    f"{_AWS}.cli.AwsCLI": f"{_HERE}.cli:AwsCLI",
}

ALIASES: Final[dict[str, str]] = {}
