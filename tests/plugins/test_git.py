"""Git tasks on a repository of this machine."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mainstem.app import App
from mainstem.model.state import State
from mainstem.settings import load_settings
from tests.plugins.bench import Bench, task
from tests.server.conftest import Server


@dataclass
class Origin:
    """A bare repository and a work tree that pushes to it."""

    bare: Path
    tree: Path

    @property
    def url(self) -> str:
        return f"file://{self.bare}"

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.tree, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str], message: str = "change") -> str:
        for name, content in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    bare, tree = tmp_path / "origin.git", tmp_path / "tree"
    for argv in (
        ["git", "init", "-q", "--bare", "-b", "main", str(bare)],
        ["git", "clone", "-q", str(bare), str(tree)],
    ):
        subprocess.run(argv, check=True, capture_output=True)
    found = Origin(bare, tree)
    found.git("checkout", "-q", "-B", "main")
    found.commit({"_files/q.sql": "select 1", "_files/sub/a.txt": "a", "README.md": "hi"})
    return found


def cloned(bench: Bench, **properties: object) -> tuple[State, list[str], str]:
    """State, log lines and what `cat README.md` printed in the clone."""
    found = bench.run(
        task(
            "core.flow.WorkingDirectory",
            "folder",
            tasks=[
                task("git.Clone", "clone", **properties),
                task("scripts.shell.Commands", "look", commands=["cat README.md"]),
            ],
        )
    )
    shown = [line for line in found.logs if line.startswith("INFO") and "cloned" not in line]
    return found.state, found.logs, "\n".join(shown)


def test_a_clone_fills_the_working_directory_with_a_branch_tag_or_commit(
    bench: Bench, origin: Origin
) -> None:
    first = origin.git("rev-parse", "HEAD")
    origin.git("tag", "v1")
    origin.git("push", "-q", "origin", "v1")
    origin.commit({"README.md": "second"})
    origin.git("checkout", "-q", "-b", "other")
    origin.commit({"README.md": "third"})
    for properties, shown in (
        ({}, "INFO second"),
        ({"branch": "other"}, "INFO third"),
        ({"tag": "v1"}, "INFO hi"),
        ({"commit": first}, "INFO hi"),
    ):
        state, logs, text = cloned(bench, url=origin.url, **properties)
        assert (state, text) == (State.SUCCESS, shown), logs


def test_a_clone_into_a_directory_tells_its_commit(bench: Bench, origin: Origin) -> None:
    found = bench.run(task("git.Clone", url=origin.url, directory="code"))
    assert found.outputs["t"]["commitId"] == origin.git("rev-parse", "HEAD")
    assert found.outputs["t"]["directory"].endswith("/code")


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"branch": "nowhere"}, "nowhere"),
        ({"branch": "--upload-pack=touch /tmp/x"}, "is not the name of a branch or tag"),
        ({"commit": "HEAD~1"}, "is not a commit"),
        ({"url": "file:///no/such/repository"}, "cannot clone file:///no/such/repository"),
        ({"url": "ext::sh -c id"}, "is not an address to clone"),
        ({"cloneSubmodules": True}, "`cloneSubmodules: true` is not supported"),
        ({"directory": "../outside"}, "leaves the working directory"),
        ({"username": "u", "password": "s3cret-word"}, "a password is sent over https only"),
    ],
)
def test_a_clone_that_cannot_be_made_says_why(
    bench: Bench, origin: Origin, properties: dict[str, object], said: str
) -> None:
    found = bench.run(task("git.Clone", **{"url": origin.url, **properties}))
    assert found.state is State.FAILED
    assert said in found.errors
    assert "s3cret-word" not in "".join(found.logs)


def test_hooks_and_links_of_a_repository_are_not_followed(
    bench: Bench, origin: Origin, tmp_path: Path
) -> None:
    (origin.tree / "link.txt").symlink_to("/etc/hostname")
    origin.commit({"README.md": "linked"})
    found = bench.run(
        task(
            "core.flow.WorkingDirectory",
            "folder",
            tasks=[
                task("git.Clone", "clone", url=origin.url),
                task("scripts.shell.Commands", "look", commands=["cat link.txt"]),
            ],
        )
    )
    assert "INFO /etc/hostname" in found.logs


SYNC = "git.SyncNamespaceFiles"


def test_namespace_files_follow_a_folder_of_the_repository(bench: Bench, origin: Origin) -> None:
    place = "plugins.git"
    bench.put_file("mine.txt", "mine", place)
    sync = task(SYNC, url=origin.url, namespace=place)
    dry = bench.run({**sync, "dryRun": True})
    assert dry.outputs["t"]["counts"] == {"ADDED": 2}, dry.errors
    assert [file.path for file in bench.app.files.of_namespace(place)] == ["mine.txt"]
    assert bench.run(sync).outputs["t"]["counts"] == {"ADDED": 2}
    origin.commit({"_files/q.sql": "select 2"})
    (origin.tree / "_files/sub/a.txt").unlink()
    origin.commit({})
    found = bench.run({**sync, "delete": True})
    assert found.outputs["t"]["counts"] == {"OVERWRITTEN": 1, "DELETED": 2}
    assert [file.path for file in bench.app.files.of_namespace(place)] == ["q.sql"]
    assert bench.app.files.read(place, "q.sql") == b"select 2"
    assert bench.run(sync).outputs["t"]["counts"] == {"UNCHANGED": 1}


def test_a_missing_folder_fails_unless_it_may_be_missing(bench: Bench, origin: Origin) -> None:
    sync = task(SYNC, url=origin.url, gitDirectory="none")
    assert "the repository has no folder `none`" in bench.run(sync).errors
    lenient = bench.run({**sync, "failOnMissingDirectory": False})
    assert lenient.state is State.SUCCESS


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Bench]:
    """A server with the settings of a new installation."""
    app = App(load_settings(overrides={"state_dir": str(tmp_path / "s")}, environment={}))
    app.start()
    yield Bench(Server(app))
    app.stop()


def test_a_repository_of_the_servers_disk_is_refused_by_default(
    strict: Bench, origin: Origin
) -> None:
    found = strict.run(task("git.Clone", url=origin.url))
    assert "is not an address to clone" in found.errors
