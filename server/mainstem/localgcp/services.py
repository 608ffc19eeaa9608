"""BigQuery, Secret Manager, the token endpoint and the console as one application."""

import contextlib
import importlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mainstem.localgcp.auth.accounts import Accounts
from mainstem.localgcp.auth.endpoint import token_route
from mainstem.localgcp.auth.gate import Gate
from mainstem.localgcp.auth.tokens import Tokens
from mainstem.localgcp.bigquery.app import create_app as create_bigquery
from mainstem.localgcp.bigquery.gcs import GcsEndpoint
from mainstem.localgcp.config import LocalGcpConfig
from mainstem.localgcp.console.sources import Sources
from mainstem.localgcp.console.storage import Buckets
from mainstem.localgcp.guard import LoopbackOnly
from mainstem.localgcp.ports import Endpoints
from mainstem.localgcp.secretmanager.app import create_app as create_secretmanager
from mainstem.localgcp.secretmanager.service import SecretManager
from mainstem.localgcp.secretmanager.vault import Vault
from mainstem.localgcp.state import StateFolder


class ByPath:
    """Hands a request to the service that owns its path; BigQuery owns what nobody else does."""

    def __init__(self, owners: dict[str, ASGIApp], rest: ASGIApp) -> None:
        self._owners = owners
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = scope["path"].split("/", 2)[1] if scope["path"] else ""
        await self._owners.get(first, self._rest)(scope, receive, send)


class LazyConsole:
    """Loads templates and their engine when somebody looks; most starts are for programs."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            module = importlib.import_module("mainstem.localgcp.console.app")
            self._app = module.create_app(self._sources)
        await self._app(scope, receive, send)


def build(config: LocalGcpConfig, state: StateFolder, endpoints: Endpoints) -> Starlette:
    """The application behind the services port; its lifespan opens and closes the emulators."""
    tokens = Tokens(state.auth, Accounts(state.auth), config.policy, time.time)
    manager = SecretManager(Vault(state.secretmanager), _now)
    bigquery = create_bigquery(
        state.bigquery,
        GcsEndpoint(url=endpoints.storage, root=state.storage),
        default_location=config.location,
    )
    sources = Sources(
        project=config.project,
        endpoints=endpoints,
        buckets=Buckets(endpoints.storage),
        warehouse=bigquery.state.warehouse,
        secrets=manager.summaries,
    )
    edge = Starlette(
        routes=[token_route(tokens, endpoints.token), Route("/", _home), Route("/healthz", _health)]
    )
    apps = ByPath(
        {
            "": edge,
            "token": edge,
            "healthz": edge,
            "console": LazyConsole(sources),
            "v1": Gate(create_secretmanager(manager), tokens),
        },
        rest=Gate(bigquery, tokens),
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with bigquery.router.lifespan_context(bigquery):
            yield

    outer = Starlette(lifespan=lifespan)
    outer.mount("/", LoopbackOnly(apps))
    return outer


async def _home(request: Request) -> Response:
    return RedirectResponse("/console/")


async def _health(request: Request) -> Response:
    return Response("ok", media_type="text/plain")


def _now() -> datetime:
    return datetime.now(UTC)
