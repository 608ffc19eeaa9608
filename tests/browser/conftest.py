"""A dashboard on a port, and a real browser to look at it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mainstem.app import App
from mainstem.clock import SystemClock
from mainstem.model.execution import Execution
from mainstem.ui import close_ui, create_ui
from tests.ui import seed

CHROMIUM = Path("/usr/bin/chromium")
expect.set_options(timeout=20_000)  # other tests take their share of the machine
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Served:
    """A dashboard on a port of its own, over seeded data."""

    url: str
    app: App
    seeder: seed.Seeder
    executions: dict[str, Execution]

    def address(self, path: str) -> str:
        places = {
            name: f"/ui/executions/{e.flow.namespace}/{e.flow.id}/{e.id}"
            for name, e in self.executions.items()
        }
        return self.url + path.format(**places)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    clock = SystemClock()
    app = seed.make_app(tmp_path_factory.mktemp("served"), clock)
    seeder = seed.Seeder(app, clock.now())
    executions = seeder.everything()
    root, ui = FastAPI(), create_ui(seed.services(app), app.bus, clock)
    root.mount("/ui", ui)
    config = uvicorn.Config(root, port=0, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", app, seeder, executions)
    close_ui(ui)
    server.should_exit = True
    thread.join(20)
    listener.close()
    app.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "console", lambda m: faults.append(f"{m.type}: {m.text}") if m.type == "error" else None
    )
    yield opened
    context.close()
    assert faults == []
