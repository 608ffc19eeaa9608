"""What a server with Kestra's API holds becomes a repository that the sync agent takes."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mainstem.cli.main import main
from mainstem.gitsync.values import read_values
from tests.api.conftest import Api, api  # noqa: F401 - the fixture

FLOW = """\
id: {id}
namespace: {namespace}
# a comment that stays
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: hello
"""
Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(
    api: Api,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Told:
    (tmp_path / "token").write_text(f"{api.app.sign_in.local_token}\n")
    for namespace, name in (("old.team", "one"), ("old.team.sub", "two"), ("other", "three")):
        api.save(FLOW.format(id=name, namespace=namespace))
    kv = "/namespaces/old.team/kv"
    api("PUT", f"{kv}/TEXT", content='"caf\u00e9"'.encode())
    api("PUT", f"{kv}/DAY", content="2024-02-29")
    api("PUT", f"{kv}/MAP", content='{"a": [1, null]}')
    api("PUT", f"{kv}/SHORT", content="1", headers={"ttl": "PT1H"})
    api("PUT", f"{kv}/GCP_CREDS", content='{"private_key": "-----BEGIN PRIVATE KEY-----\\nMII"}')
    api("PUT", "/namespaces/old/kv/ABOVE", content="true")
    file = {"fileContent": ("x", io.BytesIO(b"print(1)\n"))}
    api("POST", "/namespaces/old.team/files", params={"path": "/a/b.py"}, files=file)

    def call(*words: str) -> tuple[int, str, str]:
        given = [api.url, str(tmp_path / "to"), "--token-file", str(tmp_path / "token"), *words]
        code = main(["import-kestra", *given])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


def files_of(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_flows_files_and_values_become_a_repository(told: Told, tmp_path: Path) -> None:
    code, out, errors = told("--namespace", "old")
    assert (code, errors) == (0, "")
    assert files_of(tmp_path / "to") == {
        "flows/old.team/one.yaml",
        "flows/old.team.sub/two.yaml",
        "files/old.team/a/b.py",
        "kv/old.team.yaml",
        "kv/old.yaml",
    }
    flow = (tmp_path / "to/flows/old.team/one.yaml").read_text()
    assert "# a comment that stays" in flow
    assert (tmp_path / "to/files/old.team/a/b.py").read_text() == "print(1)\n"
    assert "2 flows, 5 key-value entries and files of 1 namespaces" in out


def test_values_arrive_as_the_sync_agent_reads_them(told: Told, tmp_path: Path) -> None:
    told("--namespace", "old")
    text = (tmp_path / "to/kv/old.team.yaml").read_text()
    found, problems = read_values(text, "kv/old.team.yaml")
    assert problems == []
    assert {key: (v.kind, v.value) for key, v in found.items()} == {
        "TEXT": ("STRING", "café"),
        "DAY": ("DATE", "2024-02-29"),
        "MAP": ("JSON", {"a": [1, None]}),
        "SHORT": ("NUMBER", 1),
    }


def test_a_private_key_stays_behind_and_is_named(told: Told, tmp_path: Path) -> None:
    _, out, _ = told("--namespace", "old")
    assert "left behind: old.team/GCP_CREDS holds a private key" in out
    assert "left behind: the time to live of old.team/SHORT" in out
    everything = "".join(p.read_text() for p in (tmp_path / "to").rglob("*") if p.is_file())
    assert "PRIVATE KEY" not in everything + out


def test_the_tenant_stands_in_the_addresses(told: Told, tmp_path: Path) -> None:
    assert told("--tenant", "main", "--namespace", "other")[0] == 0
    assert files_of(tmp_path / "to") == {"flows/other/three.yaml"}


def test_nothing_is_replaced(told: Told, tmp_path: Path) -> None:
    told("--namespace", "old")
    (tmp_path / "to/kv/old.yaml").unlink()
    code, _, errors = told("--namespace", "old")
    assert code == 1
    assert "exist already" in errors
    assert not (tmp_path / "to/kv/old.yaml").exists()


def test_a_namespace_that_is_not_there_is_told(told: Told) -> None:
    code, _, errors = told("--namespace", "nowhere")
    assert code == 1
    assert "nothing to bring" in errors


def test_the_repository_passes_check(told: Told, tmp_path: Path) -> None:
    told("--namespace", "old")
    assert main(["check", "--quiet", str(tmp_path / "to/flows")]) == 0
    assert yaml.safe_load((tmp_path / "to/kv/old.yaml").read_text()) == {
        "ABOVE": {"type": "BOOLEAN", "value": True}
    }
