"""dbt imported once, forked for each run: a program of its own, started by `warm.py`.

    python -P fork_server.py LISTENING_FD DBT IDLE_SECONDS FOLDER

A client (`fork_client.py`, which stands in for `dbt` in a task's shell) connects, is greeted,
decides whether a fork would be the same as a process of its own, and sends its arguments,
environment and standard streams. The fork takes all of them over and runs dbt's command line; its
end goes back over the connection. A connection that closes early kills the run. Standard input
names adapters to import, a line each; its end is the end of the worker, and then of this program.

Only imports happen here, never a run: what a run leaves behind must not reach the next. The
program has one thread, so that a fork finds no lock held.
"""

import gc
import importlib
import json
import locale
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MODULES: Final = (
    "dbt.cli.main",
    "dbt.adapters.factory",
    "dbt.compilation",
    "dbt.parser.manifest",
    "dbt.parser.sql",
    "dbt.task.build",
    "dbt.task.docs.generate",
    "dbt.task.freshness",
    "dbt.task.list",
    "dbt.task.run",
    "dbt.task.seed",
    "dbt.task.snapshot",
    "dbt.task.test",
    "dbt_common.clients.agate_helper",
    "_strptime",
    "daff",
    "sqlparse",
)
# Classes whose JSON Schema dbt works out in each run; it depends on nothing but the class.
CONTRACTS: Final = {
    "dbt.artifacts.resources.v1.config": ("TestConfig",),
    "dbt.artifacts.resources.v1.model": ("ModelConfig",),
    "dbt.artifacts.resources.v1.seed": ("SeedConfig",),
    "dbt.artifacts.resources.v1.snapshot": ("SnapshotConfig",),
    "dbt.artifacts.resources.v1.source_definition": ("SourceConfig",),
    "dbt.contracts.graph.nodes": ("GenericTestNode", "ModelNode", "SeedNode", "SingularTestNode",
                                  "SnapshotNode"),
    "dbt.contracts.graph.unparsed": ("UnparsedMacroUpdate", "UnparsedModelUpdate",
                                     "UnparsedNodeUpdate", "UnparsedSourceDefinition"),
    "dbt.contracts.project": ("Configuration", "PackageConfig", "ProfileConfig", "Project",
                              "ProjectFlags"),
    "dbt.contracts.selection": ("SelectorFile",),
}  # fmt: skip
# What an interpreter and libraries read only when they start; a run that sets them differently
# must be a process of its own.
STARTING: Final = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_", "DYLD_", "PROTOCOL_BUFFERS_",
                   "DBT_MACRO_DEBUGGING", "DBT_PACKAGE_HUB_URL", "ARROW_", "GRPC_")  # fmt: skip
NAMESPACES: Final = ("mnt", "net", "user", "pid", "ipc", "uts")
_HARMLESS_THREADS: Final = frozenset({"jemalloc_bg_thd"})  # it restarts itself in a fork
_LARGEST_REQUEST: Final = 8 << 20
_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG


@dataclass(slots=True, eq=False)
class Run:
    """A connection, and the fork that works for it."""

    connection: socket.socket
    received: bytes = b""
    fds: list[int] = field(default_factory=list)
    pid: int = 0
    pidfd: int = -1
    is_ending: bool = False

    def tell(self, **message: object) -> None:
        with suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        self.connection.close()
        for fd in self.fds:
            os.close(fd)
        if self.pidfd >= 0:
            os.close(self.pidfd)
        self.fds, self.pidfd = [], -1


