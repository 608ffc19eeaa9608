"""A server says that it lives before its pages are loaded; whoever wants a page waits for it."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from mainstem.probe import Opening, Probe

_WEB = PlainTextResponse("the web application")


class World:
    """An opening whose web application the test makes when it wants to."""

    def __init__(self) -> None:
        self.health: Mapping[str, object] = {"status": "UP"}
        self.readiness: Mapping[str, object] = {"status": "READY"}
        self.web: Future[ASGIApp] = Future()
        self.probe = Probe(lambda: self.health, lambda: self.readiness)
        self.app = Opening(self.probe, self.web)

    def client(self, app: ASGIApp | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app or self.app), base_url="http://127.0.0.1"
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_health_is_answered_before_the_pages_are_made(world: World, path: str) -> None:
    async def ask() -> httpx.Response:
        async with world.client() as client:
            return await client.get(path)

    found = asyncio.run(ask())
    assert (found.status_code, found.json()) == (200, {"status": "UP"})


@pytest.mark.parametrize("path", ["/health/ready", "/ui/", "/api/v1/flows/search"])
def test_everything_else_waits_until_the_pages_are_made(world: World, path: str) -> None:
    async def ask() -> tuple[bool, httpx.Response]:
        async with world.client() as client:
            asked = asyncio.create_task(client.get(path))
            await client.get("/health")
            early = asked.done()
            world.web.set_result(_WEB)
            return early, await asked

    early, found = asyncio.run(ask())
    assert not early
    assert found.text == "the web application"


def test_health_too_comes_from_the_web_application_once_it_is_made(world: World) -> None:
    world.web.set_result(_WEB)

    async def ask() -> httpx.Response:
        async with world.client() as client:
            return await client.get("/health")

    assert asyncio.run(ask()).text == "the web application"


def test_a_probe_tells_what_is_wrong_with_503(world: World) -> None:
    world.health, world.readiness = {"status": "DOWN"}, {"status": "NOT_READY", "reason": "away"}

    async def ask() -> list[httpx.Response]:
        async with world.client(world.probe) as client:
            return [
                await client.get("/health"),
                await client.get("/health/ready"),
                await client.post("/health"),
                await client.get("/ui/"),
            ]

    found = asyncio.run(ask())
    assert [answer.status_code for answer in found] == [503, 503, 405, 404]
    assert found[1].json() == {"status": "NOT_READY", "reason": "away"}
