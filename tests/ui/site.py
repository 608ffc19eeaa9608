"""A mounted dashboard that tests talk to as a browser would."""

import asyncio
import contextvars
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI

from mainstem.app import App
from mainstem.model.execution import Execution
from mainstem.ui import create_ui
from tests.ui import seed


class Browser:
    """Sends requests straight into the application and keeps its cookies."""

    def __init__(self, root: FastAPI) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(root, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://mainstem.test")

    def get(
        self, path: str, *, headers: dict[str, str] | None = None, follow: bool = False
    ) -> httpx.Response:
        asked = self._client.get(path, headers=headers, follow_redirects=follow)
        return self._runner.run(asked, context=contextvars.copy_context())

    def post(
        self,
        path: str,
        data: dict[str, object],
        *,
        files: dict[str, tuple[str, bytes]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = self._client.post(path, data=data, files=files, headers=headers)
        return self._runner.run(sent, context=contextvars.copy_context())

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@dataclass
class Site:
    """The dashboard, its services, and executions by what they show."""

    browser: Browser
    app: App
    ui: FastAPI
    executions: dict[str, Execution] = field(default_factory=dict)

    def address(self, name: str, tab: str = "") -> str:
        """The page of a seeded execution."""
        execution = self.executions[name]
        base = f"/ui/executions/{execution.flow.namespace}/{execution.flow.id}/{execution.id}"
        return f"{base}/{tab}" if tab else base

    def get(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        response = self.browser.get(path)
        assert response.status_code == status, f"{path}: {response.status_code}\n{response.text}"
        return response.text

    def post(
        self,
        path: str,
        data: dict[str, object],
        files: dict[str, tuple[str, bytes]] | None = None,
    ) -> httpx.Response:
        """Post a form as the dashboard's own pages do."""
        if not self.browser.cookies.get("mainstem_csrf"):
            self.browser.get("/ui/settings")
        token = self.browser.cookies.get("mainstem_csrf")
        return self.browser.post(path, {**data, "csrf": token}, files=files)


def make_site(app: App, executions: dict[str, Execution] | None = None) -> Site:
    """The dashboard below `/ui`, as the server mounts it."""
    root, ui = FastAPI(), create_ui(seed.services(app), app.bus, app.clock)
    root.mount("/ui", ui)
    return Site(Browser(root), app, ui, executions or {})
