"""Routes that act on many executions, by ids or by query.

When one of them is missing, or in a state that forbids the act, 400 names each and nothing is
done. With `background` the answer comes at once and names an operation whose progress can be
read; there those that refuse do not stop the others.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import Field

from mainstem.api import answers as described
from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, also, answers
from mainstem.api.execution_actions import LabelBody, Labels
from mainstem.api.filters import execution_filter
from mainstem.api.flow_names import MOST_IDS
from mainstem.api.services import ApiServices, Services
from mainstem.errors import InvalidInput
from mainstem.model.state import State
from mainstem.services.executions import check_labels
from mainstem.services.operations import Action, Operation, Refusal

router = APIRouter(tags=["executions"])
operations = APIRouter(tags=["executions"])

Ids = Annotated[list[str], Body(max_length=MOST_IDS)]
Background = Annotated[
    bool, Query(description="Answer 202 with an operation, and go on behind the scenes.")
]
_BULK: Final = answers(models.Bulk)
_QUERY: Final = answers(models.Bulk)
for _described_as in (_BULK, _QUERY):
    text = "Nothing was done: some are missing, or in a state that forbids it."
    _described_as["responses"] |= also(400, text, models.BulkRefused)
_QUERY["responses"] |= also(202, "Begun; see /operations/{id}.", models.OperationModel)


class BulkLabelsBody(described.Body):
    """Labels for several executions."""

    executionsId: list[str] = Field(max_length=MOST_IDS)
    executionLabels: list[LabelBody] = Field(max_length=100)


def _by_ids(
    services: ApiServices, action: Action, ids: list[str], argument: Mapping[str, object]
) -> JsonAnswer:
    _check_argument(action, argument)
    unfit = services.operations.unfit(action, ids)
    if unfit:
        return JsonAnswer(_invalid(action, unfit), status_code=400)
    return JsonAnswer(_acted(services, action, ids, argument))


def _check_argument(action: Action, argument: Mapping[str, object]) -> None:
    """Raises InvalidInput for what no execution could take."""
    if action is Action.CHANGE_STATUS and not State(str(argument["state"])).is_terminal:
        raise InvalidInput("You can only change the status of an execution to a terminal state.")
    labels = argument.get("labels")
    if isinstance(labels, dict):
        check_labels(labels)


_NAMES: Final = {
    Action.FORCE_RUN: "force run",
    Action.CHANGE_STATUS: "change execution status",
    Action.LABELS: "set labels",
}


def _invalid(action: Action, unfit: Sequence[Refusal]) -> wire.Json:
    """The reference's words and shape."""
    message = f"invalid bulk {_NAMES.get(action, action.value)}"
    listed = [
        {"message": item.message, "propertyPath": "execution", "invalidValue": item.id}
        for item in unfit
    ]
    return {"message": message, "invalids": listed, "_embedded": {"errors": [{"message": message}]}}


def _acted(
    services: ApiServices, action: Action, ids: list[str], argument: Mapping[str, object]
) -> wire.Json:
    refused = services.operations.act(action, ids, argument)
    found: wire.Json = {"count": len(ids) - len(refused)}
    found["refused"] = [{"id": item.id, "message": item.message} for item in refused]
    return found


def _by_query(
    services: ApiServices,
    action: Action,
    request: Request,
    argument: Mapping[str, object],
    background: bool,
) -> Response:
    ids = services.search.matching(execution_filter(request.query_params))
    if background:
        begun = services.operations.begin(action, ids, argument)
        return JsonAnswer(operation_json(begun), status_code=202)
    return _by_ids(services, action, ids, argument)


def operation_json(item: Operation) -> wire.Json:
    return {
        "id": item.id,
        "action": item.action.value,
        "state": item.state.value,
        "total": item.total,
        "done": item.done,
        "failed": item.failed,
        "createdAt": wire.moment(item.created_at),
        "endedAt": wire.moment(item.ended_at),
        "refused": [{"id": r.id, "message": r.message} for r in item.refused],
    }


def _add(action: Action, method: str) -> None:
    def by_ids(services: Services, ids: Ids) -> JsonAnswer:
        return _by_ids(services, action, ids, {})

    def by_query(request: Request, services: Services, background: Background = False) -> Response:
        return _by_query(services, action, request, {}, background)

    for suffix, handler, described_as in (
        ("by-ids", by_ids, _BULK),
        ("by-query", by_query, _QUERY),
    ):
        router.add_api_route(
            f"/executions/{action.value}/{suffix}",
            handler,
            methods=[method],
            name=f"{action.value}-{suffix}",
            summary=f"{action.value.capitalize()} executions {suffix.replace('-', ' ')}",
            **described_as,
        )


