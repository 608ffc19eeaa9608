"""A forward proxy on 127.0.0.1 that answers for a few hosts itself and refuses all others.

Clients need nothing but the usual proxy variables and a certificate bundle: what they request is
exactly what they would request from the real host. Nothing is ever passed on to the network.
"""

import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from demo.authority import Authority


@dataclass(frozen=True)
class Reply:
    """What a site answers: bytes, or a file that is streamed."""

    body: bytes | Path = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.body.stat().st_size if isinstance(self.body, Path) else len(self.body)

    @classmethod
    def text(cls, words: str, status: int = 200) -> "Reply":
        return cls((words + "\n").encode(), status, {"Content-Type": "text/plain; charset=utf-8"})

    @classmethod
    def moved(cls, url: str) -> "Reply":
        return cls(b"", 302, {"Location": url})


Site = Callable[[str], Reply]
"""Answers a GET for a path with its query."""


class Proxy:
    """Runs in a thread while the `with` block lasts; `sites` are keyed by host name."""

    def __init__(self, authority: Authority, sites: Mapping[str, Site], port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.authority, self._server.sites = authority, sites
        self._thread = Thread(target=self._server.serve_forever, name="proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[str]:
        """What was asked for and how it was answered, oldest first."""
        return self._server.requests

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    authority: Authority
    sites: Mapping[str, Site]

    def __init__(self, *arguments: Any) -> None:
        self.requests: list[str] = []
        super().__init__(*arguments)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up or distrusts the certificate is its own affair: one line, no trace.
        self.requests.append(f"connection lost: {sys.exc_info()[1]}")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60
    tunnel = ""

    def do_CONNECT(self) -> None:
        host = self.path.rpartition(":")[0].strip("[]").lower()
        if host not in self.server.sites:
            self.close_connection = True
            self._answer(f"CONNECT {host}", self._refusal(host))
            return
        self.send_response_only(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        self.connection: socket.socket | ssl.SSLSocket = self.server.authority.context(
            host
        ).wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.tunnel, self.close_connection = host, False

    def do_GET(self) -> None:
        url = urlsplit(self.path if not self.tunnel else f"https://{self.tunnel}{self.path}")
        host = (url.hostname or "127.0.0.1").lower()
        path = url.path + (f"?{url.query}" if url.query else "")
        site = self.server.sites.get(host)
        scheme = url.scheme or "direct"
        asked = f"{self.command} {scheme}://{host}{path}"
        self._answer(asked, self._refusal(host) if site is None else self._ask(site, path))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.close_connection = True
        asked = f"{self.command} {self.tunnel}{self.path}"
        self._answer(asked, Reply.text(f"{asked}: a stand-in only answers GET and HEAD.", 405))

    do_PUT = do_PATCH = do_DELETE = do_POST

    def _ask(self, site: Site, path: str) -> Reply:
        try:
            return site(path)
        except Exception as problem:
            return Reply.text(f"The stand-in failed: {type(problem).__name__}: {problem}", 500)

    def _refusal(self, host: str) -> Reply:
        known = ", ".join(sorted(name for name in self.server.sites if name != "127.0.0.1"))
        return Reply.text(
            f"{host} is not reached: this proxy never uses the network. It stands in for {known}.",
            502,
        )

    def _answer(self, asked: str, reply: Reply) -> None:
        self.server.requests.append(f"{asked} {reply.status}")
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Type" not in reply.headers:
            self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(reply.size))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            if isinstance(reply.body, Path):
                with reply.body.open("rb") as file:
                    shutil.copyfileobj(file, self.wfile, 1 << 18)
            else:
                self.wfile.write(reply.body)
        self.wfile.flush()

    def finish(self) -> None:
        super().finish()
        if self.tunnel:
            # Wrapping detached the socket that the server knows; this one is ours to close.
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Requests are kept in `Proxy.requests`; nothing is printed."""
