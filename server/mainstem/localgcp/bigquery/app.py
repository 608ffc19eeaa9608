"""The composition root of the emulator: one FastAPI application over one state folder."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response

from mainstem.localgcp.bigquery.database import Clock, Database
from mainstem.localgcp.bigquery.errors import BigQueryError
from mainstem.localgcp.bigquery.gcs import GcsEndpoint
from mainstem.localgcp.bigquery.insertall import InsertIds
from mainstem.localgcp.bigquery.jobs.runner import as_bigquery_error
from mainstem.localgcp.bigquery.routes import (
    datasets,
    jobs,
    queries,
    refused,
    routines,
    tabledata,
    tables,
    uploads,
)
from mainstem.localgcp.bigquery.routes.http import JsonAnswer
from mainstem.localgcp.bigquery.warehouse import close_warehouse, open_warehouse

TokenVerifier = Callable[[str], bool]
"""Says whether a bearer token is one that the local token endpoint issued and still honours."""

Next = Callable[[Request], Awaitable[Response]]
PREFIX: Final = "/bigquery/v2"
UPLOAD_PREFIX: Final = "/upload/bigquery/v2"
RESOURCES: Final = (datasets, queries, jobs, tabledata, tables, routines)


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    state_dir: Path,
    storage: GcsEndpoint,
    *,
    clock: Clock = utc_now,
    verify_token: TokenVerifier | None = None,
    default_location: str = "US",
) -> FastAPI:
    """Build the emulator; `app.state.database` is what the `console` functions ask."""
    database = Database(state_dir, clock, default_location)
    warehouse = open_warehouse(database, storage, state_dir / "scratch")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        close_warehouse(warehouse)

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.database = database
    app.state.warehouse = warehouse
    app.state.request_ids = queries.RequestIds()
    app.state.insert_ids = InsertIds()
    app.state.sessions = uploads.Sessions()
    _add_routes(app)
    _add_errors(app)
    if verify_token is not None:
        _add_authentication(app, verify_token)
    return app


def _add_routes(app: FastAPI) -> None:
    for resource in RESOURCES:
        app.include_router(resource.router, prefix=PREFIX)
    app.include_router(uploads.router, prefix=UPLOAD_PREFIX)
    app.include_router(refused.router)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(BigQueryError)
    def refuse(request: Request, problem: BigQueryError) -> Response:
        return JsonAnswer(problem.wire(), status_code=problem.status)

    @app.exception_handler(Exception)
    def surprise(request: Request, problem: Exception) -> Response:
        refusal = as_bigquery_error(problem)
        return JsonAnswer(refusal.wire(), status_code=refusal.status)


def _add_authentication(app: FastAPI, verify_token: TokenVerifier) -> None:
    @app.middleware("http")
    async def authenticate(request: Request, call_next: Next) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and verify_token(token.strip()):
            return await call_next(request)
        refusal = BigQueryError(
            "authError",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, "
            "login cookie or other valid authentication credential. "
            "See https://developers.google.com/identity/sign-in/web/devconsole-project.",
            location="Authorization",
        )
        headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'}
        return JsonAnswer(refusal.wire(), status_code=refusal.status, headers=headers)
