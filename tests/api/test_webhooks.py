"""What callers of webhooks are answered, and what of their request is kept."""

import base64
from typing import Any

import pytest

from tests.api.conftest import Api

ECHO = """
id: echo
namespace: {ns}
tasks:
  - {{id: value, type: core.debug.Return, format: "{{{{ trigger.body.word ?? 'none' }}}}"}}
outputs:
  - {{id: said, type: STRING, value: "{{{{ outputs.value.value }}}}"}}
{more}
triggers:
  - {{id: hook, type: core.trigger.Webhook, key: k3y{how}}}
"""


def hooked(api: Api, ns: str, how: str = "", more: str = "") -> str:
    api("POST", "/flows", content=ECHO.format(ns=ns, how=how, more=more))
    return f"/executions/webhook/{ns}/echo/k3y"


def test_a_caller_that_waits_is_told_the_end_but_no_task_runs(api: Api, ns: str) -> None:
    path = hooked(api, ns, ", wait: true")
    told = api("POST", path, json={"word": "hi"})
    assert told["state"]["current"] == "SUCCESS"
    assert told["outputs"] == {"said": "hi"}
    assert not told.get("taskRunList")


def test_the_outputs_alone_are_the_answer_when_asked_for(api: Api, ns: str) -> None:
    path = hooked(api, ns, ", wait: true, returnOutputs: true")
    assert api("PUT", path, json={"word": "hi"}) == {"said": "hi"}
    assert api("GET", f"{path}/below") == {"said": "none"}


@pytest.mark.parametrize(
    ("more", "text"),
    [("", b"tok"), ("  - {id: two, type: INT, value: 2}", b'{"said":"tok","two":2}')],
)
def test_one_text_alone_is_answered_as_it_is(api: Api, ns: str, more: str, text: bytes) -> None:
    plain = ", wait: true, returnOutputs: true, responseContentType: text/plain"
    path = hooked(api, ns, plain, more)
    answer = api.client.post(f"/api/v1{path}", json={"word": "tok"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.content == text


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("202", 202),
        ("{{ outputs.said == 'hi' ? 201 : 418 }}", 201),
        ("teapot", 500),
        ("{{ outputs.gone }}", 500),
        ("99", 500),
    ],
)
def test_the_status_is_what_the_flow_gives(api: Api, ns: str, code: str, status: int) -> None:
    path = hooked(api, ns, f', wait: true, returnOutputs: true, responseCode: "{code}"')
    assert api("POST", path, status, json={"word": "hi"}) == {"said": "hi"}


def test_what_signs_a_caller_in_here_is_not_kept(api: Api, ns: str) -> None:
    path = hooked(api, ns)
    cookie = "mainstem_session=abc123; other=1"
    sent = {"cookie": cookie, "x-goog-iap-jwt-assertion": "ey.secret", "x-event": "push"}
    made = api("POST", path, json={}, headers=sent)
    headers: Any = api.wait(made["id"]).trigger.variables["headers"]  # type: ignore[union-attr]
    kept: Any = {name: headers[name] for name in (*sent, "authorization")}
    assert kept == {name: ["***"] for name in kept} | {"x-event": ["push"]}
    theirs = {"authorization": "Bearer of-somebody-else", "cookie": "a=b"}
    made = api("POST", path, json={}, headers=theirs)
    headers = api.wait(made["id"]).trigger.variables["headers"]  # type: ignore[union-attr]
    assert {name: headers[name][0] for name in theirs} == theirs


@pytest.mark.parametrize(
    ("name", "password", "is_kept"),
    [
        ("hooked-user", "right or wrong", False),
        ("Hooked-User", "right or wrong", False),
        ("somebody", "mst_0123456789", False),
        ("twilio", "a partner's word", True),
    ],
)
def test_a_password_for_this_server_is_not_kept(
    api: Api, ns: str, name: str, password: str, is_kept: bool
) -> None:
    users = api.app.users
    if not users.knows("hooked-user"):
        users.create("hooked-user", "long enough for us", ())
    proof = base64.b64encode(f"{name}:{password}".encode()).decode()
    sent = {"authorization": f"Basic {proof}"}
    made = api("POST", hooked(api, ns), json={}, headers=sent)
    headers = api.wait(made["id"]).trigger.variables["headers"]  # type: ignore[union-attr]
    kept = sent["authorization"] if is_kept else "***"
    assert headers["authorization"] == [kept]  # type: ignore[index]


def test_only_who_knows_the_key_learns_that_a_flow_is_disabled(api: Api, ns: str) -> None:
    path = hooked(api, ns, more="disabled: true")
    assert "disabled" in api.refused("POST", path, 409)
    assert "Flow not found" in api.refused("POST", path.replace("k3y", "wrong"), 404)
