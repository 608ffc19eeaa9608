"""Routes of what an execution made and what it was made of: files, outputs, flow, graph."""

import re
from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, answers, chunks_of, safe_name
from mainstem.api.services import ApiServices, Services
from mainstem.errors import NotFound
from mainstem.model.execution import Execution
from mainstem.services.file_previews import FilePreview
from mainstem.services.file_previews import preview as preview_of
from mainstem.services.graph import graph_of

router = APIRouter(tags=["executions"])
outputs = APIRouter(tags=["outputs"])
_ONE = "/executions/{execution_id}"


_FILE: Final = answers(None, 404, media="application/octet-stream")
_METAS: Final = answers(models.FileMetas, 404)
_PREVIEW: Final = answers(models.Preview, 404)
for _answers in (_FILE, _METAS, _PREVIEW):
    _answers["responses"][307] = {"description": "It is a file of another execution: ask there."}
_OWNER: Final = re.compile(r"/executions/([^/]+)/")


def _of_whom(
    services: ApiServices, execution: Execution, path: str, give: Callable[[], Response], route: str
) -> Response:
    """What `give` gives; of a file of another execution its address there, where it is checked."""
    try:
        return give()
    except NotFound:
        owner = _OWNER.search(path)
        if owner is None or owner[1] == execution.id:
            raise
        other = services.executions.get(owner[1]).id
        query = urlencode({"path": path})
        return RedirectResponse(f"/api/v1/executions/{other}/{route}?{query}")


@router.get(f"{_ONE}/file", **_FILE)
def file(execution_id: str, path: str, services: Services) -> Response:
    """Download a file by its URI; one of another execution is redirected there."""
    execution = services.executions.get(execution_id)
    return _of_whom(services, execution, path, lambda: _sent(services, execution, path), "file")


def _sent(services: ApiServices, execution: Execution, path: str) -> Response:
    info = services.previews.info(execution, path)
    return StreamingResponse(
        chunks_of(services.previews.open(execution, path)),
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{safe_name(info.name)}"',
            "Content-Length": str(info.size),
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.get(f"{_ONE}/file/metas", **_METAS)
def file_metas(execution_id: str, path: str, services: Services) -> Response:
    """Size in bytes."""
    execution = services.executions.get(execution_id)

    def size() -> Response:
        return JsonAnswer({"size": services.previews.info(execution, path).size})

    return _of_whom(services, execution, path, size, "file/metas")


@router.get(f"{_ONE}/file/preview", **_PREVIEW)
def file_preview(
    execution_id: str,
    path: str,
    services: Services,
    maxRows: Annotated[int, Query(ge=1, description="At most 5,000 are given.")] = 100,
    encoding: Annotated[str, Query(max_length=40)] = "UTF-8",
) -> Response:
    """The first rows of a CSV, JSON or Ion file, the first lines of a text, or a picture."""
    execution = services.executions.get(execution_id)
    most = min(maxRows, _MOST_ROWS)

    def shown() -> Response:
        return _previewed(preview_of(services.previews, execution, path, most, encoding))

    return _of_whom(services, execution, path, shown, "file/preview")


_MOST_ROWS: Final = 5_000


def _previewed(found: FilePreview) -> JsonAnswer:
    return JsonAnswer(
        {
            "extension": found.extension,
            "type": found.kind,
            "content": found.content,
            "maxLine": found.lines,
            "truncated": found.truncated,
        }
    )


@router.get(f"{_ONE}/flow", **answers(models.FlowModel, 404))
def flow(execution_id: str, services: Services) -> JsonAnswer:
    """The flow of an execution, at the revision it was made of."""
    execution = services.executions.get(execution_id)
    found = services.flows.revision(execution.flow, execution.revision)
    return JsonAnswer(wire.flow(found, source=False))


@router.get(f"{_ONE}/graph", **answers(models.GraphModel, 404))
def graph(execution_id: str, services: Services) -> JsonAnswer:
    """The graph of its flow, with the task runs of each task."""
    execution = services.executions.get(execution_id)
    found = services.flows.revision(execution.flow, execution.revision)
    now = services.clock.now()
    runs: dict[str, list[wire.Json]] = {}
    _, shown = services.secret_reads.starred(execution, services.executions.task_runs(execution_id))
    for run in shown:
        runs.setdefault(run.task_id, []).append(wire.task_run(run, execution, now))
    return JsonAnswer(graph_of(wire.plain_flow(found.source), runs))


@outputs.get("/outputs/executions/{execution_id}", **answers(dict[str, object], 404))
def execution_outputs(execution_id: str, services: Services) -> JsonAnswer:
    """The outputs that the flow declares; none before the end."""
    execution, _ = services.secret_reads.starred(services.executions.get(execution_id), ())
    return JsonAnswer(execution.outputs or {})


@outputs.get("/outputs/tasks/{execution_id}", **answers(list[models.OutputInformation], 404))
def task_outputs(execution_id: str, services: Services) -> list[wire.Json]:
    """Which task runs have outputs."""
    services.executions.get(execution_id)
    return [
        {
            "taskId": run.task_id,
            "taskRunId": run.id,
            "value": run.value,
            "iteration": run.iteration,
            "inline": True,
        }
        for run in services.executions.task_runs(execution_id)
        if run.outputs
    ]


@outputs.get("/outputs/tasks/{execution_id}/{task_run_id}", **answers(dict[str, object], 404))
def task_run_outputs(execution_id: str, task_run_id: str, services: Services) -> JsonAnswer:
    """The outputs of one task run."""
    execution = services.executions.get(execution_id)
    _, runs = services.secret_reads.starred(execution, services.executions.task_runs(execution_id))
    for run in runs:
        if run.id == task_run_id:
            return JsonAnswer(dict(run.outputs or {}))
    raise NotFound(f"execution {execution_id} has no task run {task_run_id}")
