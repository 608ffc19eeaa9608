"""Commands that talk to a running server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstem.cli.main import main
from tests.api.conftest import Api, api  # noqa: F401 - the fixture

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(
    api: Api,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Told:
    """Runs a command against the server; returns its code, output and errors."""

    monkeypatch.setenv("MAINSTEM_TOKEN", api.app.sign_in.local_token)

    def call(command: str, *words: str) -> tuple[int, str, str]:
        code = main([command, "--server", api.url, *words])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


def test_a_value_is_set_printed_listed_and_deleted(told: Told, tmp_path: Path) -> None:
    assert told("kv", "set", "demo", "name", "Ada") == (0, "", "")
    assert told("kv", "get", "demo", "name") == (0, "Ada\n", "")
    assert told("kv", "set", "--json", "--ttl", "PT1H", "demo", "map", '{"a": 1}')[0] == 0
    assert json.loads(told("kv", "get", "demo", "map")[1]) == {"a": 1}
    (tmp_path / "key.json").write_text('{"type": "service_account"}')
    told("kv", "set", "demo", "file", "--file", str(tmp_path / "key.json"))
    assert told("kv", "get", "demo", "file")[1] == '{"type": "service_account"}\n'
    listed = told("kv", "list", "demo")[1].splitlines()
    assert [line.split("\t")[:2] for line in listed] == [
        ["file", "STRING"], ["map", "JSON"], ["name", "STRING"],
    ]  # fmt: skip
    assert told("kv", "delete", "demo", "name")[0] == 0
    assert told("kv", "delete", "demo", "name")[0] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["get", "demo", "nobody"], "No value found"),
        (["get", "demo", "x y"], "Key must start"),
        (["set", "--json", "demo", "k", "x y"], "must be JSON"),
        (["set", "demo", "k", "x", "--ttl", "soon"], "soon"),
        (["set", "demo", "k", "--file", "/nowhere"], "cannot be read"),
    ],
)
def test_what_the_server_refuses_is_told(told: Told, words: list[str], said: str) -> None:
    code, _, errors = told("kv", *words)
    assert code == 1
    assert said in errors


def test_syncing_tells_of_an_unknown_source(told: Told) -> None:
    assert told("sync") == (0, "", "")
    code, _, errors = told("sync", "nobody")
    assert code == 1
    assert "nobody" in errors


def test_a_server_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kv", "--server", "http://127.0.0.1:1", "list", "demo"]) == 1
    assert "no server answers at http://127.0.0.1:1" in capsys.readouterr().err
