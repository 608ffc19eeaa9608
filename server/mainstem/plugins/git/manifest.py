"""Type names of the Git group."""

from typing import Final

_GIT: Final = "io.kestra.plugin.git"

TYPES: Final = {
    f"{_GIT}.Clone": "mainstem.plugins.git.tasks:Clone",
    f"{_GIT}.SyncNamespaceFiles": "mainstem.plugins.git.tasks:SyncNamespaceFiles",
}

ALIASES: Final[dict[str, str]] = {}
