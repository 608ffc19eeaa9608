"""Cloud Storage as the emulator sees it: objects are read from the folder, written by HTTP."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GcsEndpoint:
    """Where the storage emulator answers and where it keeps `ROOT/bucket/object`."""

    url: str
    root: Path
