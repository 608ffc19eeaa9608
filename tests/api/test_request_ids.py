"""A request has an id, under which the log tells of everything done for it."""

import json
import logging
from collections.abc import Iterator

import httpx
import pytest

from mainstem.gate.tracing import trace_of
from mainstem.services.search import SearchService
from mainstem.telemetry import _Json, about, subject
from tests.api.conftest import Api

TRACE = "0af7651916cd43dd8448eb211c80319c"
LOGGER = logging.getLogger("mainstem")


class Lines(logging.Handler):
    """What the server logs as JSON, read again."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(_Json())
        self.found: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))

    def of(self, **fields: object) -> list[dict[str, object]]:
        return [line for line in list(self.found) if fields.items() <= line.items()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, level = Lines(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    yield handler
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(level)


def test_an_answer_and_an_error_say_the_id_that_the_caller_chose(api: Api) -> None:
    answer = api.client.get("/api/v1/flows/a/none", headers={"X-Request-ID": "deploy-4711.a_b"})
    assert answer.status_code == 404
    assert answer.headers["x-request-id"] == answer.json()["requestId"] == "deploy-4711.a_b"
    nobody = httpx.get(f"{api.url}/api/v1/flows/a/none", trust_env=False)
    assert nobody.status_code == 401
    assert nobody.headers["x-request-id"] == nobody.json()["requestId"] != "deploy-4711.a_b"


@pytest.mark.parametrize(
    "given",
    ["", "short", "x" * 65, "a b c d e f", "id\u00e9-id\u00e9-id", "a;b=c&d<e>", "abcdefgh\n"],
)
def test_an_id_that_is_not_well_formed_is_replaced(given: str) -> None:
    scope = {"type": "http", "headers": [(b"x-request-id", given.encode("latin-1"))]}
    assert trace_of(scope).request not in (given, "")


@pytest.mark.parametrize(
    ("parent", "trace"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
        ("00-1", None),
    ],
)
def test_the_trace_of_the_caller_is_followed(parent: str, trace: str | None) -> None:
    scope = {"type": "http", "headers": [(b"traceparent", parent.encode())]}
    assert trace_of(scope).trace == trace


def test_a_change_is_logged_by_its_route_and_never_by_its_address(api: Api, lines: Lines) -> None:
    key = "a-key-that-nobody-may-see"
    hook = f"triggers: [{{id: h, type: core.trigger.Webhook, key: {key}}}]"
    api.save(f"id: f\nnamespace: traced\n{hook}\ntasks: [{{id: a, type: core.debug.Return}}]\n")
    headers = {"x-request-id": "hook-0001", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    path = f"/api/v1/executions/webhook/traced/f/{key}"
    execution = api.client.post(path, headers=headers).json()["id"]
    api.wait(execution)
    (line,) = lines.of(request="hook-0001", message="request")
    assert (line["status"], line["trace"], line["method"]) == (200, TRACE, "POST")
    assert str(line["route"]).endswith("/executions/webhook/{namespace}/{flow_id}/{key}")
    assert line["severity"] == "DEBUG"  # its execution is the record of it
    assert api.client.post(f"{path}-not", headers={"x-request-id": "hook-0002"}).status_code == 404
    (refused,) = lines.of(request="hook-0002", message="request")
    assert refused["severity"] == "INFO"
    assert key not in json.dumps(lines.found)


def test_what_fails_is_logged_under_the_id_that_the_reader_gets(
    api: Api, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("hunter2 in a message")

    monkeypatch.setattr(SearchService, "count_by_state", broken)
    answer = api.client.get("/api/v1/stats/executions")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["requestId"]
    (line,) = lines.of(request=answer.json()["requestId"], message="a request failed")
    assert line["route"] == "/api/v1/stats/executions"
    assert "hunter2" in str(line["exception"])


def test_what_a_worker_logs_says_execution_task_run_and_attempt(
    api: Api, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: object) -> None:
        raise RuntimeError("torn")

    monkeypatch.setattr("mainstem.worker.pool.make_attempt", torn)
    task = "{id: a, type: core.storage.Write, content: x}"
    execution = api.run(f"{{id: f, namespace: torn, tasks: [{task}]}}")
    (run,) = api.runs(execution)
    (line,) = lines.of(message="a worker thread failed", execution=execution.id)
    assert (line["flow"], line["task"], line["attempt"]) == ("torn.f", "a", 1)
    assert line["task_run"] == run.id


def test_lines_say_what_they_are_about_and_no_longer_than_that(lines: Lines) -> None:
    with about(source="team"), about(sync="1"):
        LOGGER.info("inside")
    LOGGER.info("outside")
    assert lines.of(message="inside", source="team", sync="1")
    assert "source" not in lines.of(message="outside")[0]
    assert subject() == {}
