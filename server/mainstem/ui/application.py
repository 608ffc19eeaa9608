"""The dashboard as one ASGI application, to be mounted at `/ui`."""

from importlib.metadata import version as installed_version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mainstem.clock import Clock
from mainstem.errors import MainstemError
from mainstem.gate.flat import include
from mainstem.ui import problems
from mainstem.ui.assets import Assets
from mainstem.ui.desk import Desk, Services, desk
from mainstem.ui.live import Bus, Live
from mainstem.ui.live_topics import may_follow
from mainstem.ui.pages import (
    audit,
    backfill,
    components,
    dashboard,
    execute,
    execution,
    execution_files,
    execution_logs,
    executions,
    flow,
    flow_assist,
    flow_edit,
    flow_tabs,
    flow_triggers,
    flows,
    gitsync,
    gitsync_connect,
    logs,
    namespace_files,
    namespace_kv,
    namespace_secrets,
    namespaces,
    operations,
    palette,
    plugins,
    resume,
    settings,
    sign_in,
    system,
    tokens,
    triggers,
    users,
)
from mainstem.ui.render import Renderer
from mainstem.ui.security import SecurityHeaders

_PAGES = (
    dashboard, operations, executions, resume, execution, execution_logs, execution_files, flows,
    flow_edit, flow_assist, flow, flow_tabs, execute, plugins, triggers, flow_triggers, backfill,
    logs,
    namespaces, namespace_files, namespace_kv, namespace_secrets, gitsync_connect, gitsync, system,
    palette, settings, components, sign_in, users, tokens, audit,
)  # fmt: skip


def create_ui(services: Services, bus: Bus, clock: Clock) -> FastAPI:
    """Build the dashboard, to be mounted at `/ui`; `close_ui` ends it."""
    assets = Assets()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.desk = Desk(
        renderer=Renderer(assets, clock, version=installed_version("mainstem")),
        assets=assets,
        live=Live(bus),
        clock=clock,
        services=services,
    )
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(MainstemError, problems.mainstem_problem)
    app.add_exception_handler(HTTPException, problems.http_problem)
    app.add_exception_handler(RequestValidationError, problems.invalid_request)
    app.add_exception_handler(Exception, problems.unexpected)
    app.add_api_route("/static/{name}", _static)
    app.add_api_route("/live", _live)
    for page in _PAGES:
        include(app, page.router)
    return app


def close_ui(app: FastAPI) -> None:
    """End every live stream, so that the server can stop at once; safe from any thread."""
    found: Desk = app.state.desk
    found.live.close()


def _static(request: Request, name: str) -> Response:
    return desk(request).assets.respond(name)


def _live(request: Request) -> Response:
    here = desk(request)
    return here.live.respond(request, lambda topic: may_follow(topic, here.services))
