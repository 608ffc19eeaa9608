"""Routes that act on many triggers, by ids or by query; those that refuse are named."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import Field
from starlette.datastructures import QueryParams

from mainstem.api import answers as described
from mainstem.api import models, wire
from mainstem.api.answers import answers
from mainstem.api.filters import trigger_filter
from mainstem.api.flow_names import MOST_IDS
from mainstem.api.services import ApiServices, Services
from mainstem.api.trigger_wire import TriggerName
from mainstem.api.triggers import key_of
from mainstem.errors import InvalidInput, MainstemError, NotFound
from mainstem.model.trigger import TriggerKey

router = APIRouter(tags=["triggers"])
Names = Annotated[list[TriggerName], Body(max_length=MOST_IDS)]
Act = Callable[[ApiServices, TriggerKey], object]
_BULK = answers(models.Bulk)


class SwitchManyBody(described.Body):
    """Triggers to switch."""

    triggers: list[TriggerName] = Field(max_length=MOST_IDS)
    disabled: bool


class FilterBody(described.Body):
    """Filters as newer clients send them in a body."""

    filters: list[dict[str, Any]] | None = Field(default=None, max_length=100)

    def params(self) -> QueryParams:
        """The same filters as query parameters."""
        found: list[tuple[str, str]] = []
        for item in self.filters or ():
            name, op = item.get("field"), item.get("operation", "EQUALS")
            if not isinstance(name, str) or not isinstance(op, str):
                raise InvalidInput("each filter must have a `field` and an `operation`")
            value = item.get("value")
            if isinstance(value, dict):
                found += [(f"filters[{name}][{op}][{key}]", str(v)) for key, v in value.items()]
            else:
                text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
                found.append((f"filters[{name}][{op}]", text))
        return QueryParams(found)


def _each(services: ApiServices, keys: Sequence[TriggerKey], act: Act) -> wire.Json:
    refused = []
    for key in keys:
        try:
            act(services, key)
        except MainstemError as error:
            refused.append({"id": str(key), "message": error.message})
    return {"count": len(keys) - len(refused), "refused": refused}


def _matching(services: ApiServices, params: QueryParams) -> list[TriggerKey]:
    return [state.key for state in services.triggers.each(trigger_filter(params))]


def _switch(disabled: bool) -> Act:
    def act(services: ApiServices, key: TriggerKey) -> None:
        if not services.triggers.set_disabled(key.flow, key.id, disabled):
            raise NotFound(f"flow {key.flow} has no trigger {key.id}")

    return act


@router.post("/triggers/set-disabled/by-triggers", **answers(models.Bulk, 404))
def switch_by_ids(services: Services, body: SwitchManyBody) -> wire.Json:
    """Switch several triggers; the first that is not there stops."""
    act = _switch(body.disabled)
    for name in body.triggers:
        act(services, key_of(name))
    return {"count": len(body.triggers)}


@router.post("/triggers/set-disabled/by-query", **_BULK)
def switch_by_query(request: Request, services: Services, disabled: bool = True) -> wire.Json:
    """Switch all triggers that match."""
    keys = _matching(services, request.query_params)
    return _each(services, keys, _switch(disabled))


@router.delete("/triggers/delete/by-query", **_BULK)
def delete_by_query(
    request: Request, services: Services, body: Annotated[FilterBody | None, Body()] = None
) -> wire.Json:
    """Forget how all triggers that match stand; filters come in the address or the body."""
    in_body = body is not None and body.filters
    params = body.params() if body is not None and in_body else request.query_params
    return _each(services, _matching(services, params), _forget)


def _forget(services: ApiServices, key: TriggerKey) -> None:
    services.triggers.forget(key.flow, key.id)


def _unlock(services: ApiServices, key: TriggerKey) -> None:
    services.triggers.unlock(key.flow, key.id)


def _of_open(act: Callable[[ApiServices, str], object]) -> Act:
    def on_key(services: ApiServices, key: TriggerKey) -> None:
        found = services.triggers.backfills.open_of(key)
        if found is None:
            raise NotFound(f"trigger {key} has no open backfill")
        act(services, found.id)

    return on_key


def _add(path: str, act: Act, words: str, *, by_ids: str = "POST", by_query: str = "POST") -> None:
    def on_ids(services: Services, triggers: Names) -> wire.Json:
        return _each(services, [key_of(name) for name in triggers], act)

    def on_query(request: Request, services: Services) -> wire.Json:
        return _each(services, _matching(services, request.query_params), act)

    routes = ((by_ids, "by-triggers", on_ids), (by_query, "by-query", on_query))
    for method, suffix, handler in routes:
        if method:
            router.add_api_route(
                f"/triggers/{path}/{suffix}",
                handler,
                methods=[method],
                name=f"{path.replace('/', '-')}-{suffix}",
                summary=f"{words} {suffix.replace('-', ' ')}",
                **_BULK,
            )


_add("unlock", _unlock, "Free triggers")
_add("delete", _forget, "Forget how triggers stand", by_ids="DELETE", by_query="")
_add(
    "backfill/pause",
    _of_open(lambda s, i: s.triggers.backfills.pause(i)),
    "Pause the backfills of triggers",
)
_add(
    "backfill/unpause",
    _of_open(lambda s, i: s.triggers.backfills.resume(i)),
    "Resume the backfills of triggers",
)
_add(
    "backfill/delete",
    _of_open(lambda s, i: s.triggers.backfills.cancel(i)),
    "Cancel the backfills of triggers",
)
