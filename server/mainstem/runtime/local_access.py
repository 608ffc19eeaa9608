"""How programs of the same user on the same machine reach a running server.

The server leaves a token, fresh at every start, in its state folder, readable by its owner only.
Whoever can read that folder holds the database anyway.
"""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_FILE: Final = "local.json"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """Where a server of this machine listens, and what it accepts from its owner."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"LocalAccess({self.url})"

    def fits(self, server: str) -> bool:
        """Whether an address is that of this server; its token goes nowhere else."""
        wanted, own = urlsplit(server), urlsplit(self.url)
        return wanted.hostname in _LOOPBACK and wanted.port == own.port


def leave(state_dir: Path, found: LocalAccess) -> None:
    """Write it for the owner of the state folder, in one step."""
    target, draft = state_dir / _FILE, state_dir / f"{_FILE}.new"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": found.url, "token": found.token}, file)
    draft.replace(target)


def take_away(state_dir: Path) -> None:
    (state_dir / _FILE).unlink(missing_ok=True)


def find(state_dir: Path) -> LocalAccess | None:
    """What a server left in its state folder; None where there is none or it may not be read."""
    try:
        told = json.loads((state_dir / _FILE).read_text())
        return LocalAccess(str(told["url"]), str(told["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


# where state folders are, for commands that are run elsewhere


def remember(folder: Path, url: str, state_dir: Path) -> None:
    """Note in the user's folder which state folder serves a port; not being able to is no loss."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / str(urlsplit(url).port)).write_text(str(state_dir.resolve()))


def recall(folder: Path, server: str) -> Path | None:
    try:
        port = urlsplit(server).port
        return Path((folder / str(port)).read_text().strip()) if port else None
    except (OSError, ValueError):
        return None
