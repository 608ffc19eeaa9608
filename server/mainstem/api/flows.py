"""Routes of flows."""

from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from mainstem.api import wire
from mainstem.api.filters import PageNumber, PageSize, Revision
from mainstem.api.services import ApiServices, Services
from mainstem.errors import InvalidInput
from mainstem.model.flow_id import FlowId
from mainstem.services.archives import split_documents, unpack_flows

router = APIRouter(tags=["flows"])
_LARGEST = 20_000_000


class FlowName(BaseModel):
    """A flow by name."""

    namespace: str
    id: str


async def _text(request: Request) -> str:
    body = await request.body()
    if len(body) > _LARGEST:
        raise InvalidInput(f"the body is larger than {_LARGEST} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("the body is not UTF-8 text") from error


@router.get("/flows/search")
def search(
    services: Services,
    q: str = "",
    namespace: str | None = None,
    page: PageNumber = 1,
    size: PageSize = 25,
) -> wire.Json:
    """Flows whose id or namespace contains the text, by namespace and id."""
    wanted = q.strip("*").lower()
    found = [f for f in services.flows.all(namespace) if wanted in str(f.flow).lower()]
    part = found[(page - 1) * size : page * size]
    return wire.listing([wire.flow(item, source=False) for item in part], len(found))


@router.get("/flows/source")
def search_source(services: Services, q: str) -> wire.Json:
    """Flows whose source contains the text."""
    found = services.flows.search(q)
    return wire.listing([wire.flow(item) for item in found], len(found))


@router.get("/flows/distinct-namespaces")
def namespaces(services: Services) -> list[str]:
    return sorted(services.flows.namespaces())


@router.post("/flows")
async def create(request: Request, services: Services) -> wire.Json:
    """Create a flow from YAML."""
    source = await _text(request)
    return wire.flow(await run_in_threadpool(services.flows.save, source))


@router.post("/flows/validate")
async def validate(request: Request, services: Services) -> list[wire.Json]:
    """Check one or more YAML documents; nothing is stored."""
    return await run_in_threadpool(_constraints, services, await _text(request))


def _constraints(services: ApiServices, text: str) -> list[wire.Json]:
    found = []
    for index, source in enumerate(split_documents(text)):
        parsed = services.flows.parse(source)
        errors = [p for p in parsed.problems if p.is_error]
        flow = parsed.flow
        found.append(
            {
                "index": index,
                "flow": flow.id if flow else None,
                "namespace": flow.namespace if flow else None,
                "constraints": "\n".join(p.message for p in errors) or None,
                "warnings": [p.message for p in parsed.problems if not p.is_error],
                "problems": [
                    {"line": p.line, "column": p.column, "code": p.code, "message": p.message}
                    for p in parsed.problems
                ],
            }
        )
    return found


@router.post("/flows/import")
def import_flows(
    services: Services,
    fileUpload: Annotated[UploadFile, File()],
) -> list[str]:
    """Save the flows of a YAML file (documents split by ---) or a zip archive: all or none."""
    content = fileUpload.file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise InvalidInput(f"the upload is larger than {_LARGEST} bytes")
    sources = unpack_flows(fileUpload.filename or "", content)
    return [str(saved.flow) for saved in services.flows.save_all(sources)]


@router.delete("/flows/delete/by-ids")
def delete_by_ids(services: Services, ids: list[FlowName]) -> wire.Json:
    """Delete flows given as {namespace, id}; all of them or, when one is not there, none."""
    services.flows.delete_all([FlowId(item.namespace, item.id) for item in ids])
    return {"count": len(ids)}


@router.get("/flows/{namespace}")
def of_namespace(namespace: str, services: Services) -> list[wire.Json]:
    """Flows of exactly this namespace."""
    found = services.flows.all(namespace)
    return [wire.flow(f, source=False) for f in found if f.flow.namespace == namespace]


@router.get("/flows/{namespace}/{flow_id}")
def get(namespace: str, flow_id: str, services: Services, revision: Revision = None) -> wire.Json:
    return wire.flow(services.flows.revision(FlowId(namespace, flow_id), revision))


@router.put("/flows/{namespace}/{flow_id}")
async def update(namespace: str, flow_id: str, request: Request, services: Services) -> wire.Json:
    """Replace a flow's source; id and namespace cannot change."""
    source = await _text(request)
    expected = FlowId(namespace, flow_id)

    def save() -> wire.Json:
        services.flows.head(expected)
        return wire.flow(services.flows.save(source, expected=expected))

    return await run_in_threadpool(save)


@router.delete("/flows/{namespace}/{flow_id}", status_code=204)
def delete(namespace: str, flow_id: str, services: Services) -> Response:
    services.flows.delete(FlowId(namespace, flow_id))
    return Response(status_code=204)


@router.get("/flows/{namespace}/{flow_id}/revisions")
def revisions(namespace: str, flow_id: str, services: Services) -> list[wire.Json]:
    """Newest first."""
    return [wire.flow(item) for item in services.flows.revisions(FlowId(namespace, flow_id))]
