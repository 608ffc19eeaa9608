"""Routes of the key-value store."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from mainstem.api import wire
from mainstem.api.services import Services
from mainstem.errors import InvalidInput
from mainstem.model.duration import parse_duration
from mainstem.model.flow_id import ancestors
from mainstem.sdk.context import KvEntry
from mainstem.services.kv_values import check_key, from_body

router = APIRouter(tags=["KV"])
_LARGEST_VALUE: Final = 1_000_000


class Keys(BaseModel):
    """Keys to delete."""

    keys: list[str] = Field(default_factory=list, max_length=10_000)


@router.get("/namespaces/{namespace}/kv")
def kv_list(namespace: str, services: Services) -> list[wire.Json]:
    """Entries of exactly this namespace, without their values."""
    return [wire.kv(item) for item in services.kv.entries(namespace)]


@router.get("/namespaces/{namespace}/kv/inheritance")
def kv_inherited(namespace: str, services: Services) -> list[wire.Json]:
    """Entries of the namespace and of each above it, without their values."""
    return [
        {"namespace": place, "keys": [wire.kv(item) for item in services.kv.entries(place)]}
        for place in ancestors(namespace)
    ]


@router.get("/namespaces/{namespace}/kv/{key}")
def kv_get(namespace: str, key: str, services: Services) -> wire.Json:
    """The typed value; 410 when it has expired."""
    found = services.kv.get(namespace, key)
    return {
        "type": found.stored.kind,
        "value": found.stored.value,
        "revision": found.stored.revision,
        "namespace": found.namespace,
        "updated": wire.moment(found.stored.updated_at),
    }


@router.put("/namespaces/{namespace}/kv/{key}", status_code=200)
async def kv_put(
    namespace: str,
    key: str,
    request: Request,
    services: Services,
    ttl: Annotated[str | None, Header()] = None,
    description: Annotated[str | None, Header()] = None,
) -> Response:
    """The body decides the type: JSON, or a bare ISO date, date-time or duration."""
    check_key(key)
    body = await request.body()
    if len(body) > _LARGEST_VALUE:
        raise InvalidInput(f"a value may hold {_LARGEST_VALUE} bytes")
    try:
        kind, value = from_body(body.decode())
    except UnicodeDecodeError as error:
        raise InvalidInput("the value is not UTF-8 text") from error
    life: timedelta | None = parse_duration(ttl) if ttl else None
    entry = KvEntry(key, value, kind.value, description=description)
    await run_in_threadpool(services.kv.set, namespace, entry, ttl=life)
    return Response(status_code=200)


@router.delete("/namespaces/{namespace}/kv/{key}")
def kv_delete(namespace: str, key: str, services: Services) -> bool:
    """Whether there was one."""
    return services.kv.delete(namespace, key)


@router.delete("/namespaces/{namespace}/kv")
def kv_delete_many(namespace: str, services: Services, body: Keys) -> wire.Json:
    """Delete several keys; answers with those that were there."""
    return {"keys": services.kv.delete_all(namespace, body.keys)}


@router.post("/namespaces/{namespace}/kv/{key}/to-secret")
def kv_to_secret(namespace: str, key: str, services: Services) -> wire.Json:
    """Move an entry to a secret of the same name; names flows that still read it by `kv()`."""
    return {"stillRead": services.credentials.to_secret(namespace, check_key(key))}
