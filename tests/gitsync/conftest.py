"""Repositories to commit to, and servers that sync from them."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from mainstem.app import App
from mainstem.server import create_server
from mainstem.settings import load_settings

# Git as in the tests of git itself: nothing of the developer's own configuration.
PLAIN = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
}


def flow(flow_id: str = "hello", message: str = "hi", namespace: str = "demo") -> str:
    return (
        f"id: {flow_id}\nnamespace: {namespace}\n"
        f"tasks:\n  - {{id: say, type: core.log.Log, message: '{message}'}}\n"
    )


class Repository:
    """A Git repository written to by tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")

    def git(self, *words: str) -> str:
        done = self.try_git(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def try_git(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["git", *words], cwd=self.folder, capture_output=True, text=True, check=False, env=PLAIN
        )

    def commit(self, files: dict[str, str | None], message: str = "change") -> str:
        """Write files (None removes one) and commit; returns the commit."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


Make = Callable[..., App]


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Make]:
    """Servers that are not started, over one state folder; sources as in the settings file."""
    apps: list[App] = []

    def make(*sources: dict[str, object], **settings: object) -> App:
        overrides = {
            "state_dir": str(tmp_path / "state"),
            "git.allow_file_urls": True,
            "git.sources": list(sources),
            **settings,
        }
        environment = {"PATH": os.environ["PATH"]}
        apps.append(
            App(load_settings(overrides=overrides, environment={}), environment=environment)
        )
        return apps[-1]

    yield make
    for app in apps:
        app.syncs.close()
        app.database.close()


@pytest.fixture
def make_synced(make_app: Make, repository: Repository) -> Make:
    """A server with the source `team` of the repository."""

    def make(**source: object) -> App:
        return make_app({"name": "team", "url": str(repository.folder), **source})

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def make_synced_anywhere(
    request: pytest.FixtureRequest, make_app: Make, repository: Repository
) -> Make:
    """As `make_synced`, on either kind of database."""
    more: dict[str, object] = {}
    if request.param == "postgresql":
        more["database.url"] = request.getfixturevalue("postgres_url")

    def make(**source: object) -> App:
        return make_app({"name": "team", "url": str(repository.folder), **source}, **more)

    return make


class Served:
    """A server that listens and runs its loops."""

    def __init__(self, app: App) -> None:
        self.app = app
        config = uvicorn.Config(
            create_server(app), port=0, log_config=None, lifespan="off", ws="none"
        )
        self._web = _Quick(config)
        self._thread = threading.Thread(target=self._web.run, daemon=True)
        self._thread.start()
        assert self._web.listening.wait(20)
        app.start()
        port = self._web.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=20)

    def api(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.client.request(method, f"/api/v1{path}", **options)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    def close(self) -> None:
        self.client.close()
        self._web.should_exit = True
        self._thread.join(20)
        self.app.stop()


class _Quick(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers with these sources; open unless the settings say otherwise."""
    running: list[Served] = []

    def start(*sources: dict[str, object], **settings: object) -> Served:
        overrides = {
            "state_dir": str(tmp_path / "served"),
            "git.allow_file_urls": True,
            "git.sources": list(sources),
            "auth.mode": "none",
            **settings,
        }
        app = App(
            load_settings(overrides=overrides, environment={}),
            environment={"PATH": os.environ["PATH"]},
        )
        running.append(Served(app))
        return running[-1]

    yield start
    for server in running:
        server.close()
