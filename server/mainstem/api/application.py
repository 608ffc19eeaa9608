"""The FastAPI application of the API."""

from typing import Final

from fastapi import FastAPI

from mainstem import __version__
from mainstem.api import (
    backfills,
    errors,
    executions,
    flows,
    logs,
    namespaces,
    server,
    triggers,
    webhooks,
)
from mainstem.api.services import ApiServices
from mainstem.gate.flat import include

PREFIXES: Final = ("/api/v1", "/api/v1/main")


def create_api(services: ApiServices) -> FastAPI:
    """Every route under `/api/v1`, and again under the default tenant `main`."""
    app = FastAPI(
        title="Mainstem",
        version=__version__,
        docs_url=None,  # it would run scripts of another site with the reader's session
        openapi_url="/api/openapi.json",
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.api_services = services
    errors.install(app)
    include(app, server.health)
    for prefix in reversed(PREFIXES):
        for router in (
            server.router,
            executions.bulk,
            logs.router,
            webhooks.router,
            backfills.reference,
            triggers.router,
            backfills.router,
            executions.router,
            flows.router,
            namespaces.router,
        ):
            include(app, router, prefix, described=prefix == PREFIXES[0])
    webhooks.make_lean(app)
    return app
