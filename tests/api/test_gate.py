"""Every route has a row, and nothing leaves that no row has allowed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mainstem.app import App
from mainstem.errors import Bug
from mainstem.gate.authenticate import Found
from mainstem.gate.middleware import Gate
from mainstem.gate.permissions import ROUTES
from mainstem.gate.protect import endpoints, protect
from mainstem.model.principal import ANONYMOUS
from mainstem.server import create_server
from mainstem.services.audit import AuditFilter
from mainstem.settings import load_settings


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    settings = load_settings(
        overrides={"state_dir": str(tmp_path_factory.mktemp("gate")), "auth.mode": "none"},
        environment={},
    )
    made = App(settings, environment={})
    yield made
    made.database.close()


def test_every_route_has_a_row_and_every_row_a_route(app: App) -> None:
    found = endpoints(create_server(app))
    assert [f"{method} {template}" for method, template, rule in found if rule is None] == []
    served = {
        f"{method} {template.replace('/api/v1/main/', '/api/v1/')}" for method, template, _ in found
    }
    assert set(ROUTES) - served == set(), "rows of routes that are no more"


def test_a_server_with_a_route_that_has_no_row_does_not_start() -> None:
    web = FastAPI(openapi_url=None)
    web.add_api_route("/api/v1/nobody-thought-of-it", lambda: "x")
    with pytest.raises(Bug, match="GET /api/v1/nobody-thought-of-it"):
        protect(web)


def test_an_application_mounted_whole_needs_a_row_too() -> None:
    async def inner(_scope: Scope, _receive: Receive, _send: Send) -> None: ...

    web = FastAPI(openapi_url=None)
    web.mount("/git", inner)
    with pytest.raises(Bug, match=r"\* /git/"):
        protect(web)


def test_a_route_that_slipped_past_the_gate_is_not_answered(app: App) -> None:
    async def leak(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("everything")

    async def nobody(_scope: Scope) -> Found:
        return Found(ANONYMOUS)

    web = FastAPI(openapi_url=None)
    protect(web)
    web.router.routes.append(Route("/late", leak))
    web.add_middleware(Gate, authenticate=nobody, audit=app.audit)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(web)
        async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as client:
            return await client.get("/late")

    answer = asyncio.run(ask())
    assert answer.status_code == 401
    assert "everything" not in answer.text


def test_a_change_that_no_service_records_is_recorded_by_the_gate(app: App) -> None:
    async def ask() -> int:
        transport = httpx.ASGITransport(create_server(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.put("/api/v1/triggers", json={"namespace": "a"})
            return answer.status_code

    assert asyncio.run(ask()) == 422
    (record,) = app.audit.search(AuditFilter(action="trigger:operate"))
    assert (record.outcome, record.resource) == ("failed", "PUT /api/v1/triggers")
