"""Files of namespaces."""

import fnmatch
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import FILES, Bus
from mainstem.clock import Clock
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.execution import Execution
from mainstem.model.principal import Permission
from mainstem.services import access, audit
from mainstem.services.keeping import Keeper, nobody
from mainstem.services.namespaces import checked_namespace
from mainstem.storage.base import Storage
from mainstem.storage.blobs import blob_path, put_blob, read_blob
from mainstem.store import namespace_files as rows
from mainstem.store.database import Database
from mainstem.store.namespace_files import ChangeNote, FileRevision, Seen, StoredFile

__all__ = ["FileOrigin", "FileRevision", "FileService", "FilesOfExecution", "StoredFile"]

LARGEST_FILE: Final = 100_000_000
# Where an execution keeps the change up to which it sees files; out of reach of expressions.
PINNED: Final = "system.files"
_LONGEST_NAME: Final = 255
# Another process's change is seen after this long even when no signal came.
_TRUSTED_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """The Git source and commit that a file came from."""

    source: str
    commit: str


@dataclass(frozen=True, slots=True)
class Writing:
    """Who changes files, and why."""

    author: str | None = None
    message: str | None = None
    execution_id: str | None = None


def check_path(path: str) -> str:
    """The path relative to the namespace, normalised; raises InvalidInput for a traversal."""
    parts = PurePosixPath(path.strip().lstrip("/")).parts
    if not parts or ".." in parts or len(path) > 1000 or not path.isprintable():
        raise InvalidInput(f"`{path}` is not a path of a namespace file")
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise InvalidInput(f"a name in `{path[:60]}…` is longer than {_LONGEST_NAME} bytes")
    return str(PurePosixPath(*parts))


