"""Files of namespaces."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sqlalchemy import Connection

from mainstem.bus.inprocess import FILES, Bus
from mainstem.clock import Clock
from mainstem.errors import InvalidInput, NotFound
from mainstem.storage.base import Storage
from mainstem.storage.blobs import blob_path, put_blob, read_blob
from mainstem.store import namespace_files as rows
from mainstem.store.database import Database
from mainstem.store.namespace_files import StoredFile


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """The Git source and commit that a file came from."""

    source: str
    commit: str


def check_path(path: str) -> str:
    """The path relative to the namespace, normalised; raises InvalidInput for a traversal."""
    parts = PurePosixPath(path.strip().lstrip("/")).parts
    if not parts or ".." in parts or "\x00" in path or len(path) > 1000:
        raise InvalidInput(f"`{path}` is not a path of a namespace file")
    return str(PurePosixPath(*parts))


def matches(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether the globs take the path; `**` and a bare folder name take all that lies below."""
    if any(_glob(path, pattern) for pattern in exclude):
        return False
    return not include or any(_glob(path, pattern) for pattern in include)


def _glob(path: str, pattern: str) -> bool:
    wanted = pattern.strip().lstrip("/").removeprefix("glob:")
    if wanted.endswith("/"):
        wanted += "**"
    if fnmatch.fnmatchcase(path, wanted) or path.startswith(f"{wanted}/"):
        return True
    return wanted.startswith("**/") and fnmatch.fnmatchcase(path, wanted[3:])


class FileService:
    """Paths of a namespace pointing at immutable contents."""

    def __init__(self, database: Database, storage: Storage, clock: Clock, bus: Bus) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self._bus = bus

    def of_namespace(self, namespace: str) -> list[StoredFile]:
        with self._database.read() as tx:
            return rows.of_namespace(tx, namespace)

    def counts(self) -> dict[str, int]:
        with self._database.read() as tx:
            return rows.counts(tx)

    def stat(self, namespace: str, path: str) -> StoredFile:
        """Raises NotFound."""
        with self._database.read() as tx:
            found = rows.get(tx, namespace, check_path(path))
        if found is None:
            raise NotFound(f"namespace {namespace} has no file `{path}`")
        return found

    def read(self, namespace: str, path: str) -> bytes:
        """Raises NotFound."""
        return read_blob(self._storage, self.stat(namespace, path).sha256)

    def open(self, namespace: str, path: str) -> BinaryIO:
        """Raises NotFound."""
        return self._storage.open(blob_path(self.stat(namespace, path).sha256))

    def write(self, namespace: str, path: str, content: bytes) -> StoredFile:
        """Create or replace a file; a file owned by a Git source becomes edited here."""
        file = self.stage(namespace, path, content)
        with self._database.write() as tx:
            rows.put(tx, [file])
        self._bus.publish(FILES)
        return file

    def delete(self, namespace: str, path: str) -> bool:
        """Delete a file, or a folder with what lies below it."""
        wanted = check_path(path)
        with self._database.write() as tx:
            below = [
                f.path
                for f in rows.of_namespace(tx, namespace)
                if f.path == wanted or f.path.startswith(f"{wanted}/")
            ]
            done = rows.remove(tx, namespace, below)
        self._bus.publish(FILES)
        return done > 0

    def materialize(
        self, namespace: str, to: Path, include: Sequence[str], exclude: Sequence[str]
    ) -> list[Path]:
        """Copy matching files below `to`."""
        written = []
        root = to.resolve()
        for file in self.of_namespace(namespace):
            if matches(file.path, include, exclude):
                target = (root / file.path).resolve()
                if not target.is_relative_to(root):
                    raise InvalidInput(f"`{file.path}` would leave the working directory")
                self._storage.fetch(blob_path(file.sha256), target)
                written.append(target)
        return written

    def stage(
        self, namespace: str, path: str, content: bytes, origin: FileOrigin | None = None
    ) -> StoredFile:
        """Store the content and return the pointer, which is not yet visible."""
        return StoredFile(
            namespace,
            check_path(path),
            put_blob(self._storage, content),
            len(content),
            self._clock.now(),
            origin.source if origin else None,
            origin.commit if origin else None,
        )

    def switch(
        self, tx: Connection, put: Sequence[StoredFile], remove: Sequence[tuple[str, str]]
    ) -> None:
        """Make staged files visible and remove others (namespace, path), in the caller's tx."""
        rows.put(tx, put)
        for namespace, path in remove:
            rows.remove(tx, namespace, [path])

    def owned_by(self, tx: Connection, git_source: str) -> list[StoredFile]:
        return rows.of_source(tx, git_source)

    def live_digests(self, tx: Connection) -> dict[tuple[str, str], str]:
        """Content digests by namespace and path, within the caller's transaction."""
        return {(f.namespace, f.path): f.sha256 for f in rows.everything(tx)}
