"""The Compose file brought up for real, and its API."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
COMPOSE = Path(sys.executable).parent / "docker-compose"


@dataclass
class Stack:
    """`docker compose` with this repository's file, under a project name of its own."""

    docker_host: str
    folder: Path
    variables: Mapping[str, str]
    files: tuple[str, ...] = ("docker-compose.yml",)
    project: str = "mainstem-test"
    admin_password: str = field(default="", repr=False)

    def write_environment(self) -> None:
        """What `make env` writes, and this test's images and ports."""
        file = self.folder / ".env"
        file.write_text("".join(f"{name}={value}\n" for name, value in self.variables.items()))
        subprocess.run(
            [sys.executable, "scripts/compose_env.py", "--file", str(file)],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        pairs = dict(line.split("=", 1) for line in file.read_text().splitlines())
        self.admin_password = pairs["MAINSTEM_ADMIN_PASSWORD"]

    def compose(self, *arguments: str) -> str:
        files = [word for name in self.files for word in ("-f", str(ROOT / name))]
        done = subprocess.run(
            [
                str(COMPOSE), "--project-name", self.project,
                "--project-directory", str(self.folder),
                "--env-file", str(self.folder / ".env"), *files, *arguments,
            ],
            capture_output=True,
            text=True,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "DOCKER_HOST": self.docker_host,
            },
        )  # fmt: skip
        assert done.returncode == 0, f"compose {arguments[0]}: {done.stderr[-3000:]}"
        return done.stdout

    def up(self, *services: str) -> None:
        self.compose("up", "--detach", "--no-build", "--pull", "never", "--wait", *services)

    def down(self) -> None:
        self.compose("down", "--volumes", "--timeout", "30")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.variables['MAINSTEM_PORT']}"

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, auth=("admin", self.admin_password), timeout=180, trust_env=False
        )


def import_flow(api: httpx.Client, source: str) -> None:
    done = api.post("/api/v1/flows/import", files={"fileUpload": ("flow.yaml", source)})
    assert done.status_code < 300, done.text


def put_file(api: httpx.Client, namespace: str, path: str, content: bytes) -> None:
    done = api.post(
        f"/api/v1/namespaces/{namespace}/files",
        params={"path": f"/{path}"},
        files={"fileContent": (Path(path).name, content)},
    )
    assert done.status_code < 300, done.text


def set_key(api: httpx.Client, namespace: str, key: str, value: str) -> None:
    done = api.put(f"/api/v1/namespaces/{namespace}/kv/{key}", content=json.dumps(value))
    assert done.status_code < 300, done.text


def execute(api: httpx.Client, namespace: str, flow: str, **inputs: str) -> dict[str, object]:
    """Run to the end; returns the execution, and fails with its log unless it succeeded."""
    fields = {name: (None, value) for name, value in inputs.items()} or {"_": (None, "")}
    made = api.post(f"/api/v1/executions/{namespace}/{flow}", files=fields, params={"wait": "true"})
    assert made.status_code < 300, made.text
    execution: dict[str, object] = made.json()
    deadline = time.monotonic() + 180
    while _state(execution) not in ("SUCCESS", "WARNING", "FAILED", "KILLED"):
        assert time.monotonic() < deadline, execution
        execution = api.get(f"/api/v1/executions/{execution['id']}").json()
    if _state(execution) != "SUCCESS":
        lines = api.get(f"/api/v1/logs/{execution['id']}").json()
        raise AssertionError("\n".join(str(line.get("message")) for line in lines)[-4000:])
    return execution


def _state(execution: Mapping[str, object]) -> object:
    state = execution["state"]
    assert isinstance(state, dict)
    return state["current"]
