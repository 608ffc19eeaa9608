"""One process per state folder."""

import fcntl
import os
from pathlib import Path
from typing import Self

from mainstem.errors import Conflict


class StateLock:
    """Held while the process lives; the kernel gives it free even after kill -9."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "lock"
        self._file = self._path.open("a+")

    def acquire(self) -> Self:
        """Raises Conflict naming the process that has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise Conflict(
                f"the state folder {self._path.parent} is in use by process {owner}: stop that "
                "server, or choose another folder with --state"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        return self

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_exc: object) -> None:
        self.release()

    def release(self) -> None:
        self._file.close()
