"""Routes of namespaces: the key-value store and files."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Body, File, Header, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool

from mainstem.api import wire
from mainstem.api.services import Services
from mainstem.errors import InvalidInput
from mainstem.model.duration import parse_duration
from mainstem.sdk.context import KvEntry
from mainstem.services.kv_values import check_key, from_body

router = APIRouter(tags=["namespaces"])
_LARGEST_VALUE = 1_000_000
_LARGEST_FILE = 100_000_000


@router.get("/namespaces/{namespace}/kv")
def kv_list(namespace: str, services: Services) -> list[wire.Json]:
    """Entries of exactly this namespace, without their values."""
    return [wire.kv(item) for item in services.kv.entries(namespace)]


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
def kv_delete_many(
    namespace: str, services: Services, body: Annotated[dict[str, list[str]], Body()]
) -> wire.Json:
    """`{"keys": […]}`."""
    done = [key for key in body.get("keys", []) if services.kv.delete(namespace, key)]
    return {"keys": done}


@router.get("/namespaces/{namespace}/files/search")
def files(namespace: str, services: Services, q: str = "") -> list[str]:
    """Paths that contain the text."""
    found = services.files.of_namespace(namespace)
    return [f"/{file.path}" for file in found if q.lower() in file.path.lower()]


@router.get("/namespaces/{namespace}/files")
def file_get(namespace: str, path: str, services: Services) -> Response:
    content = services.files.read(namespace, path)
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"X-Content-Type-Options": "nosniff"},
    )


@router.get("/namespaces/{namespace}/files/stats")
def file_stats(namespace: str, path: str, services: Services) -> wire.Json:
    found = services.files.stat(namespace, path)
    return {
        "type": "File",
        "size": found.size,
        "fileName": found.path.rpartition("/")[2],
        "lastModifiedTime": int(found.updated_at.timestamp() * 1000),
        "commit": found.git_commit,
    }


@router.get("/namespaces/{namespace}/files/directory")
def directory(namespace: str, services: Services, path: str = "") -> list[wire.Json]:
    """Names directly below a folder."""
    prefix = path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    found: dict[str, wire.Json] = {}
    for file in services.files.of_namespace(namespace):
        if not file.path.startswith(prefix):
            continue
        name, mark, _ = file.path.removeprefix(prefix).partition("/")
        kind = "Directory" if mark else "File"
        found.setdefault(name, {"type": kind, "fileName": name, "size": 0 if mark else file.size})
    return list(found.values())


@router.post("/namespaces/{namespace}/files")
def file_put(
    namespace: str,
    path: str,
    services: Services,
    fileContent: Annotated[UploadFile, File()],
) -> Response:
    """Create or replace a file."""
    content = fileContent.file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise InvalidInput(f"a namespace file may hold {_LARGEST_FILE} bytes")
    services.files.write(namespace, path, content)
    return Response(status_code=200)


@router.delete("/namespaces/{namespace}/files", status_code=204)
def file_delete(namespace: str, path: str, services: Services) -> Response:
    """Delete a file, or a folder with what lies below it."""
    services.files.delete(namespace, path)
    return Response(status_code=204)
