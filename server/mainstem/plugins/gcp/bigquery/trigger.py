"""Firing when a query finds rows."""

from datetime import datetime
from typing import Final

from mainstem.plugins.gcp.bigquery.common import BigQueryConnection, FetchType
from mainstem.plugins.gcp.bigquery.query import Query
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask
from mainstem.sdk.trigger import Found, PollingTrigger

_OF_TRIGGERS: Final = frozenset(PollingTrigger.model_fields) | {"type", "id"}


class Trigger(BigQueryConnection, PollingTrigger):
    """Start the flow when a query finds rows, which are in `trigger` as `fetchType` says."""

    TYPE = "io.kestra.plugin.gcp.bigquery.Trigger"

    sql: Property[Text]
    legacy_sql: Property[bool] = Property(False, bool)
    fetch: bool = False
    store: bool = False
    fetch_one: bool = False
    fetch_type: Property[FetchType] = Property("FETCH", FetchType)

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        own = set(type(self).model_fields) - _OF_TRIGGERS
        given = self.model_dump(by_alias=True, exclude_none=True, include=own)
        task = ctx.build_task({"id": self.id, "type": Query.TYPE, **given})
        assert isinstance(task, RunnableTask)
        found = dict(task.run(ctx) or {})
        return Found(found) if found.get("size") else None
