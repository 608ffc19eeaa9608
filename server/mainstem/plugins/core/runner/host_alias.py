"""`host.docker.internal` for processes: the name that flows written for containers use.

Where the name does not resolve, a command that mentions it gets a mount namespace of its own in
which /etc/hosts has the name; the machine's file is never touched.
"""

import os
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from mainstem.model.log import Level
from mainstem.sdk.context import RunContext
from mainstem.sdk.runner import Command

NAME: Final = "host.docker.internal"
_HOSTS: Final = Path("/etc/hosts")
_LARGEST: Final = 256_000
_MOST_FILES: Final = 500
_MOUNT: Final = 'mount --bind "$0" /etc/hosts && exec "$@"'


def with_host_alias(ctx: RunContext, command: Command) -> list[str]:
    """The argument vector, wrapped when the command needs the name and cannot resolve it."""
    argv = list(command.argv)
    if not _mentions(command) or _resolves():
        return argv
    wrapper = _wrapper()
    if wrapper is None:
        ctx.log.log(
            Level.WARN,
            f"{NAME} does not resolve here and cannot be added for one process: add "
            f"`{ctx.settings.host_alias} {NAME}` to /etc/hosts of this machine",
        )
        return argv
    hosts = ctx.workdir / ".hosts"
    hosts.write_text(f"{_HOSTS.read_text()}\n{ctx.settings.host_alias} {NAME}\n")
    return [*wrapper, "sh", "-c", _MOUNT, str(hosts), *argv]


def _mentions(command: Command) -> bool:
    if any(NAME in text for text in (*command.argv, *command.env.values())):
        return True
    for number, (folder, _, names) in enumerate(os.walk(command.workdir)):
        if number > _MOST_FILES:
            return False
        if any(_file_mentions(Path(folder) / name) for name in names[:_MOST_FILES]):
            return True
    return False


def _file_mentions(path: Path) -> bool:
    try:
        if path.stat().st_size > _LARGEST or not path.is_file():
            return False
        return NAME.encode() in path.read_bytes()
    except OSError:
        return False


@cache
def _resolves() -> bool:
    try:
        socket.getaddrinfo(NAME, None)
    except OSError:
        return False
    return True


@cache
def _wrapper() -> tuple[str, ...] | None:
    """How to get a mount namespace here, tried once; None where the kernel refuses."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    private = ("--mount", "--propagation", "private")
    for options in (private, ("--user", "--map-root-user", *private)):
        trial = [unshare, *options, "sh", "-c", _MOUNT, str(_HOSTS), "true"]
        if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
            return (unshare, *options)
    return None
