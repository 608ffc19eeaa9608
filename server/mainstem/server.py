"""The web application of a server: API and dashboard over one App."""

from collections.abc import Mapping
from datetime import timedelta

from fastapi import FastAPI
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from mainstem import __version__
from mainstem.api.application import create_api
from mainstem.api.services import ApiServices
from mainstem.app import App
from mainstem.ui.application import create_ui
from mainstem.ui.desk import Services as UiServices

_SILENT = timedelta(seconds=30)


def create_server(app: App) -> FastAPI:
    """The ASGI application; `/` leads to the dashboard at `/ui/`."""
    web = create_api(
        ApiServices(
            flows=app.flows,
            executions=app.executions,
            inputs=app.inputs,
            search=app.search,
            triggers=app.triggers,
            kv=app.kv,
            files=app.files,
            previews=app.previews,
            syncs=app.syncs,
            bus=app.bus,
            clock=app.clock,
            health=lambda: health(app),
        )
    )
    web.mount("/ui", create_dashboard(app))
    web.add_api_route("/", _home, include_in_schema=False)
    return web


def create_dashboard(app: App) -> ASGIApp:
    services = UiServices(
        flows=app.flows,
        executions=app.executions,
        inputs=app.inputs,
        search=app.search,
        triggers=app.triggers,
        kv=app.kv,
        files=app.files,
        previews=app.previews,
        syncs=app.syncs,
    )
    return create_ui(services, app.bus, app.clock)


def _home() -> RedirectResponse:
    return RedirectResponse("ui/")


def health(app: App) -> Mapping[str, object]:
    """UP while every loop has ticked lately, else DOWN with the loops that have not."""
    now = app.clock.now()
    loops: dict[str, str] = {}
    last = app.executor.last_tick
    loops["executor"] = "UP" if last is not None and now - last < _SILENT else "DOWN"
    for ticker in app.tickers:
        wanted = max(_SILENT, timedelta(seconds=3 * ticker.component.interval_seconds))
        alive = ticker.last_tick is not None and now - ticker.last_tick < wanted
        loops[ticker.component.name] = "UP" if alive else "DOWN"
    down = [name for name, state in loops.items() if state == "DOWN"]
    return {"status": "DOWN" if down else "UP", "version": __version__, "components": loops}
