"""Webhooks: proven over the raw body, no replays, other branches ignored."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mainstem.app import App
from mainstem.errors import Denied
from mainstem.model.flow_id import FlowId
from tests.gitsync.conftest import Make, Repository, flow

SECRET = "hunter2"
FORGES = ["github", "gitlab", "gitea", "bitbucket"]
NOON = datetime(2030, 1, 1, tzinfo=UTC)


def payload(forge: str, branch: str, mark: str = "1") -> bytes:
    body: dict[str, Any] = {"ref": f"refs/heads/{branch}", "after": mark}
    if forge == "bitbucket":
        new = {"type": "branch", "name": branch, "target": {"hash": mark}}
        body = {"push": {"changes": [{"new": new}]}}
    return json.dumps(body).encode()


def headers(forge: str, body: bytes, secret: str = SECRET, delivery: str = "d1") -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "github": {
            "x-github-event": "push",
            "x-github-delivery": delivery,
            "x-hub-signature-256": f"sha256={signature}",
        },
        "gitlab": {
            "x-gitlab-event": "Push Hook",
            "x-gitlab-event-uuid": delivery,
            "x-gitlab-token": secret,
        },
        "gitea": {
            "x-gitea-event": "push",
            "x-gitea-delivery": delivery,
            "x-gitea-signature": signature,
            "x-github-event": "push",
            "x-hub-signature-256": f"sha256={signature}",
        },
        "bitbucket": {
            "x-event-key": "repo:push",
            "x-request-uuid": delivery,
            "x-hub-signature": f"sha256={signature}",
        },
    }[forge]


@pytest.fixture
def app(repository: Repository, make_synced: Make) -> App:
    repository.commit({"flows/hello.yaml": flow()})
    return make_synced(webhook_secret=SECRET)


@pytest.mark.parametrize("forge", FORGES)
def test_a_proven_push_makes_the_commit_live(forge: str, app: App) -> None:
    body = payload(forge, "main")
    assert app.syncs.called("team", headers(forge, body), body) == {
        "source": "team", "accepted": True,
    }  # fmt: skip
    app.syncs.tick(NOON)
    assert app.syncs.wait()
    assert app.flows.head(FlowId("demo", "hello")).revision == 1
    assert app.syncs.history("team")[0].cause == "webhook"


@pytest.mark.parametrize("forge", FORGES)
def test_a_call_with_another_secret_or_a_changed_body_is_refused(forge: str, app: App) -> None:
    body = payload(forge, "main")
    with pytest.raises(Denied, match="not proven"):
        app.syncs.called("team", headers(forge, body, "wrong"), body)
    if forge != "gitlab":
        with pytest.raises(Denied, match="not proven"):
            app.syncs.called("team", headers(forge, body), body + b" ")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"x-github-event": "push"},
        {"x-github-event": "push", "x-hub-signature-256": ""},
        {"x-github-event": "push", "x-hub-signature-256": "sha256="},
        {"x-gitlab-event": "Push Hook", "x-gitlab-token": ""},
    ],
)
def test_a_call_without_proof_is_refused(given: dict[str, str], app: App) -> None:
    with pytest.raises(Denied, match="not proven"):
        app.syncs.called("team", given, b"{}")


def test_an_unknown_source_and_one_without_a_secret_answer_as_a_wrong_secret_does(
    repository: Repository, make_app: Make
) -> None:
    app = make_app({"name": "open", "url": str(repository.folder)})
    body = payload("github", "main")
    for name in ("open", "unknown"):
        with pytest.raises(Denied, match="not proven"):
            app.syncs.called(name, headers("github", body, ""), body)


@pytest.mark.parametrize("forge", FORGES)
def test_pushes_to_other_branches_are_ignored(forge: str, app: App) -> None:
    body = payload(forge, "other")
    answer = app.syncs.called("team", headers(forge, body), body)
    assert answer["ignored"] == "not a push to main"


def test_a_repeated_delivery_is_ignored_also_under_a_fresh_id(app: App) -> None:
    body = payload("github", "main")
    app.syncs.called("team", headers("github", body), body)
    again = app.syncs.called("team", headers("github", body), body)
    assert again["ignored"] == "this delivery was seen before"
    renamed = app.syncs.called("team", headers("github", body, delivery="d2"), body)
    assert renamed["ignored"] == "this delivery was seen before"
    fresh = payload("github", "main", "2")
    assert app.syncs.called("team", headers("github", fresh, delivery="d3"), fresh)["accepted"]


def test_a_ping_is_answered(app: App) -> None:
    body = b'{"zen": "Design for failure."}'
    given = {**headers("github", body), "x-github-event": "ping"}
    assert app.syncs.called("team", given, body) == {"source": "team", "pong": True}


def test_form_encoded_calls_are_understood(app: App) -> None:
    from urllib.parse import urlencode

    body = urlencode({"payload": payload("github", "main").decode()}).encode()
    given = {
        **headers("github", body),
        "content-type": "application/x-www-form-urlencoded",
    }
    assert app.syncs.called("team", given, body)["accepted"]


def test_a_suspended_source_says_so(app: App) -> None:
    app.sources.suspend("team")
    body = payload("github", "main")
    answer = app.syncs.called("team", headers("github", body), body)
    assert "suspended" in str(answer["ignored"])
