"""`mainstem init` writes a repository that is ready to push."""

from pathlib import Path

import pytest

from mainstem.cli import main

ROOT = Path(__file__).parents[2]


def test_what_init_writes_checks_clean_and_passes_its_own_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pipelines"
    assert main(["init", str(folder), "--namespace", "acme.shop"]) == 0
    assert (folder / "dbt" / "acme.shop" / "dbt_project.yml").is_file()
    assert (folder / ".github" / "workflows" / "check.yaml").is_file()
    left = [f for f in folder.rglob("*") if f.is_file() and "company.team" in f.read_text()]
    assert left == []
    capsys.readouterr()
    assert main(["check", "--tests", str(folder)]) == 0
    assert "2 passed, 0 failed" in capsys.readouterr().err


def test_init_replaces_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert "README.md" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_init_wants_a_namespace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path), "--namespace", "../evil"]) == 1
    assert "is not a namespace" in capsys.readouterr().err


def test_check_looks_at_the_flows_of_a_repository_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "ci.yaml").write_text("on: push\n")
    (tmp_path / "dbt").mkdir()
    (tmp_path / "dbt" / "dbt_project.yml").write_text("name: x\n")
    (tmp_path / "flows").mkdir()
    flow = "id: a\nnamespace: demo\ntasks:\n  - id: t\n    type: core.log.Log\n    message: x\n"
    (tmp_path / "flows" / "a.yaml").write_text(flow)
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 0
    assert "1 file checked" in capsys.readouterr().err


def test_the_example_in_the_repository_is_what_init_writes() -> None:
    example = ROOT / "examples" / "flows-repository"
    assert example.resolve() == ROOT / "server" / "mainstem" / "cli" / "starter"
