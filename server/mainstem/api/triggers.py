"""Routes of triggers: how they stand, switching, unlocking."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from mainstem.api import trigger_wire, wire
from mainstem.api.services import ApiServices, Services
from mainstem.api.trigger_wire import TriggerBody, TriggerName
from mainstem.errors import InvalidInput, MainstemError, NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.trigger import TriggerKey, TriggerState
from mainstem.services.triggers import TriggerFilter

router = APIRouter(tags=["triggers"])
_MOST_DATES = 1_000

Page = Annotated[int, Query(ge=1)]
Size = Annotated[int, Query(ge=1, le=1_000)]


def _json(services: ApiServices, state: TriggerState) -> wire.Json:
    backfills = services.triggers.backfills
    open_one = backfills.open_of(state.key)
    return trigger_wire.trigger(state, backfills.progress(open_one.id) if open_one else None)


def key_of(name: TriggerName) -> TriggerKey:
    return TriggerKey(FlowId(name.namespace, name.flow_id), name.trigger_id)


@router.get("/triggers/search")
def search(
    services: Services,
    namespace: str | None = None,
    flowId: str | None = None,
    q: str | None = None,
    page: Page = 1,
    size: Size = 25,
) -> wire.Json:
    """Triggers of current flows by namespace, flow and id."""
    wanted = TriggerFilter(namespace, flowId, (q or "").strip().strip("*") or None)
    found, total = services.triggers.search(wanted, limit=size, offset=(page - 1) * size)
    return wire.listing([_with_source(services, state) for state in found], total)


def _with_source(services: ApiServices, state: TriggerState) -> wire.Json:
    context = _json(services, state)
    source: wire.Json = {"id": state.key.id, "type": state.type}
    return {**context, "triggerContext": context, "abstractTrigger": source}


@router.get("/triggers/{namespace}/{flow_id}")
def of_flow(
    namespace: str, flow_id: str, services: Services, page: Page = 1, size: Size = 25
) -> wire.Json:
    """The triggers of one flow."""
    found = services.triggers.of_flow(FlowId(namespace, flow_id))
    part = found[(page - 1) * size : page * size]
    return wire.listing([_json(services, state) for state in part], len(found))


@router.get("/triggers/{namespace}/{flow_id}/{trigger_id}")
def get(namespace: str, flow_id: str, trigger_id: str, services: Services) -> wire.Json:
    return _json(services, services.triggers.get(FlowId(namespace, flow_id), trigger_id))


@router.get("/triggers/{namespace}/{flow_id}/{trigger_id}/next")
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


@router.get("/triggers/{namespace}/{flow_id}/{trigger_id}/evaluations")
def evaluations(
    namespace: str, flow_id: str, trigger_id: str, services: Services, size: Size = 25
) -> list[wire.Json]:
    """What came of looking at it, newest first."""
    found = services.triggers.evaluations(FlowId(namespace, flow_id), trigger_id, size)
    return [trigger_wire.evaluation(item) for item in found]


@router.put("/triggers")
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
    return _json(services, services.triggers.get(key.flow, key.id))


@router.post("/triggers/{namespace}/{flow_id}/{trigger_id}/unlock")
def unlock(namespace: str, flow_id: str, trigger_id: str, services: Services) -> wire.Json:
    """Free it from the execution it waits for."""
    return _json(services, services.triggers.unlock(FlowId(namespace, flow_id), trigger_id))


# in bulk


@router.post("/triggers/set-disabled/by-triggers")
def set_disabled_by_triggers(
    services: Services,
    triggers: Annotated[list[TriggerName], Body()],
    disabled: Annotated[bool, Body()],
) -> wire.Json:
    """Switch several triggers."""
    found = 0
    for name in triggers:
        key = key_of(name)
        if not services.triggers.set_disabled(key.flow, key.id, disabled):
            raise NotFound(f"flow {key.flow} has no trigger {key.id}")
        found += 1
    return {"count": found}


@router.post("/triggers/unlock/by-triggers")
def unlock_by_triggers(
    services: Services, triggers: Annotated[list[TriggerName], Body()]
) -> wire.Json:
    """Free several triggers; those that refuse are named and do not stop the others."""
    refused = []
    for name in triggers:
        key = key_of(name)
        try:
            services.triggers.unlock(key.flow, key.id)
        except MainstemError as error:
            refused.append({"id": str(key), "message": error.message})
    return {"count": len(triggers) - len(refused), "refused": refused}
