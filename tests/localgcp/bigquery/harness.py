"""What the tests of the BigQuery emulator share besides fixtures."""

import socket
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from mainstem.localgcp.bigquery.gcs import GcsEndpoint

PROJECT = "local-project"


@dataclass(frozen=True)
class Emulator:
    url: str
    gcs: GcsEndpoint
    state: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.01)
        else:
            return
    raise AssertionError(f"nothing listens on port {port}")


class Server:
    """An application on a port of its own, in a thread of the test process."""

    def __init__(self, app: object) -> None:
        self.port = free_port()
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_level="warning", ws="none"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        wait_until_open(self.port)
        return f"http://127.0.0.1:{self.port}"

    def __exit__(self, *exc: object) -> None:
        self.server.should_exit = True
        self.thread.join(20)


def make_client(url: str, project: str = PROJECT, **options: object) -> bigquery.Client:
    return bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=url),
        **options,
    )


def fetch(url: str, method: str = "GET", body: bytes | None = None, **headers: str):
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    return urllib.request.urlopen(request, timeout=10)
