"""Routes of flows: one at a time, and the list of all."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, answers
from mainstem.api.bodies import text_body
from mainstem.api.filters import PageNumber, PageSize, Revision
from mainstem.api.flow_names import flow_filter
from mainstem.api.query import Sort, parse_sort
from mainstem.api.services import ApiServices, Services
from mainstem.errors import InvalidInput
from mainstem.flowspec.problems import Problem
from mainstem.model.flow_id import FlowId
from mainstem.services.archives import split_documents

lists = APIRouter(tags=["flows"])
router = APIRouter(tags=["flows"])


@lists.get("/flows/search", **answers(models.FlowPage))
def search(
    request: Request,
    services: Services,
    page: PageNumber = 1,
    size: PageSize = 25,
    sort: Sort = None,
) -> JsonAnswer:
    """Current flows.

    Filters: `q`, `namespace`, `labels`, `scope`, `flowId`, `flowRevision`, `updated`; either as
    `namespace=a` or as `filters[namespace][PREFIX]=a`.
    """
    found, total = services.catalog.search(
        flow_filter(request), limit=size, offset=(page - 1) * size, orders=parse_sort(sort)
    )
    return JsonAnswer(wire.listing([wire.flow(item, source=False) for item in found], total))


@lists.get("/flows/distinct-namespaces", **answers(list[str]))
def namespaces(services: Services, q: str = "") -> list[str]:
    """Namespaces that have flows."""
    return sorted(name for name in services.flows.namespaces() if q.lower() in name.lower())


@lists.get("/flows/deprecated", **answers(list[dict[str, object]]))
def deprecated(services: Services, namespace: str | None = None) -> list[wire.Json]:
    """What current flows use that the language gives up, with its place."""
    found = []
    for item in services.flows.all(namespace):
        warned = [p for p in services.flows.parse(item.source).problems if not p.is_error]
        if warned:
            found.append(
                {
                    "namespace": item.flow.namespace,
                    "id": item.flow.id,
                    "revision": item.revision,
                    "deprecationPaths": [p.pointer or p.code for p in warned],
                    "problems": [_problem(p) for p in warned],
                }
            )
    return found


@lists.post("/flows/validate", **answers(list[models.Validation], 413))
async def validate(request: Request, services: Services) -> list[wire.Json]:
    """Check one or more YAML documents; nothing is stored."""
    text = await text_body(request)
    return await run_in_threadpool(_constraints, services, text)


@lists.post("/flows/validate/task", **answers(models.Validation, 413))
async def validate_task(
    request: Request,
    services: Services,
    section: Annotated[str, Query(pattern="^(?i:tasks|triggers)$")] = "tasks",
) -> wire.Json:
    """Check a task, or with `section=triggers` a trigger, by itself: YAML or JSON."""
    text = await text_body(request)
    check = services.catalog.check_task if section.lower() == "tasks" else None
    checked = await run_in_threadpool(check or services.catalog.check_trigger, text)
    return _validation(0, checked.problems)


@lists.post("/flows/validate/trigger", **answers(models.Validation, 413))
async def validate_trigger(request: Request, services: Services) -> wire.Json:
    """Check a trigger by itself: YAML or JSON."""
    text = await text_body(request)
    return _validation(0, (await run_in_threadpool(services.catalog.check_trigger, text)).problems)


def _constraints(services: ApiServices, text: str) -> list[wire.Json]:
    found = []
    for index, source in enumerate(split_documents(text)):
        parsed = services.flows.parse(source)
        flow = parsed.flow
        item = _validation(index, parsed.problems)
        item["flow"] = flow.id if flow else None
        item["namespace"] = flow.namespace if flow else None
        if flow is not None:
            item["outdated"] = _outdated(services, flow.flow_id, source)
        found.append(item)
    return found


def _outdated(services: ApiServices, flow_id: FlowId, source: str) -> bool:
    """Whether a newer revision is stored than the source says that it is."""
    written = wire.plain_flow(source).get("revision")
    if not isinstance(written, int):
        return False
    known = services.catalog.revision_number(flow_id)
    return known is not None and known > written


def _validation(index: int, problems: tuple[Problem, ...]) -> wire.Json:
    errors = [p for p in problems if p.is_error]
    warned = [p for p in problems if not p.is_error]
    return {
        "index": index,
        "constraints": "\n".join(_placed(p) for p in errors) or None,
        "warnings": [p.message for p in warned],
        "infos": [],
        "deprecationPaths": [p.pointer or p.code for p in warned if "deprecated" in p.code],
        "outdated": False,
        "problems": [_problem(p) for p in problems],
    }


def _placed(problem: Problem) -> str:
    """As the reference says it: the property, then what is wrong with it."""
    place = problem.pointer.removeprefix("flow.")
    return f"{place}: {problem.message}" if place else problem.message


def _problem(problem: Problem) -> wire.Json:
    return {
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": problem.message,
    }


@router.post("/flows", **answers(models.FlowModel, 409, 413))
async def create(request: Request, services: Services) -> JsonAnswer:
    """Create a flow from YAML."""
    source = await text_body(request)
    return JsonAnswer(wire.flow(await run_in_threadpool(services.flows.save, source)))


@router.get("/flows/{namespace}", **answers(list[models.FlowModel]))
def of_namespace(namespace: str, services: Services) -> JsonAnswer:
    """Flows of exactly this namespace."""
    found = services.flows.all(namespace)
    return JsonAnswer([wire.flow(f, source=False) for f in found if f.flow.namespace == namespace])


@router.get("/flows/{namespace}/{flow_id}", **answers(models.FlowModel, 404))
def get(
    namespace: str,
    flow_id: str,
    services: Services,
    revision: Revision = None,
    source: bool = True,
    allowDeleted: bool = False,
) -> JsonAnswer:
    """A flow, at its current revision unless one is given."""
    key = FlowId(namespace, flow_id)
    found = (
        services.flows.revisions(key)[0]
        if allowDeleted and revision is None
        else services.flows.revision(key, revision)
    )
    return JsonAnswer(wire.flow(found, source=source))


@router.put("/flows/{namespace}/{flow_id}", **answers(models.FlowModel, 404, 409, 413))
async def update(namespace: str, flow_id: str, request: Request, services: Services) -> JsonAnswer:
    """Replace a flow's source; id and namespace cannot change."""
    source = await text_body(request)
    expected = FlowId(namespace, flow_id)

    def save() -> wire.Json:
        services.flows.head(expected)
        return wire.flow(services.flows.save(source, expected=expected))

    return JsonAnswer(await run_in_threadpool(save))


