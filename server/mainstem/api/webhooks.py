"""The address that fires webhook triggers."""

import json
from collections.abc import Iterable

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from mainstem.api import wire
from mainstem.api.services import Services
from mainstem.errors import InvalidInput
from mainstem.model.flow_id import FlowId
from mainstem.services.webhooks import Call

router = APIRouter(tags=["webhooks"])
_LARGEST = 10_000_000
_ADDRESS = "/executions/webhook/{namespace}/{flow_id}/{key}"


@router.get(_ADDRESS)
@router.post(_ADDRESS)
@router.put(_ADDRESS)
async def fire(
    namespace: str, flow_id: str, key: str, request: Request, services: Services
) -> Response:
    """Start an execution; 204 when the trigger's conditions are false, 404 for a wrong key."""
    call = Call(
        await _body(request),
        _listed(request.headers.items()),
        _listed(request.query_params.multi_items()),
    )
    flow = FlowId(namespace, flow_id)
    execution = await run_in_threadpool(services.triggers.webhooks.fire, flow, key, call)
    if execution is None:
        return Response(status_code=204)
    return JSONResponse(wire.execution(execution, None, services.clock.now()))


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