def check_free(path: str, held: Collection[str], *, replace: bool = False) -> None:
    """Raises Conflict when a file lies at the path, above it, or below it."""
    if path in held and not replace:
        raise Conflict(f"`{path}` exists already")
    above = next((str(p) for p in PurePosixPath(path).parents if str(p) in held), None)
    if above is not None:
        raise Conflict(f"`{path}` cannot lie below `{above}`, which is a file")
    if any(other.startswith(f"{path}/") for other in held):
        raise Conflict(f"`{path}` is a folder")


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
        self._keeper: Keeper = nobody
        self._latest: tuple[int, float] | None = None
        self._signals = 0
        bus.subscribe([FILES], lambda _topic: self._forget())

    def protect(self, keeper: Keeper) -> None:
        """Have `keeper` asked before files change."""
        self._keeper = keeper

    def _forget(self) -> None:
        self._signals += 1
        self._latest = None

    # reading; with `seen`, as an execution that pinned them sees them

    def of_namespace(self, namespace: str, seen: Seen | None = None) -> list[StoredFile]:
        with self._database.read() as tx:
            return rows.of_namespace(tx, namespace, seen)

    def counts(self) -> dict[str, int]:
        with self._database.read() as tx:
            return rows.counts(tx)

    def stat(self, namespace: str, path: str, seen: Seen | None = None) -> StoredFile:
        """Raises NotFound."""
        with self._database.read() as tx:
            found = rows.get(tx, namespace, check_path(path), seen)
        if found is None:
            raise NotFound(f"namespace {namespace} has no file `{path}`")
        return found

    def read(self, namespace: str, path: str, seen: Seen | None = None) -> bytes:
        """Raises NotFound."""
        return read_blob(self._storage, self.stat(namespace, path, seen).sha256)

    def open(self, namespace: str, path: str) -> BinaryIO:
        """Raises NotFound."""
        return self._storage.open(blob_path(self.stat(namespace, path).sha256))

    def open_blob(self, sha256: str) -> BinaryIO:
        """The content of a revision; raises NotFound."""
        return self._storage.open(blob_path(sha256))

    def materialize(
        self,
        namespace: str,
        to: Path,
        include: Sequence[str],
        exclude: Sequence[str],
        seen: Seen | None = None,
    ) -> list[Path]:
        """Copy matching files below `to`."""
        written = []
        root = to.resolve()
        for file in self.of_namespace(namespace, seen):
            if matches(file.path, include, exclude):
                target = (root / file.path).resolve()
                if not target.is_relative_to(root):
                    raise InvalidInput(f"`{file.path}` would leave the working directory")
                self._storage.fetch(blob_path(file.sha256), target)
                written.append(target)
        return written

    def latest_change(self) -> int:
        """What an execution that starts now pins."""
        known, now, signals = self._latest, time.monotonic(), self._signals
        if known is not None and now - known[1] < _TRUSTED_SECONDS:
            return known[0]
        with self._database.glance() as tx:
            number = rows.latest_change(tx)
        if signals == self._signals:
            self._latest = number, now
        return number

    # history

    def revisions(self, namespace: str, path: str) -> list[FileRevision]:
        """Every state of a path, newest first; raises NotFound when there never was one."""
        with self._database.read() as tx:
            found = rows.revisions(tx, namespace, check_path(path))
        if not found:
            raise NotFound(f"namespace {namespace} has no file `{path}`")
        return found

    def revision(self, namespace: str, path: str, number: int) -> FileRevision:
        """Raises NotFound, also for a state in which the file was deleted."""
        for item in self.revisions(namespace, path):
            if item.revision == number and item.sha256 is not None:
                return item
        raise NotFound(f"`{path}` of namespace {namespace} has no revision {number} to read")

    def restore(
        self, namespace: str, path: str, number: int, by: Writing | None = None
    ) -> StoredFile:
        """Make the content of a revision the current one, as a new revision."""
        wanted = self.revision(namespace, path, number)
        by = replace(by or Writing(), message=f"restored revision {number}")
        file = StoredFile(
            namespace, check_path(path), str(wanted.sha256), wanted.size, self._clock.now()
        )
        self._put([file], by)
        return file

    # changing

    def write(
        self, namespace: str, path: str, content: bytes, by: Writing | None = None
    ) -> StoredFile:
        """Create or replace a file; a file owned by a Git source becomes edited here."""
        (file,) = self.write_all(namespace, {path: content}, by)
        return file

    def write_all(
        self, namespace: str, contents: Mapping[str, bytes], by: Writing | None = None
    ) -> list[StoredFile]:
        """Create or replace several files, as one change."""
        checked_namespace(namespace)
        files = [self.stage(namespace, path, content) for path, content in contents.items()]
        paths = {file.path for file in files}
        for path in paths:
            check_free(path, paths, replace=True)
        self._put(files, by)
        return files

    def delete(self, namespace: str, path: str, by: Writing | None = None) -> bool:
        """Delete a file, or a folder with what lies below it."""
        access.require(Permission.FILE_WRITE, namespace)
        wanted = check_path(path)
        with self._database.write() as tx:
            below = [
                (namespace, f.path)
                for f in rows.of_namespace(tx, namespace)
                if f.path == wanted or f.path.startswith(f"{wanted}/")
            ]
            self._keeper(tx, [("file", *name) for name in below])
            done = rows.remove(tx, below, self._note(by))
            if done:
                self._audit(tx, "file.delete", namespace, wanted, by or Writing())
        self._bus.publish(FILES)
        return done > 0

    def move(self, namespace: str, old: str, new: str, by: Writing | None = None) -> int:
        """Rename a file, or a folder with what lies below it; returns how many files moved.

        Raises NotFound, or Conflict when something lies at the new path.
        """
        access.require(Permission.FILE_WRITE, namespace)
        source, target = check_path(old), check_path(new)
        if f"{target}/".startswith(f"{source}/"):
            raise InvalidInput(f"`{source}` cannot move to itself or below itself")
        by = by or Writing()
        by = replace(by, message=by.message or f"moved from {source} to {target}")
        with self._database.write() as tx:
            held = {file.path: file for file in rows.of_namespace(tx, namespace)}
            moved = {
                path: target + path.removeprefix(source)
                for path in held
                if path == source or path.startswith(f"{source}/")
            }
            if not moved:
                raise NotFound(f"namespace {namespace} has no file or folder `{source}`")
            for path in moved.values():
                check_free(path, held)
            self._keeper(tx, [("file", namespace, path) for path in (*moved, *moved.values())])
            now = self._clock.now()
            note = self._note(by)
            files = [
                StoredFile(namespace, moved[path], held[path].sha256, held[path].size, now)
                for path in moved
            ]
            rows.put(tx, files, note)
            rows.remove(tx, [(namespace, path) for path in moved], note)
            self._audit(tx, "file.move", namespace, f"{source} to {target}", by)
        self._bus.publish(FILES)
        return len(moved)

    # what the sync agent does in its own transaction

    def stage(
        self, namespace: str, path: str, content: bytes, origin: FileOrigin | None = None
    ) -> StoredFile:
        """Store the content and return the pointer, which is not yet visible."""
        if len(content) > LARGEST_FILE:
            raise InvalidInput(f"`{path}`: a namespace file may hold {LARGEST_FILE:,} bytes")
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
        self,
        tx: Connection,
        put: Sequence[StoredFile],
        remove: Sequence[tuple[str, str]],
        by: Writing | None = None,
    ) -> None:
        """Make staged files visible and remove others (namespace, path), in the caller's tx."""
        note = self._note(by)
        if put:
            note = replace(note, git_source=put[0].git_source, git_commit=put[0].git_commit)
        rows.put(tx, put, note)
        rows.remove(tx, remove, note)

    def owned_by(self, tx: Connection, git_source: str) -> list[StoredFile]:
        return rows.of_source(tx, git_source)

    def live_digests(self, tx: Connection) -> dict[tuple[str, str], str]:
        """Content digests by namespace and path, within the caller's transaction."""
        return {(f.namespace, f.path): f.sha256 for f in rows.everything(tx)}

    def _put(self, files: Sequence[StoredFile], by: Writing | None) -> None:
        for namespace in {file.namespace for file in files}:
            access.require(Permission.FILE_WRITE, namespace)
        with self._database.write() as tx:
            for file in files:
                check_free(file.path, rows.around(tx, file.namespace, file.path), replace=True)
            self._keeper(tx, [("file", file.namespace, file.path) for file in files])
            rows.put(tx, files, self._note(by))
            for file in files:
                self._audit(tx, "file.write", file.namespace, file.path, by or Writing())
        self._bus.publish(FILES)

    def _note(self, by: Writing | None) -> ChangeNote:
        by = by or Writing()
        author = by.author or access.principal().name
        return ChangeNote(self._clock.now(), author, by.message, by.execution_id)

    def _audit(self, tx: Connection, action: str, namespace: str, path: str, by: Writing) -> None:
        """Changes by users; those of executions are in the history of the files."""
        if by.execution_id is None:
            audit.record(tx, action, f"{namespace}/{path}", namespace=namespace)


class FilesOfExecution:
    """What one execution sees: the files of its start, and what it changed itself."""

    def __init__(self, service: FileService, execution: Execution) -> None:
        self._service = service
        pinned = execution.variables.get(PINNED)
        self._seen = Seen(pinned, execution.id) if isinstance(pinned, int) else None
        self._by = Writing(execution_id=execution.id, author=f"{execution.flow}")

    def of_namespace(self, namespace: str) -> list[StoredFile]:
        return self._service.of_namespace(namespace, self._seen)

    def stat(self, namespace: str, path: str) -> StoredFile:
        """Raises NotFound."""
        return self._service.stat(namespace, path, self._seen)

    def read(self, namespace: str, path: str) -> bytes:
        """Raises NotFound."""
        return self._service.read(namespace, path, self._seen)

    def materialize(
        self, namespace: str, to: Path, include: Sequence[str], exclude: Sequence[str]
    ) -> list[Path]:
        """Copy matching files below `to`."""
        return self._service.materialize(namespace, to, include, exclude, self._seen)

    def write(self, namespace: str, path: str, content: bytes) -> None:
        self._service.write(namespace, path, content, self._by)

    def delete(self, namespace: str, path: str) -> bool:
        return self._service.delete(namespace, path, self._by)