@router.delete("/flows/{namespace}/{flow_id}", **answers(None, 404, 409, status=204))
def delete(namespace: str, flow_id: str, services: Services) -> Response:
    """Delete a flow; its revisions and executions stay."""
    services.flows.delete(FlowId(namespace, flow_id))
    return Response(status_code=204)


@router.get("/flows/{namespace}/{flow_id}/revisions", **answers(list[models.FlowModel], 404))
def revisions(
    namespace: str, flow_id: str, services: Services, allowDelete: bool = False
) -> JsonAnswer:
    """Newest first; with `allowDelete` those of a deleted flow as well."""
    key = FlowId(namespace, flow_id)
    if not allowDelete:
        services.flows.head(key)
    return JsonAnswer([wire.flow(item) for item in services.flows.revisions(key)])


@router.delete("/flows/{namespace}/{flow_id}/revisions", **answers(None, 404, 409, status=204))
def delete_revisions(
    namespace: str,
    flow_id: str,
    services: Services,
    revisions: Annotated[str, Query(description="Numbers, split by commas.", max_length=10_000)],
) -> Response:
    """Forget old revisions: not the current one, and none that executions were made of."""
    parts = [part.strip() for part in revisions.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise InvalidInput("revisions must be numbers split by commas")
    services.catalog.delete_revisions(FlowId(namespace, flow_id), [int(p) for p in parts])
    return Response(status_code=204)


@router.get("/flows/{namespace}/{flow_id}/tasks/{task_id}", **answers(dict[str, object], 404))
def task(
    namespace: str, flow_id: str, task_id: str, services: Services, revision: Revision = None
) -> JsonAnswer:
    """A task of a flow, as written."""
    found = services.catalog.task(FlowId(namespace, flow_id), task_id, revision)
    return JsonAnswer(found)
