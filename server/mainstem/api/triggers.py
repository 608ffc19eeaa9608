"""Routes of triggers: how they stand, switching, unlocking."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from mainstem.api import models, trigger_wire, wire
from mainstem.api.answers import answers, attachment
from mainstem.api.filters import trigger_filter
from mainstem.api.flow_bulk import csv_line
from mainstem.api.query import Sort, parse_sort
from mainstem.api.services import ApiServices, Services
from mainstem.api.trigger_wire import SwitchBody, TriggerBody, TriggerName
from mainstem.errors import InvalidInput, MainstemError
from mainstem.model.flow_id import FlowId
from mainstem.model.trigger import TriggerKey, TriggerState

router = APIRouter(tags=["triggers"])
_MOST_DATES = 1_000
_ONE = "/triggers/{namespace}/{flow_id}/{trigger_id}"
_TRIGGER = answers(models.TriggerModel, 404, 409)

Page = Annotated[int, Query(ge=1, le=1_000_000)]
Size = Annotated[int, Query(ge=1, le=1_000)]


def shown(services: ApiServices, state: TriggerState) -> wire.Json:
    """A trigger with the backfill that is open, if one is."""
    backfills = services.triggers.backfills
    open_one = backfills.open_of(state.key)
    return trigger_wire.trigger(state, backfills.progress(open_one.id) if open_one else None)


def key_of(name: TriggerName) -> TriggerKey:
    return TriggerKey(FlowId(name.namespace, name.flow_id), name.trigger_id)


@router.get("/triggers/search", **answers(models.TriggerPage))
def search(
    request: Request, services: Services, page: Page = 1, size: Size = 25, sort: Sort = None
) -> wire.Json:
    """Triggers of current flows by namespace, flow and id unless `sort` says otherwise.

    Filters: `q`, `namespace`, `flowId`, `triggerId`, `triggerState`, `scope`.
    """
    found, total = services.triggers.search(
        trigger_filter(request.query_params),
        limit=size,
        offset=(page - 1) * size,
        orders=parse_sort(sort),
    )
    return wire.listing([_with_source(services, state) for state in found], total)


def _with_source(services: ApiServices, state: TriggerState) -> wire.Json:
    context = shown(services, state)
    source = _source(services, state)
    return {
        **context,
        "triggerContext": context,
        "abstractTrigger": source,
        "trigger": source,
        "state": trigger_wire.state(state, context),
    }


def _source(services: ApiServices, state: TriggerState) -> wire.Json:
    """The trigger as its flow writes it; its names alone when the flow cannot be read."""
    try:
        trigger = services.triggers.parts.loaded(state)[1]
    except MainstemError:
        return {"id": state.key.id, "type": state.type}
    return trigger.model_dump(mode="json", by_alias=True, exclude_unset=True)


@router.get("/triggers/export/by-query/csv", **answers(None, media="text/csv"))
def export_csv(request: Request, services: Services) -> StreamingResponse:
    """All triggers that match, made while they are sent."""
    wanted = trigger_filter(request.query_params)
    services.triggers.search(wanted, limit=1)
    return attachment(_csv(services.triggers.each(wanted)), "triggers.csv", "text/csv")


_COLUMNS = ("namespace", "flowId", "triggerId", "type", "disabled", "date", "nextExecutionDate",
            "executionId", "evaluatedAt", "outcome")  # fmt: skip


def _csv(states: Iterator[TriggerState]) -> Iterator[str]:
    yield csv_line(_COLUMNS)
    for state in states:
        row = trigger_wire.trigger(state)
        yield csv_line(tuple(row.get(name) for name in _COLUMNS))


@router.get("/triggers/{namespace}/{flow_id}", **answers(models.TriggerPage))
def of_flow(
    namespace: str,
    flow_id: str,
    services: Services,
    q: str = "",
    page: Page = 1,
    size: Size = 25,
) -> wire.Json:
    """The triggers of one flow."""
    found = [
        state
        for state in services.triggers.of_flow(FlowId(namespace, flow_id))
        if q.lower() in state.key.id.lower()
    ]
    part = found[(page - 1) * size : page * size]
    return wire.listing([shown(services, state) for state in part], len(found))


@router.get(_ONE, **answers(models.TriggerModel, 404))
def get(namespace: str, flow_id: str, trigger_id: str, services: Services) -> wire.Json:
    """How a trigger stands."""
    return shown(services, services.triggers.get(FlowId(namespace, flow_id), trigger_id))


@router.get(f"{_ONE}/next", **answers(list[str], 404))
def next_dates(
    namespace: str,
    flow_id: str,
    trigger_id: str,
    services: Services,
    number: Annotated[int, Query(ge=1, le=_MOST_DATES)] = 5,
) -> list[str]:
    """The next dates of a schedule, in its zone."""
    found = services.triggers.next_dates(FlowId(namespace, flow_id), trigger_id, number)
    return [date.isoformat() for date in found]


@router.get(f"{_ONE}/evaluations", **answers(list[dict[str, object]], 404))
def evaluations(
    namespace: str, flow_id: str, trigger_id: str, services: Services, size: Size = 25
) -> list[wire.Json]:
    """What came of looking at it, newest first."""
    found = services.triggers.evaluations(FlowId(namespace, flow_id), trigger_id, size)
    return [trigger_wire.evaluation(item) for item in found]


@router.put("/triggers", **_TRIGGER)
def change(body: TriggerBody, services: Services) -> wire.Json:
    """Switch a trigger with `disabled`, begin a backfill with `backfill`, or both."""
    key = key_of(body)
    if body.disabled is None and body.backfill is None:
        raise InvalidInput("the body must give `disabled` or `backfill`")
    services.triggers.get(key.flow, key.id)
    if body.disabled is not None:
        services.triggers.set_disabled(key.flow, key.id, body.disabled)
    if body.backfill is not None:
        services.triggers.backfills.create(body.backfill.wanted(key))
    return shown(services, services.triggers.get(key.flow, key.id))


@router.put("/triggers/set-disabled", **_TRIGGER)
def switch(body: SwitchBody, services: Services) -> wire.Json:
    """Switch one trigger."""
    key = key_of(body)
    services.triggers.get(key.flow, key.id)
    services.triggers.set_disabled(key.flow, key.id, body.disabled)
    return shown(services, services.triggers.get(key.flow, key.id))


@router.post(f"{_ONE}/unlock", **_TRIGGER)
def unlock(namespace: str, flow_id: str, trigger_id: str, services: Services) -> wire.Json:
    """Free it from the execution it waits for."""
    return shown(services, services.triggers.unlock(FlowId(namespace, flow_id), trigger_id))


@router.post(f"{_ONE}/restart", **_TRIGGER)
def restart(namespace: str, flow_id: str, trigger_id: str, services: Services) -> wire.Json:
    """Free it, forget its failures, and go on from now."""
    return shown(services, services.triggers.restart(FlowId(namespace, flow_id), trigger_id))


@router.delete(_ONE, **answers(None, 404, status=204))
def delete(namespace: str, flow_id: str, trigger_id: str, services: Services) -> Response:
    """Forget how it stands; while its flow has it, it begins anew."""
    services.triggers.forget(FlowId(namespace, flow_id), trigger_id)
    return Response(status_code=204)
