"""Local Google Cloud as a child process: for tests, demos and programs that embed it."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from mainstem.errors import Stalled
from mainstem.localgcp.config import DEFAULT_PROJECT
from mainstem.localgcp.ports import Endpoints

READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 15.0


class LocalGcp:
    """Starts on entering, is ready then, and is gone on leaving; the state folder stays."""

    def __init__(
        self,
        state: Path,
        *,
        project: str = DEFAULT_PROJECT,
        options: Sequence[str] = (),
        python: str = sys.executable,
    ) -> None:
        self.state = state
        self.project = project
        self._python = python
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._endpoints: Endpoints | None = None

    @property
    def endpoints(self) -> Endpoints:
        assert self._endpoints is not None, "local Google Cloud is not running"
        return self._endpoints

    @property
    def pid(self) -> int:
        assert self._process is not None, "local Google Cloud is not running"
        return self._process.pid

    def environment(self) -> Mapping[str, str]:
        """Variables with which client libraries find the emulators by themselves."""
        return {
            "STORAGE_EMULATOR_HOST": self.endpoints.storage,
            "BIGQUERY_EMULATOR_HOST": self.endpoints.bigquery,
            "GOOGLE_CLOUD_PROJECT": self.project,
        }

    def start(self) -> None:
        """Start the child and return when it has printed its endpoints."""
        self.state.mkdir(parents=True, exist_ok=True)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            self._argv(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
        )
        line = self._first_line()
        if line is None:
            words = self.messages()
            self.stop()
            raise Stalled(f"Local Google Cloud did not start: {words or 'it printed nothing'}")
        content = json.loads(line)
        self._endpoints = Endpoints(
            **{name: content[name] for name in Endpoints.__dataclass_fields__}
        )

    def stop(self) -> None:
        """Stop gracefully, and for certain after a while."""
        process, self._process, self._endpoints = self._process, None, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._close(process)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); what was acknowledged must be there afterwards."""
        process, self._process, self._endpoints = self._process, None, None
        assert process is not None, "local Google Cloud is not running"
        process.kill()
        process.wait()
        self._close(process)

    def key(self, email: str | None = None) -> dict[str, str]:
        """Issue a service-account key, as `mainstem local-gcp key` does."""
        argv = [self._python, "-m", "mainstem.localgcp", "key", "--state", str(self.state)]
        argv += ["--project", self.project, *(["--email", email] if email else [])]
        answer = subprocess.run(argv, check=True, capture_output=True)
        key: dict[str, str] = json.loads(answer.stdout)
        return key

    def messages(self) -> str:
        """What the child wrote to stderr so far."""
        if self._errors is None or self._errors.closed:
            return ""
        descriptor = self._errors.fileno()
        return os.pread(descriptor, 65_536, 0).decode("utf-8", "replace").strip()

    def __enter__(self) -> "LocalGcp":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _argv(self) -> list[str]:
        return [
            *(self._python, "-m", "mainstem.localgcp", "up", "--json"),
            *("--state", str(self.state), "--project", self.project),
            *("--parent-pid", str(os.getpid())),
            *self._options,
        ]

    def _first_line(self) -> bytes | None:
        """The ready line, or None if the child ended or took too long."""
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(READY_WITHIN_SECONDS):
                return None
        return self._process.stdout.readline() or None

    def _close(self, process: subprocess.Popen[bytes]) -> None:
        for stream in (process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
