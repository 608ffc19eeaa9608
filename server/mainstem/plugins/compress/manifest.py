"""Type names of the compress group."""

from typing import Final

_COMPRESS: Final = "io.kestra.plugin.compress"
_HERE: Final = "mainstem.plugins.compress"

TYPES: Final = {
    f"{_COMPRESS}.ArchiveCompress": f"{_HERE}.archives:ArchiveCompress",
    f"{_COMPRESS}.ArchiveDecompress": f"{_HERE}.archives:ArchiveDecompress",
    f"{_COMPRESS}.FileCompress": f"{_HERE}.files:FileCompress",
    f"{_COMPRESS}.FileDecompress": f"{_HERE}.files:FileDecompress",
}

ALIASES: Final[dict[str, str]] = {}
