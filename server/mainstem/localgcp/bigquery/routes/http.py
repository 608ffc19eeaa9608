"""What all routes share: the emulator behind them, JSON in and out, etags."""

from collections.abc import Mapping
from typing import Annotated, Protocol

import orjson
from fastapi import Depends, Request, Response

from mainstem.localgcp.bigquery.database import Database
from mainstem.localgcp.bigquery.errors import BigQueryError
from mainstem.localgcp.bigquery.jobs.submit import NOBODY
from mainstem.localgcp.bigquery.warehouse import Warehouse as WarehouseParts

JSON_TYPE = "application/json; charset=UTF-8"


class JsonAnswer(Response):
    """A resource; 64-bit integers were made texts before."""

    media_type = JSON_TYPE

    def render(self, content: object) -> bytes:
        return content if isinstance(content, bytes) else orjson.dumps(content)


async def read_json(request: Request) -> object:
    """The body whatever its content type says; nothing at all is an empty object."""
    text = await request.body()
    try:
        return orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as problem:
        raise BigQueryError("parseError", f"Parse Error: {problem}") from None


Body = Annotated[object, Depends(read_json)]


def database_of(request: Request) -> Database:
    found = request.app.state.database
    assert isinstance(found, Database)
    return found


def warehouse_of(request: Request) -> WarehouseParts:
    found = request.app.state.warehouse
    assert isinstance(found, WarehouseParts)
    return found


def user_of(request: Request) -> str:
    """Who jobs are reported to run as."""
    return str(getattr(request.state, "user_email", NOBODY))


Store = Annotated[Database, Depends(database_of)]
Warehouse = Annotated[WarehouseParts, Depends(warehouse_of)]
User = Annotated[str, Depends(user_of)]


class HasEtag(Protocol):
    @property
    def etag(self) -> str: ...


def check_etag(request: Request, resource: HasEtag) -> None:
    """Honour If-Match: somebody else may have changed the resource meanwhile."""
    wanted = request.headers.get("if-match")
    if wanted is not None and wanted not in ("*", resource.etag):
        raise BigQueryError("conditionNotMet", "Precondition Failed", location="If-Match")


def without_none(body: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in body.items() if value is not None}