for _action, _method in (
    (Action.KILL, "DELETE"),
    (Action.RESTART, "POST"),
    (Action.PAUSE, "POST"),
    (Action.RESUME, "POST"),
    (Action.FORCE_RUN, "POST"),
):
    _add(_action, _method)


@router.post("/executions/replay/by-ids", **_BULK)
def replay_by_ids(services: Services, ids: Ids, latestRevision: bool = False) -> JsonAnswer:
    """Replay executions by ids, of their own revision or of the latest."""
    return _by_ids(services, Action.REPLAY, ids, {"latest": latestRevision})


@router.post("/executions/replay/by-query", **_QUERY)
def replay_by_query(
    request: Request,
    services: Services,
    latestRevision: bool = False,
    background: Background = False,
) -> Response:
    """Replay executions that match, of their own revision or of the latest."""
    argument = {"latest": latestRevision}
    return _by_query(services, Action.REPLAY, request, argument, background)


@router.post("/executions/unqueue/by-ids", **_BULK)
def unqueue_by_ids(services: Services, ids: Ids, state: State = State.RUNNING) -> JsonAnswer:
    """Let executions leave the queue by ids."""
    return _by_ids(services, Action.UNQUEUE, ids, {"state": state.value})


@router.post("/executions/unqueue/by-query", **_QUERY)
def unqueue_by_query(
    request: Request,
    services: Services,
    newState: State = State.RUNNING,
    background: Background = False,
) -> Response:
    """Let executions that match leave the queue."""
    argument = {"state": newState.value}
    return _by_query(services, Action.UNQUEUE, request, argument, background)


@router.post("/executions/change-status/by-ids", **_BULK)
def change_status_by_ids(services: Services, ids: Ids, newStatus: State) -> JsonAnswer:
    """Say how ended executions ended, by ids."""
    return _by_ids(services, Action.CHANGE_STATUS, ids, {"state": newStatus.value})


@router.post("/executions/change-status/by-query", **_QUERY)
def change_status_by_query(
    request: Request, services: Services, newStatus: State, background: Background = False
) -> Response:
    """Say how ended executions that match ended."""
    argument = {"state": newStatus.value}
    return _by_query(services, Action.CHANGE_STATUS, request, argument, background)


@router.post("/executions/labels/by-ids", **_BULK)
def labels_by_ids(services: Services, body: BulkLabelsBody) -> JsonAnswer:
    """Add or overwrite labels of ended executions by ids."""
    labels = {item.key: item.value for item in body.executionLabels}
    return _by_ids(services, Action.LABELS, body.executionsId, {"labels": labels})


@router.post("/executions/labels/by-query", **_QUERY)
def labels_by_query(
    request: Request, services: Services, body: Labels, background: Background = False
) -> Response:
    """Add or overwrite labels of ended executions that match."""
    labels = {item.key: item.value for item in body}
    return _by_query(services, Action.LABELS, request, {"labels": labels}, background)


def _kept(logs: bool, metrics: bool, storage: bool) -> dict[str, object]:
    return {"logs": logs, "metrics": metrics, "storage": storage}


@router.delete("/executions/by-ids", **_BULK)
def delete_by_ids(
    services: Services,
    ids: Ids,
    deleteLogs: bool = True,
    deleteMetrics: bool = True,
    deleteStorage: bool = True,
) -> JsonAnswer:
    """Delete ended executions by ids; those that run are refused."""
    argument = _kept(deleteLogs, deleteMetrics, deleteStorage)
    return _by_ids(services, Action.DELETE, ids, argument)


@router.delete("/executions/by-query", **_QUERY)
def delete_by_query(
    request: Request,
    services: Services,
    deleteLogs: bool = True,
    deleteMetrics: bool = True,
    deleteStorage: bool = True,
    background: Background = False,
) -> Response:
    """Delete ended executions that match the filter; those that run are refused."""
    argument = _kept(deleteLogs, deleteMetrics, deleteStorage)
    return _by_query(services, Action.DELETE, request, argument, background)


@operations.get("/operations", **answers(list[models.OperationModel]))
def listed(services: Services) -> list[wire.Json]:
    """Changes of many executions begun lately, newest first."""
    return [operation_json(item) for item in services.operations.latest()]


@operations.get("/operations/{operation_id}", **answers(models.OperationModel, 404))
def get(operation_id: str, services: Services) -> wire.Json:
    """How far a change of many executions is."""
    return operation_json(services.operations.get(operation_id))


@operations.post("/operations/{operation_id}/cancel", **answers(models.OperationModel, 404, 409))
def cancel(operation_id: str, services: Services) -> wire.Json:
    """Leave what has not been changed yet as it is."""
    return operation_json(services.operations.cancel(operation_id))
