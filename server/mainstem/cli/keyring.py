"""Tokens that the command line shows to servers, and where they come from."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mainstem.cli.options import read_text
from mainstem.errors import InvalidInput, MainstemError
from mainstem.runtime import local_access
from mainstem.settings import client_environment, load_settings, user_folder

_FILE: Final = "credentials.json"


def servers_folder() -> Path:
    """Notes of which state folder serves which port of this machine."""
    return user_folder() / "servers"


def token_for(
    server: str, token_file: Path | None = None, state_dir: Path | None = None
) -> str | None:
    """The token for a server: given, kept by `mainstem login`, or left by a server of this machine.

    Raises InvalidInput when a file that was named cannot be read.
    """
    given = client_environment()
    if token_file is None and given.token_file:
        token_file = Path(given.token_file)
    if token_file is not None:
        return read_text(token_file).strip()
    if given.token:
        return given.token.strip()
    return _kept().get(server) or _left(server, state_dir)


def _left(server: str, state_dir: Path | None) -> str | None:
    for folder in [state_dir] if state_dir else _likely_folders(server):
        found = local_access.find(folder)
        if found is not None and found.fits(server):
            return found.token
    return None


def _likely_folders(server: str) -> Iterator[Path]:
    known = local_access.recall(servers_folder(), server)
    if known is not None:
        yield known
    with contextlib.suppress(MainstemError):
        yield load_settings().state_dir


def _kept() -> dict[str, str]:
    try:
        told = json.loads((user_folder() / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def keep_token(server: str, token: str) -> Path:
    """Readable by the user only."""
    _write({**_kept(), server: token})
    return user_folder() / _FILE


def forget_token(server: str) -> None:
    _write({name: token for name, token in _kept().items() if name != server})


def _write(tokens: dict[str, str]) -> None:
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f"{_FILE}.new"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(tokens, file)
        draft.replace(folder / _FILE)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error.strerror}") from error
