"""The http() function of expressions: bounded, and never to the cloud's metadata."""

import http.server
import threading
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from mainstem.errors import Denied, InvalidInput
from mainstem.services.http_call import http_call


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://[::ffff:169.254.169.254]/latest")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/json" else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"a": [1]}')

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}"
        listener.shutdown()


def test_a_json_answer_comes_parsed(base: str) -> None:
    assert http_call({"uri": f"{base}/json"}) == {"a": [1]}


def test_an_error_of_the_other_side_is_told_with_its_status(base: str) -> None:
    with pytest.raises(InvalidInput, match="answered 404"):
        http_call({"uri": f"{base}/none"})


def test_the_metadata_address_is_refused_at_once_and_behind_a_redirect(base: str) -> None:
    with pytest.raises(Denied, match="metadata"):
        http_call({"uri": "http://169.254.169.254/latest"})
    with pytest.raises(Denied, match="metadata"):
        http_call({"uri": f"{base}/away"})


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]",
        "[2002:a9fe:a9fe::1]", "[::ffff:0:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]", "2852039166", "0xa9fea9fe", "169.254.43518", "0251.0376.0251.0376",
        "metadata.google.internal", "METADATA.google.internal.", "metadata", "169.254.170.2",
        "168.63.129.16",
    ],
)  # fmt: skip
def test_the_metadata_address_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(Denied, match="metadata"):
        http_call({"uri": f"http://{host}/computeMetadata/v1/"})


def test_a_name_that_leads_to_the_metadata_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    with pytest.raises(Denied, match="leads to the metadata service"):
        http_call({"uri": "http://innocent.example/"})


def test_a_name_that_leads_there_only_at_the_second_look_is_refused(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What answers counts: the listener's own address stands for the metadata service here."""
    loopback = (ip_network("127.0.0.1/32"),)
    monkeypatch.setattr("mainstem.sdk.addresses._METADATA", loopback)
    monkeypatch.setattr("mainstem.sdk.addresses.check_host", lambda _host: None)
    with pytest.raises(Denied, match="metadata"):
        http_call({"uri": f"{base}/json"})


def test_only_http_addresses_are_asked() -> None:
    with pytest.raises(InvalidInput, match="not an http or https address"):
        http_call({"uri": "file:///etc/passwd"})
