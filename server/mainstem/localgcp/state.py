"""The state folder: where everything lives, who holds it, and how files in it are replaced."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mainstem.errors import Conflict


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The layout of one local Google Cloud on disk."""

    root: Path

    @property
    def storage(self) -> Path:
        return self.root / "gcs"

    @property
    def bigquery(self) -> Path:
        return self.root / "bigquery"

    @property
    def secretmanager(self) -> Path:
        return self.root / "secretmanager"

    @property
    def auth(self) -> Path:
        return self.root / "auth"

    @property
    def ports_file(self) -> Path:
        return self.root / "ports.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the folder for this process; the kernel lets go even after kill -9."""
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(self._in_use(descriptor)) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def _in_use(self, descriptor: int) -> str:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        return (
            f"{self.root} is in use by another local Google Cloud (process {holder}). "
            f"Stop that process, or give this one a folder of its own with --state."
        )


@contextlib.contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Wait for the lock of one small file; for read-change-write by several processes."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write the file whole or not at all, so that a crash on any line leaves a readable one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
