"""Routes of templates, and of the results that tasks kept."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from mainstem.api import wire
from mainstem.api.filters import PageNumber, PageSize
from mainstem.api.services import Services
from mainstem.errors import InvalidInput
from mainstem.model.flow_id import FlowId
from mainstem.services.templates import StoredTemplate

router = APIRouter(tags=["templates"])
_LARGEST = 2_000_000


async def _text(request: Request) -> str:
    body = await request.body()
    if len(body) > _LARGEST:
        raise InvalidInput(f"the body is larger than {_LARGEST} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("the body is not UTF-8 text") from error


def _wire(template: StoredTemplate) -> wire.Json:
    return {
        "id": template.id,
        "namespace": template.namespace,
        "description": template.description,
        "source": template.source,
        "updated": wire.moment(template.updated_at),
    }


@router.get("/templates/search")
def search(
    services: Services,
    q: str = "",
    namespace: str | None = None,
    page: PageNumber = 1,
    size: PageSize = 25,
) -> wire.Json:
    """Templates whose id or namespace contains the text."""
    wanted = q.strip("*").lower()
    found = [
        item
        for item in services.templates.all(namespace)
        if wanted in f"{item.namespace}.{item.id}".lower()
    ]
    return wire.listing(
        [_wire(item) for item in found[(page - 1) * size : page * size]], len(found)
    )


@router.get("/templates/distinct-namespaces")
def namespaces(services: Services) -> list[str]:
    return sorted({item.namespace for item in services.templates.all()})


@router.post("/templates")
async def create(request: Request, services: Services) -> wire.Json:
    """Create a template from YAML or JSON."""
    source = await _text(request)
    return _wire(await run_in_threadpool(services.templates.save, source))


@router.post("/templates/validate")
async def validate(request: Request, services: Services) -> wire.Json:
    """Check a template; nothing is stored."""
    checked = await run_in_threadpool(services.templates.check, await _text(request))
    errors = [problem.message for problem in checked.problems if problem.is_error]
    return {"constraints": "\n".join(errors) or None}


@router.get("/templates/{namespace}/{template_id}")
def get(namespace: str, template_id: str, services: Services) -> wire.Json:
    return _wire(services.templates.get(namespace, template_id))


@router.put("/templates/{namespace}/{template_id}")
async def update(
    namespace: str, template_id: str, request: Request, services: Services
) -> wire.Json:
    """Replace a template; the body must be of this one."""
    source = await _text(request)
    name = (namespace, template_id)
    return _wire(await run_in_threadpool(services.templates.save, source, name))


@router.delete("/templates/{namespace}/{template_id}", status_code=204)
def delete(namespace: str, template_id: str, services: Services) -> Response:
    services.templates.delete(namespace, template_id)
    return Response(status_code=204)


@router.delete("/flows/{namespace}/{flow_id}/task-cache")
def clear_cache(
    namespace: str, flow_id: str, services: Services, taskId: str | None = None
) -> wire.Json:
    """Forget the results that tasks of a flow kept (`taskCache`), or those of one task."""
    return {"count": services.task_cache.clear(FlowId(namespace, flow_id), taskId)}
