"""One process per state folder."""

import fcntl
import os
import socket
from pathlib import Path
from typing import Self

from mainstem.errors import Conflict
from mainstem.ids import random_id


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


def instance_of(folder: Path) -> str:
    """The name under which servers of this state folder are known to others.

    The part in the file is made once; the host tells copies of a machine apart.
    """
    file = folder / "instance"
    try:
        made = file.read_text().strip()
    except FileNotFoundError:
        made = ""
    if not made:
        folder.mkdir(parents=True, exist_ok=True)
        made = random_id()
        file.write_text(f"{made}\n")
    return f"{made}@{socket.gethostname()}"[:64]
