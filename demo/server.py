"""The Mainstem server as a child process, with a repository to sync and a local Google Cloud."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from demo.client import Api
from demo.processes import Children, DemoError

REPOSITORY = Path(__file__).resolve().parent.parent
SYNCED = ("flows", "files", "dbt")
NOT_SYNCED = shutil.ignore_patterns("target", "logs", "dbt_packages", "__pycache__", "*.duckdb")
SOURCE = "demo"
READY_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """What a server is started with."""

    port: int
    project: str
    repository: Path | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """A running server: its API, and where it keeps its state."""

    api: Api
    state: Path
    project: str

    def key(self) -> str:
        """A service-account key of the local cloud, as the JSON text that Google would hand out."""
        command = [sys.executable, "-m", "mainstem", "local-gcp", "key"]
        command += ["--state", str(self.state / "local-gcp"), "--project", self.project]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"mainstem local-gcp key failed: {done.stderr.strip()}")
        return json.dumps(json.loads(done.stdout))


def make_repository(folder: Path) -> Path:
    """One commit on `main` with what the sync agent reads, as a user's repository would have it."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in SYNCED:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=NOT_SYNCED)
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "Load taxi trips and build their models"),
    ):
        command = ["git", "-c", "user.name=Demo", "-c", "user.email=demo@localhost"]
        command += ["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"git {arguments[0]} failed in {folder}: {done.stderr.strip()}")
    return folder


def settings(state: Path, plan: Plan) -> dict[str, object]:
    """What differs from the defaults."""
    source = {
        "name": SOURCE,
        "url": str(plan.repository),
        "branch": "main",
        "interval_seconds": 5,
    }
    git = {"allow_file_urls": True, "sources": [source] if plan.repository else []}
    return {
        "state_dir": str(state),
        "server": {"port": plan.port},
        # The local cloud and PostgreSQL listen on this machine's loopback, where no container gets.
        "runners": {"default": "process", "docker": {"fallback": "process"}},
        "git": git,
    }


def start(children: Children, folder: Path, plan: Plan) -> Server:
    """Start `mainstem up --local-gcp` in `folder` and return when it is healthy."""
    state, config = folder / "state", folder / "settings.yaml"
    config.write_text(yaml.safe_dump(settings(state, plan), sort_keys=False))
    variables = {**os.environ, **plan.env}
    for name, value in plan.secrets.items():
        variables[f"SECRET_{name}"] = base64.b64encode(value.encode()).decode()
    command = [sys.executable, "-m", "mainstem", "up", "--config", str(config), "--local-gcp"]
    server = children.start("server", command, env=variables, cwd=folder)
    api = Api(f"http://127.0.0.1:{plan.port}")
    children.cleanups.callback(api.close)
    server.wait_until(api.healthy, READY_WITHIN_SECONDS)
    api.unlock(state)
    return Server(api, state, plan.project)