class Server:
    """Accepts connections until nobody needs it any more."""

    def __init__(self, listener: socket.socket, idle_seconds: float) -> None:
        self._listener = listener
        self._idle_seconds = idle_seconds
        self._libc = importlib.import_module("ctypes").CDLL(None)
        self._runs: list[Run] = []
        self._orders = b""
        self._is_left_alone = False
        self._greeting = {
            "namespaces": namespaces(),
            "prefixes": STARTING,
            "environment": starting(os.environ),
        }

    def serve(self) -> tuple[Run, Mapping[str, Any]] | None:
        """Returns the run in each fork, and nothing in the parent, at its end."""
        used = time.monotonic()
        while not (self._is_left_alone and not self._runs):
            ready = self._wait()
            if self._runs or ready:
                used = time.monotonic()
            elif time.monotonic() - used >= self._idle_seconds:
                return None
            # one at a time: what comes of it may close, and reuse, the other descriptors
            forked = self._handle(ready[0]) if ready else None
            if forked is not None:
                return forked
        return None

    def _wait(self) -> list[int]:
        poll = select.poll()
        if not self._is_left_alone:
            poll.register(0, select.POLLIN)
            poll.register(self._listener, select.POLLIN)
        for run in self._runs:
            if run.connection.fileno() >= 0:
                poll.register(run.connection, select.POLLIN)
            if run.pidfd >= 0:
                poll.register(run.pidfd, select.POLLIN)
        return [fd for fd, _ in poll.poll(self._idle_seconds * 1000 + 1)]

    def _handle(self, fd: int) -> tuple[Run, Mapping[str, Any]] | None:
        if fd == 0:
            self._take_orders()
        elif fd == self._listener.fileno():
            self._accept()
        for run in list(self._runs):
            if fd == run.pidfd:
                self._reap(run)
            elif fd == run.connection.fileno():
                request = self._receive(run)
                if request is not None and self._fork(run):
                    return run, request
        return None

    def _take_orders(self) -> None:
        chunk = os.read(0, 1 << 16)
        self._is_left_alone = not chunk
        *lines, self._orders = (self._orders + chunk).split(b"\n")
        for line in lines:
            load_adapter(line.decode())
            keep()

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._listener.accept()
            _, uid, _ = struct.unpack(
                "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            )
            if uid != os.geteuid() or not is_safe_to_fork():
                connection.close()
                return
            connection.setblocking(False)
            self._runs.append(run := Run(connection))
            run.tell(**self._greeting)

    def _receive(self, run: Run) -> Mapping[str, Any] | None:
        """What came: the request, or afterwards signals for the run."""
        try:
            chunk, fds, _, _ = socket.recv_fds(run.connection, 1 << 16, 3)
        except BlockingIOError:
            return None
        except OSError:
            chunk, fds = b"", []
        run.fds += fds
        run.received += chunk
        if not chunk or len(run.received) > _LARGEST_REQUEST:
            self._leave(run)
            return None
        *lines, run.received = run.received.split(b"\n")
        for line in lines:
            message: dict[str, Any] = json.loads(line)
            if not run.pid and len(run.fds) == 3:
                return message
            run.is_ending = True
            _signal(run, int(message["signal"]))
        return None

    def _fork(self, run: Run) -> bool:
        """True in the fork."""
        parent = os.getpid()
        pid = os.fork()
        if pid:
            run.pid, run.pidfd = pid, os.pidfd_open(pid)
            for fd in run.fds:
                os.close(fd)
            run.fds = []
            run.tell(started=pid)
            return False
        self._libc.prctl(_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        os.setsid()
        for number, fd in enumerate(run.fds):
            os.dup2(fd, number)
        self._listener.close()
        for other in self._runs:
            other.close()
        return True

    def _leave(self, run: Run) -> None:
        """The client is gone, so is what it wanted; its fork is reaped when it has ended."""
        if run.pid:
            run.is_ending = True
            _signal(run, signal.SIGKILL)
            run.connection.close()
            return
        self._runs.remove(run)
        run.close()

    def _reap(self, run: Run) -> None:
        if run.is_ending:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(run.pid, signal.SIGKILL)
        _, status = os.waitpid(run.pid, 0)
        run.tell(exit=os.waitstatus_to_exitcode(status))
        self._runs.remove(run)
        run.close()


def _signal(run: Run, number: int) -> None:
    try:
        os.killpg(run.pid, number)
    except ProcessLookupError:  # it has not made its group yet
        with suppress(ProcessLookupError):
            os.kill(run.pid, number)


def namespaces() -> list[str]:
    return [os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES]


def starting(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(STARTING)}


def is_safe_to_fork() -> bool:
    """No thread but ours: another may hold a lock that nobody would release in the fork."""
    others = 0
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            others += (task / "comm").read_text().strip() not in _HARMLESS_THREADS
    return others == 1


def load_dbt() -> None:
    for module in MODULES:
        with suppress(ImportError):  # another version of dbt has other modules
            importlib.import_module(module)
    for module, classes in CONTRACTS.items():
        for name in classes:
            with suppress(ImportError, AttributeError):
                getattr(importlib.import_module(module), name).json_schema()


def load_adapter(module: str) -> None:
    with suppress(ImportError, AttributeError):
        importlib.import_module(module).Plugin.credentials.json_schema()


def keep() -> None:
    """What is loaded stays: forks share its memory as long as nothing looks at it."""
    gc.collect()
    gc.freeze()


def become(request: Mapping[str, Any], program: str) -> None:
    """Take over what a process would have got from its parent."""
    os.umask(int(request["umask"]))
    for number, limits in enumerate(request["limits"]):
        with suppress(OSError, ValueError):
            resource.setrlimit(number, tuple(limits))
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")
    sys.argv[:] = [program, *request["arguments"]]


def main(fd: str, program: str, idle_seconds: str, folder: str) -> int:
    sys.path.insert(0, str(Path(program).parent))
    listener = socket.socket(fileno=int(fd))
    server = Server(listener, float(idle_seconds))
    load_dbt()
    keep()
    forked = server.serve()
    if forked is None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # nothing is open, and taking an interpreter this full apart takes long
    become(forked[1], program)
    cli = importlib.import_module("dbt.cli.main").cli
    try:
        return cli()  # type: ignore[no-any-return]
    finally:
        gc.unfreeze()  # the end of an interpreter closes what is open, databases among it


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
