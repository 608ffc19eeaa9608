"""The description of the API against the API: made-up requests, and answers held to their words.

No request ends in a 5xx that is not described; every status, content type and body of an answer
is as the description says.
"""

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.api.conftest import Api
from tests.api.test_security import routes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]
SEED = 20261128
EXAMPLES = 5
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
FLOW = """
id: hello
namespace: demo
inputs: [{id: who, type: STRING, defaults: world}]
tasks:
  - {id: hi, type: io.kestra.plugin.core.log.Log, message: "hi {{ inputs.who }}"}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 0 * * *"}
  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: k3y}
"""


def fill(api: Api, case: Any) -> None:
    """Names of things that are there, for every second request."""
    if not api.turn():
        return
    known = {
        "namespace": "demo", "flow_id": "hello", "trigger_id": "daily", "task_id": "hi",
        "execution_id": api.known, "key": "k3y", "cls": "core.log.Log", "metric": "rows",
    }  # fmt: skip
    for name in case.path_parameters or {}:
        if name in known:
            case.path_parameters[name] = known[name]


@pytest.fixture(scope="module")
def filled(api: Api) -> Api:
    api("POST", "/flows", content=FLOW)
    made = api("POST", "/executions/demo/hello?wait=true")
    turns = iter(range(10**9))
    api.known = made["id"]  # type: ignore[attr-defined]
    api.turn = lambda: next(turns) % 2  # type: ignore[attr-defined]
    return api


def test_answers_are_as_they_are_described(filled: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    document = filled("GET", "/api/openapi.json", base="")
    del document["security"], document["components"]["securitySchemes"]  # nobody guesses passwords
    schema = schemathesis.openapi.from_dict(document)
    faults: list[str] = []
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        path = str(operation.path)
        if path.endswith("/follow"):
            continue  # of an open execution it ends with it only
        tried += 1
        faults += _faults(filled, operation)
    assert tried > 180
    assert not faults, "\n".join(faults)


def _faults(api: Api, operation: Any) -> list[str]:
    found: list[str] = []

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def look(case: Any) -> None:
        fill(api, case)
        answer = case.call(base_url=api.url, timeout=30)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as error:
            told = " ".join(" ".join(map(str, error.exceptions)).split())[:500]
            found.append(f"{operation.method.upper()} {operation.path}: {told}")

    look()
    if "/executions/" not in operation.path and operation.method.lower() in ("delete", "put"):
        api("POST", "/flows", content=FLOW)
    return found[:2]


def test_every_route_is_described_with_its_errors(api: Api) -> None:
    document = api("GET", "/api/openapi.json", base="")
    for method, path, _ in routes(api):
        operation = document["paths"][path][method.lower()]
        assert operation.get("summary"), (method, path)
        assert operation.get("tags"), (method, path)
