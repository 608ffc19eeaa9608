"""Child processes of the demo: started with a log file, waited for, and stopped in order."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path


class DemoError(Exception):
    """Something the reader can act on; the message says what, where and what to do next."""


@dataclass
class Child:
    """One started program and the file its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM

    def last_lines(self, count: int = 20) -> str:
        """The end of the log; bounded, because a log may be long."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 64 * 1024))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Poll until `ready`; a child that ends early fails at once with the end of its log."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise DemoError(
                    f"{self.name} ended with exit code {self.process.returncode} while starting.\n"
                    f"The end of {self.log}:\n{self.last_lines()}"
                )
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{self.name} was not ready after {seconds:.0f} s.\n"
                    f"The end of {self.log}:\n{self.last_lines()}"
                )
            time.sleep(0.05)

    def stop(self, seconds: float = 15) -> None:
        """Ask politely, then end the child's whole session: nothing it started stays behind."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Children:
    """Everything one script started; leaving the `with` block undoes it, last started first."""

    logs: Path
    cleanups: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Children":
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.cleanups.close()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Child:
        """Start in a session of its own, so that Ctrl-C reaches us first and we stop in order."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=None if env is None else dict(env),
                cwd=cwd,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log, stop_signal)
        self.cleanups.callback(child.stop)
        return child


def free_port() -> int:
    """A port nobody listens on now; the caller binds it soon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
