"""Servers as users start them: processes of their own, reached over HTTP."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest


class Running:
    """`mainstem up` in a state folder."""

    def __init__(self, state: Path, *options: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAINSTEM_")}
        environment["XDG_CONFIG_HOME"] = str(state.parent / "config")
        self.log = state.parent / "server.log"
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mainstem", "up", "--state", str(state), "--port", "0",
                 "--set", "runners.default=process", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "ready at " in line, self.log.read_text()
        self.greeting = line
        base = line.split("ready at ")[1].split("/ui/")[0]
        told = json.loads((state / "local.json").read_text())
        owner = {"authorization": f"Bearer {told['token']}"}
        self.api = httpx.Client(
            base_url=f"{base}/api/v1", timeout=60, trust_env=False, headers=owner
        )
        self.web = httpx.Client(base_url=base, timeout=60, trust_env=False, headers=owner)

    def line(self, start: str) -> str:
        """The next line that it prints, which begins so."""
        assert self._process.stdout is not None
        found = self._process.stdout.readline()
        assert found.startswith(start), found
        return found

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self, number: signal.Signals) -> int:
        self.api.close()
        self.web.close()
        self._process.send_signal(number)
        code = self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts servers on one state folder; those left running are ended."""
    started: list[Running] = []

    def start(*options: str) -> Running:
        started.append(Running(tmp_path / "state", *options))
        return started[-1]

    yield start
    for server in started:
        if server.is_alive:
            server.end(signal.SIGTERM)
