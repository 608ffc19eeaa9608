"""Firing when a query finds rows."""

from datetime import datetime
from typing import ClassVar

from mainstem.plugins.jdbc.tasks import SqlQuery
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property
from mainstem.sdk.polling import found_by
from mainstem.sdk.rowfiles import FetchType
from mainstem.sdk.trigger import Found, PollingTrigger


class SqlTrigger(SqlQuery, PollingTrigger):
    """Start the flow when a query finds rows, which are in `trigger` as `fetchType` says.

    `afterSQL` runs in the transaction of the query, to mark its rows as seen.
    """

    QUERY: ClassVar[str]

    fetch_type: Property[FetchType] = Property("FETCH", FetchType)

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        return found_by(self, self.QUERY, ctx)
