"""A repository to commit to, and a server that syncs from it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mainstem.app import App
from mainstem.settings import load_settings


class Repository:
    """A Git repository written to by tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

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


@pytest.fixture
def make_synced(tmp_path: Path, repository: Repository) -> Iterator[Callable[..., App]]:
    apps: list[App] = []

    def make(**source: object) -> App:
        given = {"name": "team", "url": str(repository.folder), **source}
        settings = load_settings(
            overrides={
                "state_dir": str(tmp_path / "state"),
                "git.allow_file_urls": True,
                "git.sources": [given],
            },
            environment={},
        )
        apps.append(App(settings))
        return apps[-1]

    yield make
    for app in apps:
        app.database.close()
