"""The FastAPI application of the API."""

from functools import partial
from typing import Final

from fastapi import FastAPI

from mainstem import __version__
from mainstem.api import (
    accounts,
    backfills,
    errors,
    execution_actions,
    execution_bulk,
    execution_files,
    executions,
    flow_bulk,
    flow_graphs,
    flow_source,
    flows,
    git,
    kv,
    logs,
    metrics,
    namespace_files,
    namespaces,
    plugins,
    secrets,
    server,
    syncs,
    templates,
    trigger_bulk,
    triggers,
    webhooks,
)
from mainstem.api.description import description
from mainstem.api.services import ApiServices
from mainstem.gate.flat import include

PREFIX: Final = "/api/v1"
# Addresses with fixed words before those with names in the same place.
_ROUTERS: Final = (
    webhooks.router,  # called more often than all others
    server.router,
    accounts.router,
    syncs.router,
    git.webhooks,
    plugins.router,
    executions.lists,
    execution_bulk.router,
    execution_bulk.operations,
    logs.router,
    metrics.router,
    execution_files.outputs,
    backfills.reference,
    trigger_bulk.router,
    triggers.router,
    backfills.router,
    execution_actions.router,
    execution_files.router,
    executions.router,
    executions.creation,
    flows.lists,
    flow_source.router,
    flow_bulk.router,
    flow_graphs.lists,
    flow_graphs.router,
    flow_bulk.namespaces,
    flows.router,
    kv.router,
    namespace_files.router,
    secrets.router,
    namespaces.router,
    templates.router,
)


def create_api(services: ApiServices) -> FastAPI:
    """Every route; `DefaultTenant` must stand in front of it."""
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
    include(app, git.router)
    for router in _ROUTERS:
        include(app, router, PREFIX)
    webhooks.open_doorway(app, services.triggers.webhooks)
    app.openapi = partial(description, app)  # type: ignore[method-assign]
    return app
