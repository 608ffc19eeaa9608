"""What internal storage must do."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol


class Storage(Protocol):
    """Files by relative path. Raises NotFound for a missing path, InvalidInput for a bad one."""

    def put(self, path: str, source: Path) -> int:
        """Store a copy of a local file; returns its size in bytes."""

    def put_bytes(self, path: str, content: bytes) -> None: ...
    def writing(self, path: str) -> AbstractContextManager[BinaryIO]:
        """A file that appears at `path` when the block ends well."""

    def open(self, path: str) -> BinaryIO: ...
    def fetch(self, path: str, to: Path) -> None:
        """Make a local copy that the caller may change."""

    def size(self, path: str) -> int: ...
    def exists(self, path: str) -> bool: ...
    def paths(self, prefix: str) -> Iterator[str]:
        """Paths of files below a folder, of all files for an empty prefix."""

    def delete(self, path: str) -> bool: ...
    def delete_below(self, prefix: str) -> list[str]:
        """Delete a folder; returns the paths of its files."""
