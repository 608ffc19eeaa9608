"""The web application of a server: API and dashboard over one App."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from starlette.responses import RedirectResponse

from mainstem import __version__
from mainstem.api.application import create_api
from mainstem.api.services import ApiServices
from mainstem.app import App
from mainstem.gate.authenticate import Authenticator
from mainstem.gate.middleware import Gate
from mainstem.gate.protect import protect
from mainstem.guard import Guard
from mainstem.ui.application import close_ui, create_ui
from mainstem.ui.desk import Part
from mainstem.ui.desk import Services as UiServices

_SILENT = timedelta(seconds=30)


def create_server(app: App) -> FastAPI:
    """The ASGI application; `/` leads to the dashboard at `/ui/`.

    `state.end_streams` ends live streams, so that a server that stops need not wait for them.
    """
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
    dashboard = create_dashboard(app)
    web.mount("/ui", dashboard)
    web.state.end_streams = partial(close_ui, dashboard)
    for path in ("/", "/ui"):
        web.add_api_route(path, _home, include_in_schema=False)
    protect(web)
    settings = app.settings
    authenticate = Authenticator(app.sign_in, is_open=settings.auth.mode == "none")
    web.add_middleware(Gate, authenticate=authenticate, audit=app.audit)
    web.add_middleware(
        Guard,
        base_url=app.base_url,
        allowed=settings.server.allowed_hosts,
        by_address=not settings.server.is_loopback,
    )
    return web


def create_dashboard(app: App) -> FastAPI:
    """The dashboard; `close_ui` ends its live streams."""
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
        load=lambda: (app.workers.load[0], app.workers.slots),
        parts=lambda: _parts(app),
        facts={
            "Version": __version__,
            "Database": app.database.engine.dialect.name,
            "State folder": str(app.settings.state_dir.resolve()),
            "Task runner": app.settings.runners.default,
        },
    )
    return create_ui(services, app.bus, app.clock)


def _parts(app: App) -> list[Part]:
    """The loops of this process, the executor first."""
    waiting = app.workers.load[1]
    note = f"{app.executor.backlog} events waiting, {app.stepper.open_count} executions open"
    executor = Part("executor", note, app.executor.last_tick, 5.0)
    worker = Part("worker", f"{waiting} attempts waiting for a place", app.clock.now(), 5.0)
    return [
        executor,
        worker,
        *(
            Part(
                ticker.component.name,
                seen_at=ticker.last_tick,
                interval_seconds=ticker.component.interval_seconds,
                error=ticker.last_error,
            )
            for ticker in app.tickers
        ),
    ]


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
        seen = ticker.last_tick or ticker.started_at
        alive = seen is not None and now - seen < wanted
        loops[ticker.component.name] = "UP" if alive else "DOWN"
    down = [name for name, state in loops.items() if state == "DOWN"]
    return {"status": "DOWN" if down else "UP", "version": __version__, "components": loops}
