"""Webhooks of forges, and git over HTTP for repositories that this server hosts."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from mainstem.api.answers import answers
from mainstem.api.services import Services
from mainstem.errors import InvalidInput, NotFound
from mainstem.gitsync import webhook
from mainstem.gitsync.push import SERVICES, GitServer, Service, received
from mainstem.model.principal import Permission
from mainstem.services import access

webhooks = APIRouter(tags=["git sync"])
router = APIRouter(tags=["git"])
_NO_CACHE: Final = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}


@webhooks.post("/git/webhooks/{name}", **answers(dict[str, object], status=202))
async def called(name: str, request: Request, services: Services) -> JSONResponse:
    """A forge tells of a push; the call is proven by its signature or token."""
    body = await _bounded(request)
    headers = {key.lower(): value for key, value in request.headers.items()}
    answer = await run_in_threadpool(services.syncs.called, name, headers, body)
    return JSONResponse(answer, status_code=202)


async def _bounded(request: Request) -> bytes:
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > webhook.LARGEST:
            raise InvalidInput(f"the body is larger than {webhook.LARGEST} bytes")
    return bytes(parts)


@router.get("/git/{name}/info/refs", include_in_schema=False)
def refs(
    name: str, request: Request, services: Services, service: Annotated[str, Query()] = ""
) -> Response:
    """The first request of `git fetch` and `git push`."""
    wanted = _service(service)
    out = GitServer(services.syncs).advertise(_plain(name), wanted, _protocol(request.headers))
    kind = f"application/x-{wanted}-advertisement"
    return Response(out, media_type=kind, headers=dict(_NO_CACHE))


@router.post("/git/{name}/git-upload-pack", include_in_schema=False)
async def fetch(name: str, request: Request, services: Services) -> Response:
    """What `git clone` and `git fetch` read."""
    return await _serve(name, "git-upload-pack", request, services)


@router.post("/git/{name}/git-receive-pack", include_in_schema=False)
async def push(name: str, request: Request, services: Services) -> Response:
    """What `git push` sends: refused when the commit is not valid, live when this ends."""
    return await _serve(name, "git-receive-pack", request, services)


async def _serve(name: str, service: Service, request: Request, services: Services) -> Response:
    _allowed(service)
    if request.headers.get("content-type") != f"application/x-{service}-request":
        raise InvalidInput(f"this address is for git: {service}")
    encoding = request.headers.get("content-encoding", "")
    if encoding not in ("", "identity", "gzip"):
        raise InvalidInput("the body may be plain or gzip")
    server = GitServer(services.syncs)
    body = await received(request.stream(), encoding, server.largest)
    parts = server.serve(_plain(name), service, body, _protocol(request.headers))
    kind = f"application/x-{service}-result"
    return StreamingResponse(parts, media_type=kind, headers=dict(_NO_CACHE))


def _service(name: str) -> Service:
    for service in SERVICES:
        if service == name:
            _allowed(service)
            return service
    raise NotFound("this server speaks git's smart protocol only: use `git clone` or `git push`")


def _allowed(service: Service) -> None:
    """A repository holds flows of any namespace: the permission is that of the whole server."""
    is_push = service == "git-receive-pack"
    access.require(Permission.FLOW_WRITE if is_push else Permission.FLOW_READ)


def _plain(name: str) -> str:
    return name.removesuffix(".git")


def _protocol(headers: Mapping[str, str]) -> str:
    return headers.get("git-protocol", "")
