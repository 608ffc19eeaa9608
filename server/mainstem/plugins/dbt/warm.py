"""The fork server of this worker: started on first use, found on the path before `dbt` itself."""

import atexit
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from mainstem.plugins.dbt import fork_client, fork_server

_IDLE_SECONDS: Final = 600.0
_SOCKET: Final = "socket"
_END_SECONDS: Final = 2.0
_ADAPTER: Final = re.compile(r"[a-z_]+")
# One thread for linear algebra, as others would be there at the time of a fork.
_OWN: Final = {"PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(slots=True)
class _Server:
    """Its standard input lives as long as this worker, and tells it what to import."""

    child: "subprocess.Popen[bytes]"
    orders: IO[bytes]
    folder: Path
    adapters: set[str]

    @property
    def is_running(self) -> bool:
        return self.child.poll() is None

    def order(self, adapter: str) -> None:
        if adapter not in self.adapters and _ADAPTER.fullmatch(adapter):
            self.adapters.add(adapter)
            self.orders.write(f"dbt.adapters.{adapter}\n".encode())

    def close(self) -> None:
        with suppress(OSError):
            self.orders.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class WarmDbt:
    """Fork servers by what a process reads when it starts; there is hardly ever more than one."""

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._servers: dict[tuple[object, ...], _Server] = {}

    def folder(self, dbt: Path, environment: Mapping[str, str], adapter: str) -> Path | None:
        """A folder with a `dbt` that is warm, or will be; None where that cannot be had."""
        if not sys.platform.startswith("linux"):
            return None
        key = (dbt, *sorted(fork_server.starting(environment).items()))
        try:
            with self._lock:
                found = self._servers.get(key)
                if found is None or not found.is_running:
                    if found is not None:
                        found.close()
                    found = self._servers[key] = self._start(dbt, environment)
                found.order(adapter)
                return found.folder
        except OSError:
            return None

    def pids(self) -> list[int]:
        with self._lock:
            return [found.child.pid for found in self._servers.values() if found.is_running]

    def close(self) -> None:
        """End the servers; where a run is under way it goes on, and its server ends after it."""
        with self._lock:
            for found in self._servers.values():
                found.close()
            for found in self._servers.values():
                with suppress(subprocess.TimeoutExpired):
                    found.child.wait(_END_SECONDS)

    def _start(self, dbt: Path, environment: Mapping[str, str]) -> _Server:
        folder = Path(tempfile.mkdtemp(prefix="mainstem-dbt-"))  # short, as addresses must be
        try:
            _place(folder, dbt)
            child = self._launch(folder, dbt, environment)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        assert child.stdin is not None
        return _Server(child, child.stdin, folder, set())

    def _launch(
        self, folder: Path, dbt: Path, environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        address = folder / _SOCKET
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(address))
            address.chmod(0o600)
            listener.listen(128)
            return subprocess.Popen(
                [sys.executable, "-P", fork_server.__file__, str(listener.fileno()), str(dbt),
                 str(self._idle_seconds), str(folder)],
                env={**environment, **_OWN},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
            )  # fmt: skip


def _place(folder: Path, dbt: Path) -> None:
    """Write the stand-in; raises OSError where nothing can be executed from such a folder."""
    client = [sys.executable, "-IS", fork_client.__file__, str(folder / _SOCKET), str(dbt)]
    program = folder / "dbt"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(client)} "$@"\n')
    program.chmod(0o700)
    if not os.access(program, os.X_OK):
        raise PermissionError(f"{folder} is mounted without `exec`")


WARM_DBT: Final = WarmDbt()
atexit.register(WARM_DBT.close)
