"""The address that fires webhook triggers."""

import json
from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, answers
from mainstem.api.doorway import Doorway
from mainstem.api.follow import wait_for_end
from mainstem.api.services import ApiServices, services_of
from mainstem.errors import InvalidInput
from mainstem.gate.authenticate import IAP_HEADER, SESSION_COOKIE, basic_of
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.sdk.trigger import WebhookTrigger
from mainstem.services.hashes import LOCAL_PREFIX, TOKEN_PREFIX
from mainstem.services.users import UserService
from mainstem.services.webhooks import Call, WebhookService

router = APIRouter(tags=["webhooks"])
_LARGEST = 10_000_000
_TOKENS = (TOKEN_PREFIX, LOCAL_PREFIX)
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
        await _headers(services.accounts.users, request),
        _listed(request.query_params.multi_items()),
    )
    webhooks, flow = services.triggers.webhooks, FlowId(namespace, flow_id)
    doorway: Doorway = request.app.state.doorway
    execution = await doorway.enter(flow, key, call)
    if execution is None:
        execution = await run_in_threadpool(webhooks.fire, flow, key, call)
        if execution is None:
            return Response(status_code=204)
        hook = await run_in_threadpool(webhooks.hook_of, execution)
        if hook is not None and hook.wait:
            execution = await wait_for_end(services, execution.id, request.is_disconnected)
            return await run_in_threadpool(_ended, services, hook, execution)
    return JsonAnswer(wire.execution(execution, None, services.clock.now()))


def _ended(services: ApiServices, hook: WebhookTrigger, execution: Execution) -> Response:
    """What the webhook says of an execution that it waited for; task runs are not told."""
    code = services.triggers.webhooks.code_of(hook, execution)
    execution, _ = services.secret_reads.starred(execution, ())
    if not hook.return_outputs:
        told = wire.execution(execution, None, services.clock.now())
        return JsonAnswer(told, status_code=code)
    outputs = execution.outputs or {}
    if hook.response_content_type == "application/json":
        return JsonAnswer(outputs, status_code=code)
    # One text alone is said as it is: services that shake hands want their token back.
    texts = list(outputs.values())
    if len(texts) == 1 and isinstance(texts[0], str):
        return PlainTextResponse(texts[0], status_code=code)
    return PlainTextResponse(JsonAnswer(outputs).body, status_code=code)


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


async def _headers(users: UserService, request: Request) -> dict[str, list[str]]:
    """Header names with their values, less what signs its sender in on this server."""
    found = _listed(request.headers.items())
    given = found.get("authorization")
    if given and await _signs_in(users, given):
        found["authorization"] = ["***"]
    if IAP_HEADER in found:
        found[IAP_HEADER] = ["***"]
    if any(SESSION_COOKIE in text for text in found.get("cookie", ())):
        found["cookie"] = ["***"]
    return found


async def _signs_in(users: UserService, given: Iterable[str]) -> bool:
    """Whether a value holds a token of this server, or the name of a user beside a password.

    Clients send their password with every call, also to addresses that ask for none.
    """
    for value in given:
        if any(mark in value for mark in _TOKENS):
            return True
        name, _, password = (basic_of(value) or "").partition(":")
        if password.startswith(_TOKENS) or (name and await run_in_threadpool(users.knows, name)):
            return True
    return False


def _listed(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
