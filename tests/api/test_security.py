"""Other web sites get nothing, secrets stay inside, and no body breaks the server."""

import gc
import io
import json
import random
import time
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import SECRET, Api, Flow
from tests.api.flows import HELLO


@pytest.mark.parametrize("path", ["/api/v1/version", "/health", "/ui/", "/", "/api/openapi.json"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_name_that_was_rebound_to_loopback_is_refused(api: Api, path: str, host: str) -> None:
    answer = api.client.get(path, headers={"host": host})
    assert answer.status_code == 403
    assert "127.0.0.1" in answer.json()["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9999", "[::1]:80", "LOCALHOST"])
def test_the_names_of_loopback_are_served(api: Api, host: str) -> None:
    assert api.client.get("/api/v1/version", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_change_from_a_page_of_another_site_is_refused(
    api: Api, ns: str, flow: Flow, headers: dict[str, str]
) -> None:
    flow(HELLO)
    for method, path in (
        ("POST", f"/api/v1/executions/{ns}/f"), ("DELETE", f"/api/v1/flows/{ns}/f"),
        ("PUT", f"/api/v1/namespaces/{ns}/kv/k"), ("POST", "/ui/settings"),
    ):  # fmt: skip
        answer = api.client.request(method, path, content=b"1", headers=headers)
        assert answer.status_code == 403, path
    assert api("GET", f"/executions/search?namespace={ns}")["total"] == 0


def test_a_change_from_our_own_page_and_from_a_program_is_accepted(
    api: Api, ns: str, flow: Flow
) -> None:
    flow(HELLO)
    own = {"origin": api.url, "sec-fetch-site": "same-origin"}
    api("POST", f"/executions/{ns}/f", headers=own)
    api("POST", f"/executions/{ns}/f")


LEAKY = """
  - {id: log, type: core.log.Log, message: "key {{ secret('API_KEY') }} and {{ inputs.s }}"}
  - id: shell
    type: scripts.shell.Commands
    commands: ["echo {{ secret('API_KEY') | base64encode }}"]
  - id: fail
    type: core.execution.Fail
    errorMessage: "failed with {{ secret('API_KEY') }} {{ inputs.s }}"
"""


def test_secrets_are_in_no_answer_log_or_error(
    api: Api, ns: str, flow: Flow, caplog: pytest.LogCaptureFixture
) -> None:
    flow(LEAKY, more="inputs: [{id: s, type: SECRET}]")
    given = {"s": (None, "swordfish-7")}
    made = api("POST", f"/executions/{ns}/f?wait=true", files=given)
    assert made["state"]["current"] == "FAILED"
    lines = api("GET", f"/logs/{made['id']}")
    assert any("key ****" in line["message"] for line in lines)
    answers = [
        made, lines, api("GET", f"/logs/{made['id']}/download"), api("GET", "/configs"),
        api("GET", f"/executions/search?namespace={ns}"), api("GET", f"/flows/{ns}/f"),
        api.client.get(f"/ui/executions/{ns}/f/{made['id']}").text, caplog.text,
    ]  # fmt: skip
    for answer in answers:
        for secret in (SECRET, "swordfish-7", "aHVudGVyMi1zZWNyZXQ"):
            assert secret not in str(answer)


VALUE = "{{ secret('API_KEY') }}"
CHILD = "[{id: a, type: core.log.Log, message: x}]"


@pytest.mark.parametrize(
    "task",
    [
        f'{{type: core.flow.ForEach, values: "{VALUE}", tasks: {CHILD}}}',
        f'{{type: core.flow.Switch, value: "{{{{ [] | number }}}}{VALUE}", cases: {{a: {CHILD}}}}}',
        f'{{type: core.flow.Subflow, namespace: demo, flowId: "{VALUE}"}}',
        '{type: core.flow.Subflow, namespace: demo, flowId: "{{ inputs.s }}"}',
    ],
)
def test_what_the_engine_says_of_a_bad_value_hides_secrets(
    api: Api, ns: str, flow: Flow, task: str
) -> None:
    flow(f"  - {{id: t, {task[1:]}", more="inputs: [{id: s, type: SECRET}]")
    given = {"s": (None, SECRET)}
    made = api("POST", f"/executions/{ns}/f?wait=true", files=given)
    assert made["state"]["current"] == "FAILED"
    assert SECRET not in str(api("GET", f"/logs/{made['id']}"))
    assert SECRET not in str(made.get("error"))


def test_a_refused_secret_input_is_not_repeated(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO, more="inputs: [{id: s, type: SECRET, validator: '^[0-9]+$'}]")
    given = {"s": (None, "swordfish-7")}
    assert "swordfish-7" not in api.refused("POST", f"/executions/{ns}/f", 422, files=given)


# Whatever comes is answered, never with 500.

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "½\x00\ud83d", "n" * 300, [], {}, [[]], [None], ["x"],
    [{}], {"keys": [1]}, {"keys": None}, [{"key": 1, "value": None}],
    {"taskRunId": {}, "state": []},
    [{"namespace": "", "id": ""}], {"namespace": "a", "flowId": "b", "triggerId": "c"},
    {"executionsId": ["x"], "executionLabels": [{"key": "", "value": ""}]},
    {"triggers": [], "disabled": 1}, {"start": "9999-12-31T23:59:59Z"},
]  # fmt: skip
WORDS = ["x", "demo", "a b", "é", "%00", "..", "%2e%2e", "n" * 300, "0", "-1", "%ED%A0%BD"]


def routes(api: Api) -> Iterator[tuple[str, str, list[str]]]:
    for path, methods in api("GET", "/api/openapi.json", base="")["paths"].items():
        for method, operation in methods.items():
            names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
            yield method.upper(), path, names


def test_the_description_of_the_api_has_every_route(api: Api) -> None:
    described = {(method, path) for method, path, _ in routes(api)}
    assert len(described) > 60
    for method, path in (
        ("POST", "/api/v1/executions/{namespace}/{flow_id}"),
        ("POST", "/api/v1/executions/{execution_id}/restart"),
        ("GET", "/api/v1/logs/{execution_id}/follow"),
        ("DELETE", "/api/v1/flows/delete/by-ids"),
        ("PUT", "/api/v1/namespaces/{namespace}/kv/{key}"),
        ("GET", "/health"),
    ):
        assert (method, path) in described


def filled(path: str, chance: random.Random) -> str:
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + chance.choice(WORDS) + rest.partition("}")[2]
    return path


def test_no_request_breaks_the_server(api: Api) -> None:
    chance = random.Random(7)
    for method, path, names in routes(api):
        for _ in range(6):
            params = "&".join(f"{name}={chance.choice(WORDS)}" for name in names)
            few = "&namespace=nobody" if path.endswith("by-query") else ""
            url = f"{api.url}{filled(path, chance)}?{params}{few}"
            body = chance.choice(ODD)
            content = None if method == "GET" else json.dumps(body)
            headers = {"content-type": "application/json"}
            answer = api.client.request(method, url, content=content, headers=headers)
            assert answer.status_code < 500, f"{method} {url} {body!r}: {answer.text}"


# What is uploaded stays where it belongs, and what is asked for cannot become SQL.


def zipped(names: list[str], content: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_names_in_an_archive_of_flows_are_no_places_on_disk(api: Api, ns: str) -> None:
    source = f"id: f\nnamespace: {ns}\ntasks: [{{id: a, type: core.log.Log, message: x}}]\n"
    state = api.app.settings.state_dir
    names = ["../../slip.yaml", f"{state}/slip.yaml", "C:\\slip.yaml", "a/../../slip.yaml"]
    link = zipfile.ZipInfo("link.yaml")
    link.external_attr = 0o120777 << 16
    content = io.BytesIO(zipped(names, source))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    before = {str(path) for path in state.parent.rglob("*slip*")}
    files = {"fileUpload": ("flows.zip", content.getvalue())}
    assert api("POST", "/flows/import", files=files) == ["link.yaml"], "the link is no flow"
    assert {str(path) for path in state.parent.rglob("*slip*")} == before
    assert [item["id"] for item in api("GET", f"/flows/search?namespace={ns}")["results"]] == ["f"]
    api("GET", f"/flows/{ns}/f")


def test_an_archive_of_flows_that_unpacks_to_too_much_is_refused(api: Api) -> None:
    bomb = zipped([f"{n}.yaml" for n in range(3)], "#" + "x" * 70_000_000)
    assert len(bomb) < 1_000_000
    files = {"fileUpload": ("flows.zip", bomb)}
    assert "too large" in api.refused("POST", "/flows/import", 422, files=files)


def test_an_alias_bomb_is_refused_at_once(api: Api, ns: str) -> None:
    levels = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    bomb = f"id: f\nnamespace: {ns}\nvariables:\n  l0: &l0 [x, x]\n{levels}tasks: [*l11]\n"
    began = time.monotonic()
    assert "alias" in api.refused("POST", "/flows", 422, content=bomb)
    (told,) = api("POST", "/flows/validate", content=bomb)
    assert "alias" in told["constraints"]
    files = {"fileUpload": ("f.yaml", bomb.encode())}
    assert api("POST", "/flows/import", files=files) != []
    assert time.monotonic() - began < 10
    api("GET", f"/flows/{ns}/f", 404)


@pytest.mark.parametrize("path", ["executions", "flows", "logs", "triggers", "namespaces"])
@pytest.mark.parametrize(
    "sort", ["id;drop table flows:asc", "(select 1):desc", "id:asc;--", "1:asc", "__class__:asc"]
)
def test_what_lists_are_sorted_by_never_becomes_sql(
    api: Api, ns: str, flow: Flow, path: str, sort: str
) -> None:
    flow(HELLO)
    answer = api.client.get(f"/api/v1/{path}/search", params={"sort": sort})
    assert answer.status_code in (200, 422), answer.text
    assert "syntax" not in answer.text
    api("GET", f"/flows/{ns}/f")


def test_an_export_that_fails_leaves_no_file_open(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    wanted = [{"namespace": ns, "id": "f"}, {"namespace": ns, "id": "nothing"}]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        api("POST", "/flows/export/by-ids", 404, json=wanted)
        gc.collect()
    assert [str(item.message) for item in caught if "Temporary" in str(item.message)] == []
