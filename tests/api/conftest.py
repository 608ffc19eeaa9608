"""A listening server over a real App, shared by a module; each test has a namespace of its own."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from mainstem.app import App
from mainstem.server import create_server
from mainstem.settings import load_settings
from tests.server.conftest import Server

_numbers = itertools.count()

ENVIRONMENT = {"SECRET_API_KEY": "aHVudGVyMi1zZWNyZXQ=", "PATH": "/usr/bin:/bin"}
SECRET = "hunter2-secret"


class _Quick(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Api(Server):
    """The server's words, and requests that state the expected status."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        web = create_server(app)
        config = uvicorn.Config(web, port=0, log_config=None, lifespan="off", ws="none")
        self._web = _Quick(config)
        self._thread = threading.Thread(target=self._web.run, daemon=True)
        self._thread.start()
        assert self._web.listening.wait(20)
        port = self._web.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        owner = {"authorization": f"Bearer {app.sign_in.local_token}"}
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=20, headers=owner)

    def __call__(
        self, method: str, path: str, status: int = 200, *, base: str = "/api/v1", **options: Any
    ) -> Any:
        answer = self.client.request(method, f"{base}{path}", **options)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json else answer.content

    def refused(self, method: str, path: str, status: int, **options: Any) -> str:
        """The message of an error, which has the one shape of all."""
        body = self(method, path, status, **options)
        assert body["_embedded"]["errors"] == [{"message": body["message"]}]
        return str(body["message"])

    def events(self, path: str, **params: Any) -> Iterator[tuple[str, Any]]:
        """Server-sent events until the stream ends."""
        with self.client.stream("GET", f"/api/v1{path}", params=params) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            name = ""
            for line in answer.iter_lines():
                kind, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if kind == "event":
                    name = value
                if kind == "data":
                    yield name, json.loads(value or "{}")

    def close(self) -> None:
        self.client.close()
        self._web.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    given = {"state_dir": str(tmp_path_factory.mktemp("state")), "runners.default": "process"}
    settings = load_settings(overrides=given, environment={})
    app = App(settings, environment=ENVIRONMENT)
    app.start()
    try:
        served = Api(app)
        yield served
        served.close()
    finally:
        app.stop()


@pytest.fixture
def ns() -> str:
    """A namespace that no other test uses."""
    return f"n{next(_numbers)}"


Flow = Callable[..., str]


@pytest.fixture
def flow(api: Api, ns: str) -> Flow:
    """Stores a flow of this test's namespace; returns its id."""

    def store(tasks: str, name: str = "f", more: str = "") -> str:
        source = f"id: {name}\nnamespace: {ns}\n{more}\ntasks:\n{tasks}\n"
        return str(api("POST", "/flows", content=source)["id"])

    return store
