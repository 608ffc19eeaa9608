"""Routes about many flows: archives, switching, deleting, whole namespaces."""

import csv
import io
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, answers, attachment, chunks_of
from mainstem.api.bodies import text_body, uploaded
from mainstem.api.flow_names import FlowNames, flow_filter
from mainstem.api.services import ApiServices, Services
from mainstem.errors import InvalidInput
from mainstem.services.archives import split_documents, unpack_flows
from mainstem.services.flow_catalog import FlowFilter

router = APIRouter(tags=["flows"])
namespaces = APIRouter(tags=["flows"])
_ZIP = "application/zip"


@router.post("/flows/import", **answers(list[str], 413))
def import_flows(
    services: Services,
    fileUpload: Annotated[UploadFile, File()],
    failOnError: Annotated[
        bool, Query(description="Import all flows or, when one has problems, none.")
    ] = False,
) -> list[str]:
    """Save the flows of a YAML file (documents split by ---) or of a zip archive.

    Answers what could not be saved: numbers of documents, or names of files of the archive.
    """
    sources = unpack_flows(fileUpload.filename or "", uploaded(fileUpload))
    if not failOnError:
        return services.catalog.import_each(sources)
    services.flows.save_all([item.source for item in sources])
    return []


@router.post("/flows/export/by-ids", **answers(None, 404, media=_ZIP))
def export_by_ids(services: Services, ids: FlowNames) -> StreamingResponse:
    """A zip archive of the sources."""
    file = services.catalog.archive_of([item.key for item in ids])
    return attachment(chunks_of(file), "flows.zip", _ZIP)


@router.get("/flows/export/by-query", **answers(None, media=_ZIP))
def export_by_query(request: Request, services: Services) -> StreamingResponse:
    """A zip archive of the sources of all flows that match; filters as in the search."""
    file = services.catalog.archive(flow_filter(request))
    return attachment(chunks_of(file), "flows.zip", _ZIP)


@router.get("/flows/export/by-query/csv", **answers(None, media="text/csv"))
def export_csv(request: Request, services: Services) -> StreamingResponse:
    """The list of all flows that match, made while it is sent."""
    wanted = flow_filter(request)
    services.catalog.search(wanted, limit=1)
    return attachment(_csv(services, wanted), "flows.csv", "text/csv")


_COLUMNS = ("namespace", "id", "revision", "disabled", "updated", "description", "labels", "commit")


def _csv(services: ApiServices, wanted: FlowFilter) -> Iterator[str]:
    yield csv_line(_COLUMNS)
    for item in services.catalog.each(wanted):
        yield csv_line(
            (
                item.flow.namespace,
                item.flow.id,
                item.revision,
                item.disabled,
                wire.moment(item.created_at),
                item.description,
                ",".join(f"{key}:{value}" for key, value in item.labels.items()),
                item.origin.commit if item.origin else None,
            )
        )


def csv_line(values: tuple[object, ...]) -> str:
    """One line; text that a spreadsheet would compute is quoted against it."""
    out = io.StringIO()
    csv.writer(out).writerow(["" if v is None else _harmless(str(v)) for v in values])
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@router.delete("/flows/delete/by-ids", **answers(models.Bulk, 404, 409))
def delete_by_ids(services: Services, ids: FlowNames) -> wire.Json:
    """Delete flows given as {namespace, id}; all of them or, when one is not there, none."""
    services.flows.delete_all([item.key for item in ids])
    return {"count": len(ids)}


@router.delete("/flows/delete/by-query", **answers(models.Bulk, 409))
def delete_by_query(request: Request, services: Services) -> wire.Json:
    """Delete all flows that match; filters as in the search."""
    found = services.catalog.matching(flow_filter(request))
    services.flows.delete_all(found)
    return {"count": len(found)}


@router.post("/flows/disable/by-ids", **answers(models.Bulk, 404, 409))
def disable_by_ids(services: Services, ids: FlowNames) -> wire.Json:
    """Write `disabled: true` into flows: all of them or none."""
    return {"count": services.catalog.set_disabled([item.key for item in ids], True)}


@router.post("/flows/enable/by-ids", **answers(models.Bulk, 404, 409))
def enable_by_ids(services: Services, ids: FlowNames) -> wire.Json:
    """Write `disabled: false` into flows: all of them or none."""
    return {"count": services.catalog.set_disabled([item.key for item in ids], False)}


@router.post("/flows/disable/by-query", **answers(models.Bulk, 409))
def disable_by_query(request: Request, services: Services) -> wire.Json:
    """Write `disabled: true` into all flows that match."""
    found = services.catalog.matching(flow_filter(request))
    return {"count": services.catalog.set_disabled(found, True)}


@router.post("/flows/enable/by-query", **answers(models.Bulk, 409))
def enable_by_query(request: Request, services: Services) -> wire.Json:
    """Write `disabled: false` into all flows that match."""
    found = services.catalog.matching(flow_filter(request))
    return {"count": services.catalog.set_disabled(found, False)}


@router.post("/flows/bulk", **answers(list[models.FlowModel], 409, 413))
async def bulk_update(
    request: Request,
    services: Services,
    delete: bool = True,
    namespace: str | None = None,
    allowNamespaceChild: bool = False,
) -> JsonAnswer:
    """Create and update the flows of several YAML documents: all or nothing.

    With a `namespace` they must be of it, and with `delete` its other flows are deleted.
    """
    return await _replace(request, services, namespace, delete=delete, below=allowNamespaceChild)


@namespaces.post("/flows/{namespace}", **answers(list[models.FlowModel], 409, 413))
async def update_namespace(
    namespace: str,
    request: Request,
    services: Services,
    delete: bool = True,
    override: bool = False,
) -> JsonAnswer:
    """Make the flows of a namespace those of several YAML documents: all or nothing.

    With `override` every document is put into this namespace, whatever it says.
    """
    return await _replace(request, services, namespace, delete=delete, override=override)


async def _replace(
    request: Request,
    services: ApiServices,
    namespace: str | None,
    *,
    delete: bool,
    below: bool = False,
    override: bool = False,
) -> JsonAnswer:
    sources = split_documents(await text_body(request))
    if not sources and delete and namespace:
        raise InvalidInput("the body holds no flow: to delete all flows use /flows/delete/by-query")

    def save() -> list[wire.Json]:
        placed = (
            [services.catalog.moved(text, namespace) for text in sources]
            if override and namespace
            else sources
        )
        saved = services.catalog.replace_namespace(namespace, placed, delete=delete, below=below)
        return [wire.flow(item) for item in saved]

    return JsonAnswer(await run_in_threadpool(save))
