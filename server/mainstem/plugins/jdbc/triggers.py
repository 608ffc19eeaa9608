"""Firing when a query finds rows."""

from datetime import datetime
from typing import Any, ClassVar, Final

from pydantic import Field

from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.rowfiles import FetchType
from mainstem.sdk.task import RunnableTask
from mainstem.sdk.trigger import Found, PollingTrigger

_OF_TRIGGERS: Final = frozenset(PollingTrigger.model_fields) | {"type", "id"}


class SqlTrigger(PollingTrigger):
    """Start the flow when a query finds rows, which are in `trigger` as `fetchType` says.

    `afterSQL` runs in the transaction of the query, to mark its rows as seen.
    """

    QUERY: ClassVar[str]

    url: Property[Text] | None = None
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    time_zone_id: Property[Text] | None = None
    connection_pooling: Property[bool] | None = None
    connection_pool_size: Property[int] | None = None
    sql: Property[Text]
    after_sql: Property[Text] | None = Field(default=None, alias="afterSQL")
    store: bool = False
    fetch_one: bool = False
    fetch: bool = False
    fetch_type: Property[FetchType] = Property("FETCH", FetchType)
    fetch_size: Property[int] = Property(10_000, int)
    parameters: Property[dict[str, Any]] | None = None

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        own = set(type(self).model_fields) - _OF_TRIGGERS
        given = self.model_dump(by_alias=True, exclude_none=True, include=own)
        task = ctx.build_task({"id": self.id, "type": self.QUERY, **given})
        assert isinstance(task, RunnableTask)
        found = dict(task.run(ctx) or {})
        return Found(found) if found.get("size") else None
