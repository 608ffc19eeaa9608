"""An account that may use datasets and may not make them: what Terraform grants."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from mainstem.localgcp.launch import LocalGcp
from mainstem.model.state import State
from tests.localgcp.clients import PROJECT, bigquery_client
from tests.plugins.bench import Bench
from tests.plugins.conftest import _app
from tests.plugins.test_bigquery import bq
from tests.server.conftest import Server

SAYS = "Access Denied: Project x: User does not have bigquery.datasets.create permission"
REFUSAL = {
    "error": {
        "code": 403,
        "message": SAYS,
        "errors": [{"reason": "accessDenied", "message": SAYS, "domain": "global"}],
        "status": "PERMISSION_DENIED",
    }
}


class Gatekeeper(BaseHTTPRequestHandler):
    """Local BigQuery, whose datasets nobody may create."""

    behind = ""

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        if self.path.split("?")[0].endswith("/datasets"):
            self._body()
            self._answer(403, json.dumps(REFUSAL).encode(), "application/json")
        else:
            self._pass()

    do_PATCH = do_GET
    do_PUT = do_GET

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _pass(self) -> None:
        kept = {
            k: v for k, v in self.headers.items() if k.lower() not in ("host", "accept-encoding")
        }
        answer = httpx.request(
            self.command, f"{self.behind}{self.path}", content=self._body(), headers=kept,
            timeout=30, trust_env=False,
        )  # fmt: skip
        self._answer(answer.status_code, answer.content, answer.headers.get("content-type", ""))

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def limited(cloud: LocalGcp, key: dict[str, str], tmp_path: Path) -> Iterator[Bench]:
    Gatekeeper.behind = cloud.endpoints.bigquery
    with ThreadingHTTPServer(("127.0.0.1", 0), Gatekeeper) as gate:
        thread = threading.Thread(target=gate.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{gate.server_address[1]}"
        given = {"gcp.endpoints.bigquery": address, "gcp.endpoints.token": cloud.endpoints.token}
        app = _app(tmp_path, **given)
        app.start()
        bench = Bench(Server(app, patience=60))
        bench.set_kv(GCP_CREDS=json.dumps(key), GCP_PROJECT_ID=PROJECT)
        yield bench
        app.stop()
        gate.shutdown()
        thread.join()


def test_a_dataset_that_is_there_is_kept_though_none_may_be_made(
    limited: Bench, cloud: LocalGcp, key: dict[str, str]
) -> None:
    bigquery_client(cloud, key).create_dataset("made_by_terraform")
    found = limited.run(bq("CreateDataset", name="made_by_terraform", ifExists="SKIP"))
    assert found.state is State.SUCCESS, found.errors


def test_a_dataset_that_is_missing_is_refused_with_the_permission(limited: Bench) -> None:
    found = limited.run(bq("CreateDataset", name="not_there", ifExists="SKIP"))
    assert found.state is State.FAILED
    assert "bigquery.datasets.create" in found.errors
