"""The address that fires webhook triggers."""

import json
from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from mainstem.api import models, wire
from mainstem.api.answers import answers
from mainstem.api.doorway import Doorway
from mainstem.api.services import services_of
from mainstem.errors import InvalidInput
from mainstem.model.flow_id import FlowId
from mainstem.services.webhooks import Call, WebhookService

router = APIRouter(tags=["webhooks"])
_LARGEST = 10_000_000
_ADDRESS = "/executions/webhook/{namespace}/{flow_id}/{key}"
_BELOW = f"{_ADDRESS}/{{path:path}}"
_ANSWERS: Final = answers(models.ExecutionModel, 404, 409, 413, 503)
_ANSWERS["responses"][204] = {"description": "The trigger's conditions are false."}


@router.get(_ADDRESS, **_ANSWERS)
@router.post(_ADDRESS, **_ANSWERS)
@router.put(_ADDRESS, **_ANSWERS)
async def fire(namespace: str, flow_id: str, key: str, request: Request) -> Response:
    """Start an execution; 204 when the trigger's conditions are false, 404 for a wrong key."""
    services = services_of(request)
    call = Call(
        await _body(request),
        _listed(request.headers.items()),
        _listed(request.query_params.multi_items()),
    )
    webhooks, flow = services.triggers.webhooks, FlowId(namespace, flow_id)
    doorway: Doorway = request.app.state.doorway
    execution = await doorway.enter(flow, key, call)
    if execution is None:
        execution = await run_in_threadpool(webhooks.fire, flow, key, call)
    if execution is None:
        return Response(status_code=204)
    return JSONResponse(wire.execution(execution, None, services.clock.now()))


@router.get(_BELOW, **_ANSWERS)
@router.post(_BELOW, **_ANSWERS)
@router.put(_BELOW, **_ANSWERS)
async def fire_below(
    namespace: str, flow_id: str, key: str, path: str, request: Request
) -> Response:
    """The same; callers that append a path of their own are answered as well."""
    return await fire(namespace, flow_id, key, request)


def open_doorway(app: FastAPI, webhooks: WebhookService) -> None:
    """Have webhooks that are called at the same time fired together.

    Their address is answered without the framework's handling of parameters: it takes nothing from
    the request that needs it, and is called more often than all others.
    """
    app.state.doorway = Doorway(webhooks)
    for route in app.routes:
        if isinstance(route, APIRoute) and route.endpoint is fire:
            route.app = _answer


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    response = await fire(**scope["path_params"], request=Request(scope, receive))
    await response(scope, receive, send)


async def _body(request: Request) -> object:
    """The body: JSON maps and lists as such, all else as text, nothing as None."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _LARGEST:
            raise InvalidInput(f"the body is larger than {_LARGEST} bytes")
        chunks.append(chunk)
    if not size:
        return None
    text = b"".join(chunks).decode("utf-8", "replace")
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, (dict, list)) else text


def _listed(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
