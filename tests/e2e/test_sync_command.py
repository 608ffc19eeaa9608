"""`mainstem sync` against a server process of its own: every option, with its exit code."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from demo.processes import Children, free_port, listens
from tests.gitsync.conftest import Repository, flow

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]
BROKEN = "id: a\nnamespace: demo\ntasks:\n  - {id: x, type: core.log.Lag}\n"
Sync = Callable[..., tuple[int, str]]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[Sync]:
    """Runs the command; gives its exit code and what it printed."""
    port = free_port()
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"git": {"allow_file_urls": True}, "auth": {"mode": "none"}}))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "mainstem"]
    up = ["up", "--config", config, "--state", tmp_path / "state", "--port", str(port)]
    with Children(tmp_path / "logs") as children:
        server = children.start("server", [*command, *up], env=environment, cwd=tmp_path)
        server.wait_until(lambda: listens(port), 30)

        def run(*words: str) -> tuple[int, str]:
            done = subprocess.run(
                [*command, "sync", "--server", f"http://127.0.0.1:{port}", *words],
                env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip
            return done.returncode, done.stdout + done.stderr

        yield run


def test_a_source_is_followed_from_the_command_line_to_its_end(
    sync: Sync, repository: Repository, tmp_path: Path
) -> None:
    first = repository.commit({"flows/hello.yaml": flow()}, "First")
    definition = {"name": "team", "url": str(repository.folder), "interval_seconds": 3600}
    (tmp_path / "source.yaml").write_text(yaml.safe_dump(definition))
    assert sync("--add", "source.yaml") == (0, "team: set up\n")
    code, said = sync("--add", "source.yaml")
    assert (code, "already a Git source `team`" in said) == (1, True)
    code, said = sync()
    assert code == 0, said
    assert f"team: {first[:12]}" in said

    second = repository.commit({"flows/hello.yaml": flow(message="newer")}, "Second")
    code, said = sync("team", "--dry-run")
    assert (code, "would be applied" in said, "update: demo.hello" in said) == (0, True, True)
    code, said = sync("team", "--diff")
    assert "+  - {id: say, type: core.log.Log, message: 'newer'}" in said
    assert f"live: {first[:12]}" in sync("team", "--status")[1]
    assert f"{second[:12]} applied" in sync("team")[1]

    code, said = sync("team", "--pin", first[:12])
    assert (code, f"{first[:12]} applied" in said) == (0, True), said
    assert f"pinned to {first[:12]}" in sync("team", "--status")[1]
    assert f"{second[:12]} applied" in sync("team", "--unpin")[1]

    assert sync("team", "--suspend") == (0, "team: suspended\n")
    assert "suspended" in sync("team", "--status")[1]
    assert sync("team", "--resume") == (0, "team: resumed\n")

    repository.commit({"flows/a.yaml": BROKEN}, "Break it")
    code, said = sync("team")
    assert (code, "flows/a.yaml:4:19: " in said, "refused" in said) == (1, True, True), said
    code, said = sync("team", "--status")
    assert (code, "not Ready" in said) == (1, True), said
    repository.commit({"flows/a.yaml": None}, "Mend it")
    assert sync("team", "--heal")[0] == 0
    lines = sync("team", "--history")[1].splitlines()
    assert " invalid " in lines[1]
    assert any(" rollback " in line for line in lines)

    assert sync("team", "--remove") == (0, "team: removed; its flows and files stay\n")
    code, said = sync("team")
    assert (code, "team" in said) == (1, True)


def test_switches_need_the_name_of_a_source(sync: Sync) -> None:
    for option in ("--unpin", "--suspend", "--resume", "--remove"):
        code, said = sync(option)
        assert (code, "name the source" in said) == (1, True), said
    code, said = sync("--pin", "--suspend")
    assert code == 2
