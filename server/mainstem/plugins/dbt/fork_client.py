"""Stands in for `dbt` in a task's shell: asks the fork server, else runs dbt itself.

    python -IS fork_client.py SOCKET DBT ARGUMENT...

It lives as long as the fork: signals go through, the exit code comes back. It imports little, as
its start is what each run pays.
"""

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any, Final, NoReturn

_NAMESPACES: Final = ("mnt", "net", "user", "pid", "ipc", "uts")
_PATIENCE_SECONDS: Final = 60.0
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_LIMITS: Final = 16


class Unfit(Exception):
    """A fork would not be what a process of its own is, or there is none to be had."""


class Lines:
    """The messages of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = b""

    def next(self) -> Mapping[str, Any] | None:
        """The next message; None at the end of the connection."""
        while b"\n" not in self._rest:
            try:
                chunk = self._connection.recv(1 << 16)
            except ConnectionError:
                chunk = b""
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


def main(address: str, program: str, *arguments: str) -> NoReturn:
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_PATIENCE_SECONDS)
        connection.connect(address)
        lines = Lines(connection)
        _check(lines.next())
        request = _request(arguments)
        socket.send_fds(connection, [request[:1]], [0, 1, 2])
        connection.sendall(request[1:])
        if lines.next() is None:
            raise Unfit
    except (OSError, Unfit, ValueError, KeyError):
        os.execv(program, [program, *arguments])  # noqa: S606
    connection.settimeout(None)
    for number in _PASSED_ON:
        signal.signal(number, lambda number, _frame: _pass_on(connection, number))
    _end(lines.next())


def _check(greeting: Mapping[str, Any] | None) -> None:
    """Refuse a server in other namespaces, or whose interpreter started differently."""
    if greeting is None:
        raise Unfit
    if greeting["namespaces"] != [os.readlink(f"/proc/self/ns/{name}") for name in _NAMESPACES]:
        raise Unfit
    prefixes = tuple(greeting["prefixes"])
    mine = {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    if mine != greeting["environment"]:
        raise Unfit


def _request(arguments: tuple[str, ...]) -> bytes:
    umask = os.umask(0o077)
    os.umask(umask)
    message = {
        "arguments": arguments,
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "umask": umask,
        "limits": [resource.getrlimit(number) for number in range(_LIMITS)],
    }
    return json.dumps(message).encode() + b"\n"


def _pass_on(connection: socket.socket, number: int) -> None:
    connection.sendall(json.dumps({"signal": number}).encode() + b"\n")


def _end(message: Mapping[str, Any] | None) -> NoReturn:
    if message is None:
        print(
            "dbt was cut off: the process it was forked from has ended. Run the task again, or "
            "set `runners.dbt_warm: false` if this comes back",
            file=sys.stderr,
        )
        sys.exit(1)
    code = int(message["exit"])
    if code < 0:  # end the same way, so that the shell sees the signal
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
