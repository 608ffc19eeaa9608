"""Routes of backfills."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query

from mainstem.api import models, trigger_wire, wire
from mainstem.api.answers import answers
from mainstem.api.services import ApiServices, Services
from mainstem.api.trigger_wire import BackfillBody, CreateBackfillBody, TriggerName
from mainstem.api.triggers import key_of, shown
from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.trigger import Backfill, TriggerKey

router = APIRouter(tags=["backfills"])
_BASE = "/triggers/{namespace}/{flow_id}/{trigger_id}/backfills"
_LISTED = 1_000


def _json(services: ApiServices, backfill_id: str) -> wire.Json:
    return trigger_wire.backfill(services.triggers.backfills.progress(backfill_id))


def _found(services: ApiServices, key: TriggerKey, backfill_id: str) -> Backfill:
    item = services.triggers.backfills.get(backfill_id)
    if item.key != key:
        raise NotFound(f"trigger {key} has no backfill {backfill_id}")
    return item


@router.post(_BASE, **answers(dict[str, object], 404, 409))
def create(
    namespace: str, flow_id: str, trigger_id: str, body: BackfillBody, services: Services
) -> wire.Json:
    """Begin to run the slots of a window."""
    key = TriggerKey(FlowId(namespace, flow_id), trigger_id)
    item = services.triggers.backfills.create(body.wanted(key))
    return _json(services, item.id)


@router.post(f"{_BASE}/preview", **answers(dict[str, object], 404))
def preview(
    namespace: str,
    flow_id: str,
    trigger_id: str,
    body: BackfillBody,
    services: Services,
    size: Annotated[int, Query(ge=1, le=20_000)] = _LISTED,
) -> wire.Json:
    """What would happen to each slot; nothing is begun."""
    key = TriggerKey(FlowId(namespace, flow_id), trigger_id)
    return trigger_wire.plan(services.triggers.backfills.preview(body.wanted(key)), size)


@router.get(_BASE, **answers(list[dict[str, object]], 404))
def of_trigger(
    namespace: str, flow_id: str, trigger_id: str, services: Services
) -> list[wire.Json]:
    """The backfills of a trigger, newest first."""
    key = TriggerKey(FlowId(namespace, flow_id), trigger_id)
    found = services.triggers.backfills.of_trigger(key)
    return [_json(services, item.id) for item in found]


@router.get(_BASE + "/{backfill_id}", **answers(dict[str, object], 404))
def get(
    namespace: str, flow_id: str, trigger_id: str, backfill_id: str, services: Services
) -> wire.Json:
    """How far it is, with the ids of its executions by slot."""
    key = TriggerKey(FlowId(namespace, flow_id), trigger_id)
    item = _found(services, key, backfill_id)
    executions = services.triggers.backfills.executions(item.id)
    return {**_json(services, item.id), "executionIds": executions}


@router.post(_BASE + "/{backfill_id}/pause", **answers(dict[str, object], 404, 409))
def pause(
    namespace: str, flow_id: str, trigger_id: str, backfill_id: str, services: Services
) -> wire.Json:
    """Fire no further slot; what runs goes on."""
    key = TriggerKey(FlowId(namespace, flow_id), trigger_id)
    item = services.triggers.backfills.pause(_found(services, key, backfill_id).id)
    return _json(services, item.id)


@router.post(_BASE + "/{backfill_id}/resume", **answers(dict[str, object], 404, 409))
def resume(
    namespace: str, flow_id: str, trigger_id: str, backfill_id: str, services: Services
) -> wire.Json:
    key = TriggerKey(FlowId(namespace, flow_id), trigger_id)
    item = services.triggers.backfills.resume(_found(services, key, backfill_id).id)
    return _json(services, item.id)


@router.post(_BASE + "/{backfill_id}/cancel", **answers(dict[str, object], 404, 409))
def cancel(
    namespace: str,
    flow_id: str,
    trigger_id: str,
    backfill_id: str,
    services: Services,
    kill: bool = False,
) -> wire.Json:
    """End it; with `kill` its running executions as well."""
    key = TriggerKey(FlowId(namespace, flow_id), trigger_id)
    item = services.triggers.backfills.cancel(_found(services, key, backfill_id).id, kill=kill)
    return _json(services, item.id)


# the reference's addresses, which name the trigger in the body


def _of_open(services: ApiServices, name: TriggerName, act: Callable[[str], Backfill]) -> wire.Json:
    key = key_of(name)
    item = services.triggers.backfills.open_of(key)
    if item is None:
        raise NotFound(f"trigger {key} has no open backfill")
    act(item.id)
    progress = services.triggers.backfills.progress(item.id)
    return trigger_wire.trigger(services.triggers.get(key.flow, key.id), progress)


reference = APIRouter(tags=["backfills"])


@reference.put("/triggers/backfill/create", **answers(models.TriggerModel, 404, 409))
def create_open(body: CreateBackfillBody, services: Services) -> wire.Json:
    """Begin a backfill of a trigger."""
    key = key_of(body)
    services.triggers.get(key.flow, key.id)
    services.triggers.backfills.create(body.backfill.wanted(key))
    return shown(services, services.triggers.get(key.flow, key.id))


@reference.put("/triggers/backfill/pause", **answers(models.TriggerModel, 404, 409))
def pause_open(body: TriggerName, services: Services) -> wire.Json:
    """Pause the backfill of a trigger."""
    return _of_open(services, body, services.triggers.backfills.pause)


@reference.put("/triggers/backfill/unpause", **answers(models.TriggerModel, 404, 409))
def unpause_open(body: TriggerName, services: Services) -> wire.Json:
    """Resume the backfill of a trigger."""
    return _of_open(services, body, services.triggers.backfills.resume)


@reference.put("/triggers/backfill/delete", **answers(models.TriggerModel, 404, 409))
@reference.post("/triggers/backfill/delete", **answers(models.TriggerModel, 404, 409))
def delete_open(body: TriggerName, services: Services) -> wire.Json:
    """Cancel the backfill of a trigger."""
    return _of_open(services, body, services.triggers.backfills.cancel)
