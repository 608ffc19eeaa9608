"""Files of executions as users see them: sizes, downloads, bounded previews."""

from dataclasses import dataclass
from typing import BinaryIO

from mainstem.errors import NotFound
from mainstem.model.execution import Execution
from mainstem.storage.base import Storage
from mainstem.storage.uri import execution_prefix, parse_uri


@dataclass(frozen=True, slots=True)
class StoredFileInfo:
    """A file of an execution; `size` in bytes."""

    uri: str
    name: str
    size: int


class PreviewService:
    """Reads files that belong to the execution asked about, and no others."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def info(self, execution: Execution, uri: str) -> StoredFileInfo:
        """Raises NotFound, for a file of another execution too."""
        path = self._path(execution, uri)
        return StoredFileInfo(uri, path.rpartition("/")[2], self._storage.size(path))

    def open(self, execution: Execution, uri: str) -> BinaryIO:
        """Raises NotFound, for a file of another execution too."""
        return self._storage.open(self._path(execution, uri))

    def head(self, execution: Execution, uri: str, limit: int = 65_536) -> tuple[bytes, int]:
        """The first `limit` bytes and the size of the whole."""
        path = self._path(execution, uri)
        with self._storage.open(path) as file:
            return file.read(limit), self._storage.size(path)

    def _path(self, execution: Execution, uri: str) -> str:
        path = parse_uri(uri)
        if not path.startswith(f"{execution_prefix(execution.flow, execution.id)}/"):
            raise NotFound(f"`{uri}` is not a file of execution {execution.id}")
        return path
