"""Jobs of Airbyte, dbt Cloud, Fivetran and Hightouch.

A server of the test speaks their documented protocols: it wants the right credentials and bodies,
and a job of it is at work for two looks before it ends as the flow's id of the job says.
"""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mainstem.model.state import State
from tests.plugins.bench import Bench, Outcome, task

TOKEN = "a-very-secret-token"
BASIC = "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()
FAST = {"pollFrequency": "PT0.02S"}


class Services:
    """What the services know; jobs are named by how they end."""

    def __init__(self) -> None:
        self.looks: dict[str, int] = {}
        self.posted: list[tuple[str, Any]] = []
        self.looked = threading.Event()
        self.cancelled = threading.Event()

    def is_over(self, job: str) -> bool:
        self.looks[job] = self.looks.get(job, 0) + 1
        self.looked.set()
        return self.looks[job] > 2 and job != "endless"

    # Airbyte

    def airbyte_sync(self, body: Any) -> Any:
        name = body["connectionId"]
        if name == "busy":
            return 409, {"message": "A sync is already running for: busy"}
        number = {"good": 1, "bad": 2, "endless": 3}[name]
        return 200, {"job": {"id": number, "status": "pending"}}

    def airbyte_job(self, body: Any) -> Any:
        name = {1: "good", 2: "bad", 3: "endless"}[body["id"]]
        over = self.is_over(name)
        status = ("succeeded" if name == "good" else "failed") if over else "running"
        failures = [{"externalMessage": "the source is gone"}] if name == "bad" else []
        attempt = {"totalStats": {"recordsCommitted": 12}, "failureSummary": {"failures": failures}}
        return 200, {
            "job": {"id": body["id"], "status": status},
            "attempts": [{"attempt": attempt}],
        }

    def airbyte_cancel(self, body: Any) -> Any:
        self.cancelled.set()
        return 200, {"job": {"id": body["id"], "status": "cancelled"}}

    def airbyte_token(self, body: Any) -> Any:
        assert body["client_secret"] == TOKEN
        return 200, {"access_token": TOKEN}

    def cloud_job(self, body: Any) -> Any:
        assert body["jobType"] in ("sync", "reset")
        return 200, {"jobId": 7, "status": "pending", "jobType": body["jobType"]}

    def cloud_look(self, body: Any) -> Any:
        over = self.is_over("cloud")
        done = {"bytesSynced": 9, "rowsSynced": 3, "duration": "PT1M2S"} if over else {}
        return 200, {"jobId": 7, "status": "succeeded" if over else "running", **done}

    # dbt Cloud

    def dbt_run(self, body: Any) -> Any:
        assert body["cause"]
        return 200, {"data": {"id": 55}}

    def dbt_look(self, body: Any) -> Any:
        if self.looks.get("dbt", 0) == 1:
            self.looks["dbt"] += 1
            return 503, {"status": {"user_message": "try again"}}
        over = self.is_over("dbt")
        logs = "first line\nsecond " + ("line\n" if over else "")
        step = {"id": 1, "name": "dbt build", "logs": logs}
        return 200, {"data": {"id": 55, "status": 10 if over else 3, "run_steps": [step]}}

    def dbt_results(self, body: Any) -> Any:
        return 200, {"results": []}

    # Fivetran

    def fivetran_look(self, name: str) -> Any:
        over = self.is_over(f"fivetran-{name}")
        when = "2024-01-02T00:00:00Z" if over else "2024-01-01T00:00:00Z"
        ends = {"succeeded_at": "2024-01-01T00:00:00Z", "failed_at": None}
        ends["succeeded_at" if name == "good" else "failed_at"] = when
        return 200, {"data": {**ends, "status": {"tasks": [{"message": "reconnect it"}]}}}

    def fivetran_sync(self, body: Any) -> Any:
        return 200, {"code": "Success"}

    # Hightouch

    def hightouch_run(self, body: Any) -> Any:
        return 200, {"id": "31"}

    def hightouch_look(self, body: Any) -> Any:
        run = {"id": "31", "status": "success" if self.is_over("hightouch") else "querying",
               "plannedRows": {"addedCount": 4, "changedCount": 0, "removedCount": 1}}  # fmt: skip
        return 200, {"data": [{"id": "30", "status": "failed"}, run], "hasMore": False}

    def routes(self) -> list[tuple[str, str, Callable[[Any], Any]]]:
        return [
            ("POST", r"/api/v1/connections/sync", self.airbyte_sync),
            ("POST", r"/api/v1/jobs/get", self.airbyte_job),
            ("POST", r"/api/v1/jobs/cancel", self.airbyte_cancel),
            ("POST", r"/(?:api/)?v1/applications/token", self.airbyte_token),
            ("POST", r"/v1/jobs", self.cloud_job),
            ("GET", r"/v1/jobs/7", self.cloud_look),
            ("POST", r"/api/v2/accounts/1/jobs/396284/run/", self.dbt_run),
            ("GET", r"/api/v2/accounts/1/runs/55/\?include_related=.*", self.dbt_look),
            ("GET", r"/api/v2/accounts/1/runs/55/artifacts/run_results.json", self.dbt_results),
            ("GET", r"/v2/connectors/good", lambda _: self.fivetran_look("good")),
            ("GET", r"/v2/connectors/bad", lambda _: self.fivetran_look("bad")),
            ("POST", r"/v2/connectors/\w+/sync", self.fivetran_sync),
            ("POST", r"/api/v1/syncs/9/trigger", self.hightouch_run),
            ("GET", r"/api/v1/syncs/9/runs\?runId=31", self.hightouch_look),
        ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    services: Services

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        status, answer = self._found(body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _found(self, body: Any) -> Any:
        given = self.headers.get("Authorization")
        if given not in (f"Bearer {TOKEN}", BASIC) and not self.path.endswith("/token"):
            return 401, {"message": "who are you?"}
        for method, pattern, answer in self.services.routes():
            if method == self.command and re.fullmatch(pattern, self.path):
                if method == "POST":
                    self.services.posted.append((self.path, body))
                return answer(body)
        return 404, {"message": f"nothing at {self.path}"}

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def services(bench: Bench) -> Services:
    bench.set_kv(PIPELINE_TOKEN=TOKEN)
    Handler.services = Services()
    return Handler.services


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def run(bench: Bench, services: Services) -> Callable[..., Outcome]:
    def start(type_: str, **properties: Any) -> Outcome:
        found = bench.run(task(type_, **{**FAST, **properties}))
        assert TOKEN not in "\n".join(found.logs)
        return found

    return start


SECRET = "{{ kv('PIPELINE_TOKEN') }}"


def test_an_airbyte_sync_is_followed_to_its_end(run: Any, address: str) -> None:
    found = run("airbyte.connections.Sync", url=f"{address}/", token=SECRET, connectionId="good")
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["t"] == {"jobId": 1, "alreadyRunning": False}
    assert ("records.committed", 12.0) in [(m.metric.name, m.metric.value) for m in found.metrics]


def test_an_airbyte_sync_that_fails_says_why(run: Any, address: str) -> None:
    user = {"username": "me", "password": SECRET}
    found = run("airbyte.connections.Sync", url=address, connectionId="bad", **user)
    assert "the Airbyte job 2 ended failed: the source is gone" in found.errors


def test_an_airbyte_sync_at_work_already_may_be_let_be(
    run: Any, address: str, services: Services
) -> None:
    application = {"clientId": "app", "clientSecret": SECRET}
    given = {"url": address, "applicationCredentials": application, "connectionId": "busy"}
    found = run("airbyte.connections.Sync", **given, failOnActiveSync=False)
    assert found.outputs["t"]["alreadyRunning"] is True
    assert "409: A sync is already running" in run("airbyte.connections.Sync", **given).errors


def test_a_job_that_takes_too_long_is_cancelled(run: Any, address: str, services: Services) -> None:
    found = run("airbyte.connections.Sync", url=address, token=SECRET, connectionId="endless",
                maxDuration="PT0.1S")  # fmt: skip
    assert "the job did not end within 0:00:00.100000 (maxDuration)" in found.errors
    assert services.cancelled.is_set()


def test_a_kill_cancels_the_job(bench: Bench, address: str, services: Services) -> None:
    given = {"url": address, "token": SECRET, "connectionId": "endless", **FAST}
    execution = bench.start(task("airbyte.connections.Sync", **given))
    assert services.looked.wait(bench.server.patience)
    bench.app.executions.kill(execution.id)
    assert bench.ended(execution).state is State.KILLED
    assert services.cancelled.wait(bench.server.patience)


def test_an_airbyte_cloud_job_gives_its_numbers(run: Any, address: str) -> None:
    found = run("airbyte.cloud.jobs.Sync", baseUrl=address, clientId="c", clientSecret=SECRET,
                tokenURL=f"{address}/v1/applications/token", connectionId="x")  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["t"]["job"]["rowsSynced"] == 3
    metrics = {m.metric.name: m.metric.value for m in found.metrics}
    assert (metrics["bytes_synced"], metrics["duration"]) == (9, 62)


def test_a_dbt_cloud_run_is_logged_and_its_artefacts_stored(
    run: Any, address: str, services: Services
) -> None:
    found = run("dbt.cloud.TriggerRun", baseUrl=address, token=SECRET, accountId="1",
                jobId="396284", initialDelayMs=1, gitBranch="main",
                stepsOverride=["dbt build"])  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs["t"]
    assert outputs["runId"] == 55
    assert json.loads(found.text(outputs["runResults"])) == {"results": []}
    assert "manifest" not in outputs
    told = [line for line in found.logs if "[dbt build]" in line]
    assert told == ["INFO [dbt build] first line", "INFO [dbt build] second line"]
    assert any("answered 503: try again; asked again" in line for line in found.logs)
    [(_, body)] = services.posted
    assert (body["git_branch"], body["steps_override"]) == ("main", ["dbt build"])


def test_a_busy_dbt_cloud_is_asked_again_as_often_as_the_task_says(run: Any, address: str) -> None:
    found = run("dbt.cloud.TriggerRun", baseUrl=address, token=SECRET, accountId="1",
                jobId="396284", maxRetries=0)  # fmt: skip
    assert found.state is State.FAILED
    assert "answered 503: try again" in found.errors
    assert not any("asked again" in line for line in found.logs)


def test_a_fivetran_sync_ends_when_its_moment_changes(run: Any, address: str) -> None:
    account = {"baseUrl": address, "apiKey": "me", "apiSecret": SECRET}
    found = run("fivetran.connectors.Sync", **account, connectorId="good", force=True)
    assert found.state is State.SUCCESS, found.errors
    failed = run("fivetran.connectors.Sync", **account, connectorId="bad")
    assert "Fivetran connector bad failed: reconnect it" in failed.errors


def test_a_hightouch_sync_counts_its_rows(run: Any, address: str, services: Services) -> None:
    found = run("hightouch.Sync", baseUrl=address, token=SECRET, syncId=9,
                fullResynchronization=True)  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["t"] == {"runId": 31, "addedCount": 4, "changedCount": 0,
                                  "removedCount": 1}  # fmt: skip
    assert services.posted == [("/api/v1/syncs/9/trigger", {"fullResync": True})]


def test_wrong_credentials_are_told(run: Any, address: str) -> None:
    found = run("hightouch.Sync", baseUrl=address, token="wrong", syncId=9)
    assert "answered 401: who are you? (check the credentials of the task)" in found.errors
    outside = run("hightouch.Sync", baseUrl="http://169.254.169.254", token="x", syncId=9)
    assert "metadata service" in outside.errors


def test_what_is_not_to_be_waited_for_is_only_started(run: Any, address: str) -> None:
    found = run("airbyte.connections.Sync", url=address, token=SECRET, connectionId="endless",
                wait=False)  # fmt: skip
    assert found.outputs["t"] == {"jobId": 3, "alreadyRunning": False}
