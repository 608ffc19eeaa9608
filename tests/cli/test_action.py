"""What the GitHub Action and the pre-commit hooks run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mainstem.cli import main

ROOT = Path(__file__).parents[2]
GOOD = "id: a\nnamespace: demo\ntasks:\n  - id: t\n    type: core.log.Log\n    message: x\n"


def act(folder: Path, **inputs: str) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", str(ROOT / "scripts" / "action_check.sh")],
        cwd=folder,
        env={
            "PATH": path,
            "RUNNER_TEMP": str(folder),
            "GITHUB_OUTPUT": str(folder / "out"),
            **inputs,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "a.yaml").write_text(GOOD)
    return tmp_path


def test_the_action_passes_a_good_repository(repository: Path) -> None:
    done = act(repository, CHECKED=".", TESTS="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (repository / "out").read_text().startswith("results=")


def test_the_action_annotates_the_line_of_a_problem(repository: Path) -> None:
    (repository / "flows" / "bad.yaml").write_text(GOOD.replace("core.log.Log", "core.log.Lag"))
    done = act(repository, CHECKED=".", TESTS="false")
    assert done.returncode == 1
    assert "::error file=flows/bad.yaml,line=5,col=" in done.stdout


def test_the_action_gives_its_inputs_to_the_script_as_variables_only() -> None:
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    for step in steps:
        assert "${{" not in step.get("run", "")


def test_the_hooks_run_commands_that_exist(repository: Path) -> None:
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()):
        program, *words = hook["entry"].split()
        assert program == "mainstem"
        given = [] if "." in words else [str(repository / "flows" / "a.yaml")]
        here = [str(repository) if word == "." else word for word in words]
        assert main([*here, *given]) == 0
