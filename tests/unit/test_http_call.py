"""The http() function of expressions: bounded, and never to the cloud's metadata."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from mainstem.errors import Denied, InvalidInput
from mainstem.services.http_call import http_call


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest")
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


def test_only_http_addresses_are_asked() -> None:
    with pytest.raises(InvalidInput, match="not an http or https address"):
        http_call({"uri": "file:///etc/passwd"})
