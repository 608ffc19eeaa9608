"""What a sync tells a forge and asks it for: commit statuses, tokens of a GitHub App."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pydantic import SecretStr

from mainstem.clock import FrozenClock
from mainstem.errors import InvalidInput, Stalled, Transient
from mainstem.gitsync.github_app import Tokens
from mainstem.settings_git import GithubApp, GitSource
from tests.gitsync.conftest import Make, Repository, flow
from tests.gitsync.forge import Call, Forge

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BROKEN = "id: a\nnamespace: demo\ntasks:\n  - {id: x, type: core.log.Lag}\n"


@pytest.mark.parametrize(
    ("kind", "path", "header", "good", "bad"),
    [
        ("github", "/repos/you/flows/statuses/", "authorization", "success", "failure"),
        ("gitea", "/repos/you/flows/statuses/", "authorization", "success", "failure"),
        ("gitlab", "/projects/you%2Fflows/statuses/", "private-token", "success", "failed"),
    ],
)
def test_the_outcome_is_written_to_the_commit(
    kind: str, path: str, header: str, good: str, bad: str,
    repository: Repository, make_synced: Make,
) -> None:  # fmt: skip
    with Forge(lambda _call: (201, {})) as forge:
        status = {
            "kind": kind, "api_url": forge.url, "repository": "you/flows", "token": "hunter2",
        }  # fmt: skip
        first = repository.commit({"flows/hello.yaml": flow()})
        app = make_synced(status=status)
        app.syncs.sync("team")
        second = repository.commit({"flows/a.yaml": BROKEN})
        app.syncs.sync("team")
        assert app.syncs.wait()
    assert [call.path for call in forge.calls] == [f"{path}{first}", f"{path}{second}"]
    assert [call.body["state"] for call in forge.calls] == [good, bad]
    assert "hunter2" in forge.calls[0].headers[header]
    assert forge.calls[1].body["description"].startswith("1 problem: flows/a.yaml:4:19: ")
    assert forge.calls[0].body["target_url"].endswith("/ui/gitsync/team")


def test_a_status_that_is_refused_is_told_and_the_sync_stays(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    with Forge(lambda _call: (403, {"message": "no"})) as forge:
        app = make_synced(
            status={"kind": "github", "api_url": forge.url, "repository": "a/b", "token": "t"}
        )
        assert app.syncs.sync("team").applied
        assert app.syncs.wait()
    assert any("status was refused (403)" in event.message for event in app.syncs.events("team"))


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


def app_source(url: str, key: str) -> GitSource:
    app = GithubApp(app_id="77", installation_id="12", private_key=SecretStr(key), api_url=url)
    return GitSource(name="team", url="https://github.com/you/flows", github_app=app)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_github_app_proves_itself_and_its_token_is_kept_until_it_nears_its_end(
    key: rsa.RSAPrivateKey,
) -> None:
    clock = FrozenClock(NOON)

    def answer(call: Call) -> tuple[int, dict[str, Any]]:
        token = call.headers["authorization"].removeprefix("Bearer ")
        body, _, signature = token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        key.public_key().verify(raw, body.encode(), padding.PKCS1v15(), SHA256())
        ends = clock.now() + timedelta(hours=1)
        return 201, {"token": f"ghs_{len(forge.calls)}", "expires_at": ends.isoformat()}

    with Forge(answer) as forge:
        tokens = Tokens(clock)
        source = app_source(forge.url, pem(key))
        assert tokens(source) == "ghs_1"
        clock.advance(timedelta(minutes=50))
        assert tokens(source) == "ghs_1"
        clock.advance(timedelta(minutes=6))
        assert tokens(source) == "ghs_2"
    call = forge.calls[0]
    assert call.path == "/app/installations/12/access_tokens"
    token = call.headers["authorization"].removeprefix("Bearer ")
    assert part(token, 0) == {"alg": "RS256", "typ": "JWT"}
    claims = part(token, 1)
    assert claims["iss"] == "77"
    assert claims["exp"] - claims["iat"] <= 600
    assert claims["iat"] < NOON.timestamp() < claims["exp"]


@pytest.mark.parametrize(("status", "kind"), [(401, Stalled), (404, Stalled), (500, Transient)])
def test_a_github_app_without_access_is_told_apart_from_a_forge_in_trouble(
    status: int, kind: type[Exception], key: rsa.RSAPrivateKey
) -> None:
    with (
        Forge(lambda _call: (status, {})) as forge,
        pytest.raises(kind, match=f"GitHub gave no token.*{status}"),
    ):
        Tokens(FrozenClock(NOON))(app_source(forge.url, pem(key)))


def test_a_key_that_is_none_is_told_without_repeating_it() -> None:
    with pytest.raises(InvalidInput, match="not a PEM key") as caught:
        Tokens(FrozenClock(NOON))(app_source("http://127.0.0.1:1", "hunter2"))
    assert "hunter2" not in str(caught.value)
