"""Firing when a query finds rows."""

from datetime import datetime

from mainstem.plugins.gcp.bigquery.common import BigQueryConnection, FetchType
from mainstem.plugins.gcp.bigquery.query import Query
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.polling import found_by
from mainstem.sdk.trigger import Found, PollingTrigger


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
        return found_by(self, Query.TYPE, ctx)
