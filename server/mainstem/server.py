"""The web application of a server: API and dashboard over one App."""

import socket
from functools import partial

from fastapi import FastAPI
from starlette.responses import RedirectResponse

from mainstem import __version__
from mainstem.api.application import create_api
from mainstem.api.services import ApiServices
from mainstem.api.tenant import DefaultTenant
from mainstem.api.timings import Timings
from mainstem.app import App
from mainstem.gate.authenticate import Authenticator
from mainstem.gate.middleware import Gate
from mainstem.gate.protect import protect
from mainstem.guard import Guard
from mainstem.services.workers import StoredWorker, WorkerService
from mainstem.ui.application import close_ui, create_ui
from mainstem.ui.desk import Part
from mainstem.ui.desk import Services as UiServices
from mainstem.vitals import health, readiness


def create_server(app: App) -> FastAPI:
    """The ASGI application; `/` leads to the dashboard at `/ui/`.

    `state.end_streams` ends live streams, so that a server that stops need not wait for them.
    """
    web = create_api(_api_services(app))
    dashboard = create_dashboard(app)
    web.mount("/ui", dashboard)
    web.state.end_streams = partial(close_ui, dashboard)
    for path in ("/", "/ui"):
        web.add_api_route(path, _home, include_in_schema=False)
    _close(web, app)
    return web


def _close(web: FastAPI, app: App) -> None:
    """Put the gate in front of every route, and the guard of host names before it."""
    protect(web)
    settings = app.settings
    iap = app.accounts.iap
    authenticate = Authenticator(
        app.sign_in,
        is_open=settings.auth.mode == "none",
        from_header=iap.principal if iap is not None else None,
    )
    web.add_middleware(Gate, authenticate=authenticate, audit=app.audit)
    web.add_middleware(Timings)
    web.add_middleware(
        Guard,
        base_url=app.base_url,
        allowed=settings.server.allowed_hosts,
        by_address=not settings.server.is_loopback,
    )
    web.add_middleware(DefaultTenant)


def _api_services(app: App) -> ApiServices:
    return ApiServices(
        flows=app.flows,
        catalog=app.catalog,
        dependencies=app.dependencies,
        executions=app.executions,
        inputs=app.inputs,
        evaluation=app.evaluation,
        operations=app.operations,
        figures=app.figures,
        plugins=app.plugins,
        measures=app.measures,
        search=app.search,
        triggers=app.triggers,
        kv=app.kv,
        files=app.files,
        namespaces=app.namespaces,
        tree=app.tree,
        secrets=app.secrets,
        secret_reads=app.secret_reads,
        credentials=app.credentials,
        previews=app.previews,
        templates=app.templates,
        task_cache=app.task_cache,
        syncs=app.syncs,
        accounts=app.accounts,
        bus=app.bus,
        clock=app.clock,
        health=lambda: health(app),
        readiness=lambda: readiness(app),
        live=app.live,
        base_url=app.base_url,
        instance=app.instance,
    )


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
        namespaces=app.namespaces,
        tree=app.tree,
        secrets=app.secrets,
        secret_reads=app.secret_reads,
        credentials=app.credentials,
        previews=app.previews,
        plugins=app.plugins,
        dependencies=app.dependencies,
        figures=app.figures,
        operations=app.operations,
        evaluation=app.evaluation,
        syncs=app.syncs,
        accounts=app.accounts,
        workers=_workers(app),
        measures=app.measures,
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


def _workers(app: App) -> WorkerService:
    """Of all servers of the database, or the one of this process."""
    lost_seconds = app.settings.cluster.lost_seconds
    if app.cluster is not None:
        return WorkerService(app.database, lost_seconds)
    started = app.clock.now()
    return WorkerService(
        app.database,
        lost_seconds,
        lambda: StoredWorker(
            app.instance, app.instance, socket.gethostname(), "", app.workers.slots, __version__,
            started, app.clock.now(), app.workers.load[0], app.is_draining,
        ),
    )  # fmt: skip


def _home() -> RedirectResponse:
    return RedirectResponse("ui/")


def _parts(app: App) -> list[Part]:
    """The loops of this process, the executor first."""
    waiting = app.workers.load[1]
    note = f"{app.executor.backlog} events waiting, {app.stepper.open_count} executions open"
    if app.cluster is not None and not app.executor.is_active:
        note = "another server executes"
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
