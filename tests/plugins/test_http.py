"""HTTP tasks against a server on this machine."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mainstem.model.state import State
from tests.plugins.bench import Bench, task, written


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if parts.path.startswith("/status/"):
            self._reply(int(parts.path.rpartition("/")[2]), b"the reason", "text/plain")
        elif parts.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/echo?from=redirect")
            self.end_headers()
        elif parts.path == "/to-metadata":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/computeMetadata/v1/")
            self.end_headers()
        elif parts.path == "/file":
            self.send_response(200)
            self.send_header("Content-Disposition", 'attachment; filename="trips.csv"')
            self.end_headers()
            self.wfile.write(b"a,b\n1,2\n")
        elif parts.path == "/named":
            self.send_response(200)
            disposition = "attachment; filename=\"x.csv\"; filename*=UTF-8''caf%C3%A9.csv"
            self.send_header("Content-Disposition", disposition)
            self.end_headers()
            self.wfile.write(b"a\n")
        elif parts.path == "/empty":
            self._reply(200, b"", "text/plain")
        else:
            told = {
                "method": self.command,
                "query": parse_qs(parts.query),
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": body.decode(),
            }
            self._reply(200, json.dumps(told).encode(), "application/json")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer

    def _reply(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def asked(bench: Bench, site: str, **properties: Any) -> dict[str, Any]:
    """What the server was asked."""
    found = bench.run(task("core.http.Request", uri=f"{site}/echo", **properties))
    assert found.state is State.SUCCESS, found.errors
    told: dict[str, Any] = json.loads(found.outputs["t"]["body"])
    return told


def test_a_request_sends_what_it_is_told_and_outputs_the_answer(bench: Bench, site: str) -> None:
    told = asked(
        bench,
        site,
        method="POST",
        headers={"X-Flow": "{{ flow.id }}"},
        params={"a": "1", "b": "{{ 1 + 1 }}"},
        body="{{ {'n': 1} | toJson }}",
    )
    assert told["method"] == "POST"
    assert told["query"] == {"a": ["1"], "b": ["2"]}
    assert told["headers"]["x-flow"].startswith("flow-")
    assert told["headers"]["content-type"] == "application/json"
    assert json.loads(told["body"]) == {"n": 1}


@pytest.mark.parametrize(
    ("options", "header"),
    [
        (
            {"basicAuthUser": "ann", "basicAuthPassword": "pw"},
            "Basic " + base64.b64encode(b"ann:pw").decode(),
        ),
        (
            {"auth": {"type": "BASIC", "username": "ann", "password": "pw"}},
            "Basic " + base64.b64encode(b"ann:pw").decode(),
        ),
        ({"auth": {"type": "BEARER", "token": "t0k3n"}}, "Bearer t0k3n"),
    ],
)
def test_credentials_go_into_the_header(
    bench: Bench, site: str, options: dict[str, Any], header: str
) -> None:
    assert asked(bench, site, options=options)["headers"]["authorization"] == header


def test_forms_are_sent_and_files_make_them_multipart(bench: Bench, site: str) -> None:
    plain = asked(bench, site, method="POST", formData={"a": "1", "b": "x y"})
    assert plain["body"] == "a=1&b=x+y"
    request = task(
        "core.http.Request",
        uri=f"{site}/echo",
        method="POST",
        formData={"note": "hi", "file": {"name": "n.txt", "content": "{{ outputs.file.uri }}"}},
    )
    found = bench.run(written("the content"), request)
    told = json.loads(found.outputs["t"]["body"])
    assert told["headers"]["content-type"].startswith("multipart/form-data")
    assert 'filename="n.txt"' in told["body"]
    assert "the content" in told["body"]


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal_fails_the_task_with_status_and_reason(
    bench: Bench, site: str, status: int
) -> None:
    found = bench.run(task("core.http.Request", uri=f"{site}/status/{status}"))
    assert found.state is State.FAILED
    assert f"answered {status}" in found.errors
    assert "the reason" in found.errors


@pytest.mark.parametrize(
    "allowed",
    [{"allowFailed": True}, {"options": {"allowFailed": True}},
     {"options": {"allowedResponseCodes": [404]}}],
)  # fmt: skip
def test_a_refusal_may_be_allowed(bench: Bench, site: str, allowed: dict[str, Any]) -> None:
    found = bench.run(task("core.http.Request", uri=f"{site}/status/404", **allowed))
    assert found.state is State.SUCCESS
    assert found.outputs["t"]["code"] == 404


def test_redirects_are_followed_unless_told_not_to(bench: Bench, site: str) -> None:
    request = task("core.http.Request", uri=f"{site}/redirect")
    assert bench.run(request).outputs["t"]["uri"] == f"{site}/echo?from=redirect"
    stays = bench.run({**request, "options": {"followRedirects": False}})
    assert stays.outputs["t"]["code"] == 302


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest", "http://metadata.google.internal/x", "SITE/to-metadata"],
)
def test_the_clouds_metadata_service_is_never_asked(bench: Bench, site: str, address: str) -> None:
    found = bench.run(task("core.http.Request", uri=address.replace("SITE", site)))
    assert found.state is State.FAILED
    assert "metadata service" in found.errors


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x/y", "no address"])
def test_only_http_addresses_are_asked(bench: Bench, address: str) -> None:
    assert (
        "not an http or https address" in bench.run(task("core.http.Request", uri=address)).errors
    )


def test_an_address_where_nobody_answers_says_so(bench: Bench) -> None:
    found = bench.run(task("core.http.Request", uri="http://127.0.0.1:9/x"))
    assert "http://127.0.0.1:9/x does not answer" in found.errors


def test_a_download_is_stored_under_the_name_that_the_server_tells(bench: Bench, site: str) -> None:
    found = bench.run(task("core.http.Download", uri=f"{site}/file"))
    outputs = found.outputs["t"]
    assert outputs["uri"].endswith("/trips.csv")
    assert (outputs["length"], found.text(outputs["uri"])) == (8, "a,b\n1,2\n")


def test_an_empty_download_fails_unless_that_is_allowed(bench: Bench, site: str) -> None:
    download = task("core.http.Download", uri=f"{site}/empty")
    assert "failOnEmptyResponse" in bench.run(download).errors
    for allowed in ({"failOnEmptyResponse": False}, {"allowFailed": True}):
        found = bench.run({**download, **allowed})
        assert found.outputs["t"]["length"] == 0
        assert any("is empty" in line for line in found.logs)


def test_a_download_takes_the_name_that_the_server_spells_out(bench: Bench, site: str) -> None:
    found = bench.run(task("core.http.Download", uri=f"{site}/named"))
    assert found.outputs["t"]["uri"].endswith("/caf%C3%A9.csv"), found.outputs["t"]["uri"]


def test_fields_of_a_form_that_are_no_text_go_as_json(bench: Bench, site: str) -> None:
    told = asked(bench, site, method="POST", formData={"a": {"b": [1, True]}, "c": True, "d": "x"})
    assert parse_qs(told["body"]) == {"a": ['{"b": [1, true]}'], "c": ["true"], "d": ["x"]}


def test_an_answer_may_be_as_long_as_the_flow_allows(bench: Bench, site: str) -> None:
    request = task("core.http.Request", uri=f"{site}/echo", options={"maxContentLength": 10})
    assert "larger than 10 bytes" in bench.run(request).errors


@pytest.mark.parametrize("nested", [True, False])
def test_a_request_goes_through_the_proxy_that_it_names(
    bench: Bench, site: str, nested: bool
) -> None:
    port = int(site.rpartition(":")[2])
    proxy = {"type": "HTTP", "address": "127.0.0.1", "port": port, "username": "u", "password": "p"}
    flat = {f"proxy{name.capitalize()}": value for name, value in proxy.items()}
    request = task(
        "core.http.Request",
        uri="http://site.invalid/echo",
        options={"proxy": proxy} if nested else flat,
    )
    found = bench.run(request)
    assert found.state is State.SUCCESS, found.errors
    told = json.loads(found.outputs["t"]["body"])
    assert told["headers"]["host"] == "site.invalid"
    assert told["headers"]["proxy-authorization"].startswith("Basic ")


def test_a_body_is_sealed_in_the_outputs_and_read_by_expressions(bench: Bench, site: str) -> None:
    found = bench.run(
        task("core.http.Request", "ask", uri=f"{site}/status/200", encryptBody=True),
        task("core.debug.Return", "body", format="{{ outputs.ask.encryptedBody | length }}"),
    )
    sealed = found.outputs["ask"]["encryptedBody"]
    assert "body" not in found.outputs["ask"]
    assert "the reason" not in json.dumps(sealed)
    assert found.outputs["body"] == {"value": str(len("the reason"))}


def test_a_polled_address_starts_the_flow_when_its_answer_is_as_wanted(
    bench: Bench, site: str
) -> None:
    trigger = task(
        "core.http.Trigger",
        "watch",
        uri=f"{site}/status/404",
        interval="PT1S",
        responseCondition="{{ response.statusCode == 404 and response.body == 'the reason' }}",
    )
    show = task("core.debug.Return", format="{{ trigger.code }} {{ trigger.body }}")
    flow = bench.server.save(bench.flow([show], id="polled", triggers=[trigger]))
    found = bench.first_of(flow)
    bench.app.flows.delete(flow)
    assert found.outputs["t"] == {"value": "404 the reason"}
