"""Server processes on one database, started as users start them, and ways to end them."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


class Node:
    """`mainstem up` with a state folder and roles of its own."""

    def __init__(self, folder: Path, name: str, url: str, *options: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAINSTEM_")}
        environment["MAINSTEM_DATABASE__URL"] = url
        environment["XDG_CONFIG_HOME"] = str(folder / "config")
        self.state = folder / name
        self.log = folder / f"{name}.log"
        command = [
            sys.executable, "-m", "mainstem", "up", "--state", str(folder / name), "--port", "0",
            "--set", f"secrets.key_file={folder / 'master.key'}",
            "--set", f"storage.path={folder / 'storage'}", "--set", "runners.default=process",
            "--set", "cluster.lease_seconds=1", "--set", "cluster.lost_seconds=2",
            "--set", "log_format=json", "--set", "database.pool_size=4",
            *(part for option in options for part in ("--set", option)),
        ]  # fmt: skip
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )

    def ready(self) -> "Node":
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "ready at " in line, self.log.read_text()
        self.base = (
            line.split("ready at ")[1].split()[0].removesuffix("/ui/").removesuffix("/health")
        )
        self.api = httpx.Client(
            base_url=f"{self.base}/api/v1", timeout=60, trust_env=False, headers=self._owner()
        )
        self.web = httpx.Client(base_url=self.base, timeout=60, trust_env=False)
        return self

    def _owner(self) -> dict[str, str]:
        """What a process with users leaves for the owner of its state folder."""
        left = self.state / "local.json"
        if not left.exists():
            return {}
        return {"authorization": f"Bearer {json.loads(left.read_text())['token']}"}

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=40)
        if self.process.stdout is not None:
            self.process.stdout.close()
        if hasattr(self, "api"):
            self.api.close()
            self.web.close()
        return code

    def follow_to_end(self, execution_id: str) -> dict[str, object]:
        with self.api.stream("GET", f"/executions/{execution_id}/follow", timeout=60) as events:
            for line in events.iter_lines():
                if line == "event: end":
                    break
        return dict(self.api.get(f"/executions/{execution_id}").json())

    def logged(self) -> str:
        return self.log.read_text()


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Look until it holds; patient, as the machine may be busy."""
    pause = threading.Event()
    for _ in range(1_500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError(f"never happened: {what}")
