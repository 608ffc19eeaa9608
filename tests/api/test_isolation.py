"""Who has roles in one namespace sees and changes nothing of another: every list, every item."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mainstem.gate.permissions import ROUTES
from mainstem.model.caller import acting_as
from mainstem.model.operation import Action
from mainstem.model.principal import Grant, Role
from mainstem.model.state import State
from tests.api.conftest import Api

pytestmark = pytest.mark.timeout(300)
PASSWORD = "correct horse battery"
MINE, THEIRS = "mine", "theirs"
#: In everything that is theirs, and in nothing that is mine.
MARK = "zebra"
FLOW = """\
id: {name}
namespace: {place}
description: {name}
labels: {{team: {name}}}
inputs: [{{id: word, type: STRING, defaults: {name}}}]
tasks:
  - {{id: {name}_say, type: core.log.Log, message: "{name} {{{{ inputs.word }}}}"}}
  - {{id: out, type: core.debug.Return, format: "{name}"}}
triggers:
  - {{id: {name}_daily, type: core.trigger.Schedule, cron: "0 9 * * *", disabled: true}}
  - {{id: {name}_hook, type: core.trigger.Webhook, key: {name}-secret-key}}
"""


class Two:
    """A server with one namespace of mine and one of theirs, each with everything."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ids: dict[str, str] = {}
        self.runs: dict[str, str] = {}
        for place, name in ((MINE, "lion"), (THEIRS, MARK)):
            api("POST", "/flows", content=FLOW.format(name=name, place=place))
            made = api("POST", f"/executions/{place}/{name}?wait=true")
            self.ids[place] = made["id"]
            self.runs[place] = made["taskRunList"][0]["id"]
            api("PUT", f"/namespaces/{place}/kv/{name}_key", content=json.dumps(f"{name} value"))
            files = {"fileContent": (f"{name}.txt", f"{name} text".encode())}
            api("POST", f"/namespaces/{place}/files?path={name}.txt", files=files)
        self.clients: dict[str, httpx.Client] = {}
        for role in Role:
            user = f"{role}-of-mine"
            api.app.users.create(user, PASSWORD, [Grant(role, MINE)])
            self.clients[role] = httpx.Client(
                base_url=api.url, trust_env=False, timeout=30, auth=(user, PASSWORD)
            )


@pytest.fixture(scope="module")
def two(api: Api) -> Iterator[Two]:
    made = Two(api)
    yield made
    for client in made.clients.values():
        client.close()


def filled(template: str, two: Two, place: str) -> str:
    """The address of the thing of that kind in a namespace."""
    name = MARK if place == THEIRS else "lion"
    words = {
        "namespace": place, "flow_id": name, "id": name, "execution_id": two.ids[place],
        "trigger_id": f"{name}_daily", "key": f"{name}_key", "task_run_id": two.runs[place],
        "task_id": f"{name}_say", "name": name,
    }  # fmt: skip
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: words.get(match[1], name), template)
    file = f"?path={name}.txt"
    queries = {"/files": file, "/stats": file, "/source": f"?q={name}"}
    return path + next((q for end, q in queries.items() if path.endswith(end)), "")


def readable() -> list[str]:
    return sorted(
        name.removeprefix("GET ")
        for name in ROUTES
        if name.startswith("GET ") and not name.endswith(("/follow", "/live"))
    )


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_nothing_of_theirs_is_in_any_answer(two: Two, role: str) -> None:
    client, leaks = two.clients[role], []
    for template in readable():
        for place in (MINE, THEIRS) if "{" in template else (MINE,):
            answer = client.get(filled(template, two, place))
            assert answer.status_code < 500, f"{template}: {answer.text}"
            body = answer.text
            for echoed in (str(answer.request.url), answer.request.url.path):
                body = body.replace(echoed, "")
            if answer.status_code < 400 and (MARK in body or two.ids[THEIRS] in body):
                leaks.append(f"{template} ({place})")
    assert leaks == []


def test_what_is_theirs_looks_as_if_it_were_not_there(two: Two) -> None:
    client = two.clients["admin"]
    for path, status in (
        (f"/api/v1/executions/{two.ids[THEIRS]}", 404),
        (f"/api/v1/logs/{two.ids[THEIRS]}", 404),
        (f"/api/v1/executions/{two.ids[THEIRS]}/follow", 404),
        (f"/api/v1/metrics/{two.ids[THEIRS]}", 404),
        (f"/api/v1/flows/{THEIRS}/{MARK}", 403),
        (f"/api/v1/namespaces/{THEIRS}/kv", 403),
        (f"/ui/executions/{MINE}/lion/{two.ids[THEIRS]}", 404),
        ("/api/v1/users", 403),
        ("/api/v1/audit", 403),
        ("/ui/system", 403),
    ):
        assert client.get(path).status_code == status, path
    assert client.get("/api/v1/executions/search").json()["total"] == 1
    assert client.get("/api/v1/flows/search").json()["total"] == 1
    assert client.get("/api/v1/triggers/search").json()["total"] == 2
    assert client.get("/api/v1/flows/distinct-namespaces").json() == [MINE]


