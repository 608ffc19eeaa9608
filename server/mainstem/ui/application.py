"""The dashboard as one ASGI application, to be mounted at `/ui`."""

from importlib.metadata import version as installed_version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mainstem.clock import Clock
from mainstem.errors import MainstemError
from mainstem.ui import problems
from mainstem.ui.assets import Assets
from mainstem.ui.desk import Desk, desk
from mainstem.ui.live import Bus, Live
from mainstem.ui.pages import components, settings
from mainstem.ui.render import Renderer
from mainstem.ui.security import SecurityHeaders

_PAGES = (components.router, settings.router)


def create_ui(bus: Bus, clock: Clock) -> FastAPI:
    """Build the dashboard; `mainstem.ui.close_ui` ends its streams when the server stops."""
    assets = Assets()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.desk = Desk(
        renderer=Renderer(assets, clock, version=installed_version("mainstem")),
        assets=assets,
        live=Live(bus),
        clock=clock,
    )
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(MainstemError, problems.mainstem_problem)
    app.add_exception_handler(HTTPException, problems.http_problem)
    app.add_exception_handler(RequestValidationError, problems.invalid_request)
    app.add_exception_handler(Exception, problems.unexpected)
    app.add_api_route("/static/{name}", _static, include_in_schema=False)
    app.add_api_route("/live", _live, include_in_schema=False)
    for router in _PAGES:
        app.include_router(router)
    return app


def _static(request: Request, name: str) -> Response:
    return desk(request).assets.respond(name)


async def _live(request: Request) -> Response:
    return desk(request).live.respond(request)