def test_nothing_of_theirs_is_changed(two: Two) -> None:
    client, theirs = two.clients["admin"], two.ids[THEIRS]
    before = two.api("GET", f"/triggers/{THEIRS}/{MARK}/{MARK}_daily")
    source = FLOW.format(name=MARK, place=THEIRS).replace("0 9", "1 1")
    trigger = {"namespace": THEIRS, "flowId": MARK, "triggerId": f"{MARK}_daily"}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/flows", {"content": source}),
        ("PUT", f"/flows/{THEIRS}/{MARK}", {"content": source}),
        ("POST", "/flows/import", {"files": {"fileUpload": ("f.yaml", source.encode())}}),
        ("DELETE", f"/flows/{THEIRS}/{MARK}", {}),
        ("DELETE", "/flows/delete/by-ids", {"json": [{"namespace": THEIRS, "id": MARK}]}),
        ("POST", f"/executions/{THEIRS}/{MARK}", {}),
        ("POST", f"/executions/{theirs}/replay", {}),
        ("POST", f"/executions/{theirs}/labels", {"json": [{"key": "a", "value": "b"}]}),
        ("POST", f"/executions/{theirs}/change-status?status=FAILED", {}),
        ("DELETE", f"/executions/{theirs}", {}),
        ("DELETE", "/executions/by-ids", {"json": [theirs]}),
        ("DELETE", f"/executions/by-query?namespace={THEIRS}", {}),
        ("DELETE", f"/logs/{theirs}", {}),
        ("PUT", "/triggers", {"json": {**trigger, "disabled": False}}),
        ("POST", "/triggers/set-disabled/by-triggers",
         {"json": {"triggers": [trigger], "disabled": False}}),
        ("PUT", f"/namespaces/{THEIRS}/kv/{MARK}_key", {"content": '"x"'}),
        ("DELETE", f"/namespaces/{THEIRS}/kv/{MARK}_key", {}),
        ("DELETE", f"/namespaces/{THEIRS}/files?path={MARK}.txt", {}),
    ]  # fmt: skip
    for method, path, options in calls:
        answer = client.request(method, f"/api/v1{path}", **options)
        if answer.status_code < 300:
            told = answer.json()
            assert told.get("count", told.get("total")) == 0, f"{method} {path}: {answer.text}"
        else:
            assert answer.status_code in (400, 403, 404, 405), f"{method} {path}: {answer.text}"
    api = two.api
    assert api("GET", f"/flows/{THEIRS}/{MARK}")["revision"] == 1
    assert api("GET", f"/executions/{theirs}")["state"]["current"] == "SUCCESS"
    assert api("GET", f"/executions/search?namespace={THEIRS}")["total"] == 1
    assert len(api("GET", f"/logs/{theirs}")) >= 1
    assert api("GET", f"/triggers/{THEIRS}/{MARK}/{MARK}_daily") == before
    assert api("GET", f"/namespaces/{THEIRS}/kv/{MARK}_key")["value"] == f"{MARK} value"


def test_each_role_does_what_it_may_in_its_own_namespace_and_no_more(two: Two) -> None:
    source = FLOW.format(name="lion", place=MINE)
    steps: list[tuple[str, str, str, dict[str, Any]]] = [
        ("viewer", "GET", f"/flows/{MINE}/lion", {}),
        ("viewer", "GET", f"/namespaces/{MINE}/kv", {}),
        ("operator", "GET", f"/namespaces/{MINE}/kv/lion_key", {}),
        ("operator", "POST", f"/executions/{MINE}/lion", {}),
        ("operator", "POST", f"/executions/{two.ids[MINE]}/replay", {}),
        ("editor", "POST", "/flows", {"content": source}),
        ("editor", "PUT", f"/namespaces/{MINE}/kv/other", {"content": "1"}),
        ("editor", "DELETE", f"/namespaces/{MINE}/kv/other", {}),
    ]
    order = [role.value for role in Role]
    for least, method, path, options in steps:
        for role in order:
            answer = two.clients[role].request(method, f"/api/v1{path}", **options)
            if order.index(role) < order.index(least):
                assert answer.status_code == 403, f"{role} {method} {path}"
                assert "You lack the permission" in answer.json()["message"]
            else:
                assert answer.status_code < 300, f"{role} {method} {path}: {answer.text}"


def test_viewers_see_names_of_keys_and_not_their_values(two: Two) -> None:
    page = two.clients["viewer"].get(f"/ui/namespaces/{MINE}/kv").text
    assert "lion_key" in page
    assert "lion value" not in page
    assert "lion value" in two.clients["operator"].get(f"/ui/namespaces/{MINE}/kv").text


def test_the_webhook_of_a_flow_needs_its_key_and_nobodys_credentials(two: Two) -> None:
    with httpx.Client(base_url=two.api.url, trust_env=False) as nobody:
        good = nobody.post(f"/api/v1/executions/webhook/{MINE}/lion/lion-secret-key")
        assert good.status_code == 200, good.text
        ended = two.api.wait(good.json()["id"])
        assert ended.state is State.SUCCESS, "it ran as the flow, not as nobody"
        assert nobody.post(f"/api/v1/executions/webhook/{MINE}/lion/wrong").status_code == 404
        other = nobody.post(
            f"/api/v1/executions/webhook/{MINE}/lion/lion-secret-key",
            headers={"authorization": "Bearer of-the-sender"},
        )
        assert other.status_code == 200, "what the sender shows is the flow's business"


def test_changes_and_refusals_are_in_the_audit_log(two: Two) -> None:
    client = two.clients["viewer"]
    client.post("/api/v1/flows", content="id: x")
    (refused,) = two.api("GET", "/audit?principal=viewer-of-mine&outcome=denied&size=1")
    assert refused["action"] == "flow:write"
    (saved,) = two.api("GET", f"/audit?action=flow.save&q={THEIRS}")
    assert (saved["principal"], saved["resource"]) == ("local", f"{THEIRS}.{MARK}")
    assert "value" not in str(two.api("GET", "/audit?action=kv.create"))
    lines = two.api.client.get("/api/v1/audit/export").text.splitlines()
    assert [json.loads(line)["number"] for line in lines] == sorted(
        json.loads(line)["number"] for line in lines
    )


def test_acts_on_many_are_their_beginners_business(two: Two) -> None:
    operator = two.clients["operator"]
    begun = two.api.app.operations.begin(Action.REPLAY, [two.ids[THEIRS]], {})
    assert begun.total == 1
    path = f"/api/v1/operations/{begun.id}"
    assert begun.id not in operator.get("/api/v1/operations").text
    assert operator.get(path).status_code == 404
    assert operator.post(f"{path}/cancel").status_code == 404
    assert operator.get(f"/ui/operations/{begun.id}").status_code == 404
    assert begun.id in two.api.client.get("/api/v1/operations").text
    with acting_as(two.api.app.users.by_name("operator-of-mine").principal):
        own = two.api.app.operations.begin(Action.REPLAY, [two.ids[MINE]], {})
    assert own.id in operator.get("/api/v1/operations").text
    assert two.clients["viewer"].get(f"/ui/operations/{own.id}").status_code == 404


def test_live_signals_of_theirs_are_not_sent(two: Two) -> None:
    viewer = two.clients["viewer"]
    for topic in (f"execution:{two.ids[THEIRS]}", "sync:team", "operation:x", "inbox", "secrets"):
        assert viewer.get(f"/ui/live?topics={topic}").status_code == 404, topic
    for topics in (f"execution:{two.ids[MINE]}", "executions,sync:team"):
        with viewer.stream("GET", f"/ui/live?topics={topics}") as answer:
            assert answer.status_code == 200, topics


def test_pages_offer_only_what_the_reader_may_do(two: Two) -> None:
    flow = f"/ui/flows/edit/{MINE}/lion"
    offered = {
        "/ui/flows": f'href="{flow}/execute"',
        flow: f'href="{flow}/execute"',
        f"{flow}/triggers": f'action="{flow}/_toggle"',
        "/ui/triggers": f'action="{flow}/_toggle"',
        f"/ui/executions/{MINE}/lion/{two.ids[MINE]}": "/_replay",
        "/ui/executions": 'id="bulk-form"',
    }
    for path, act in offered.items():
        assert act in two.clients["operator"].get(path).text, path
        page = two.clients["viewer"].get(path)
        assert page.status_code == 200, path
        assert act not in page.text, path
    whole = two.clients["operator"].get("/ui/executions").text
    assert 'value="delete"' not in whole
    assert 'value="delete"' in two.clients["editor"].get("/ui/executions").text
