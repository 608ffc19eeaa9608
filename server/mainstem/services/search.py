"""Lists, counts and figures that the API and the pages show."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.principal import Permission
from mainstem.model.state import State
from mainstem.services import access
from mainstem.store import executions as execution_rows
from mainstem.store import executions as rows
from mainstem.store import logs, views
from mainstem.store.database import Database
from mainstem.store.filter_fields import Order
from mainstem.store.filters import ExecutionFilter
from mainstem.store.logs import LogFilter, StoredLine, StoredMetric
from mainstem.store.views import DistinctField, FlowFigures, Page, Slot

_PART = 500
# So many lines are looked at for one page of a search, in some tens of milliseconds.
_WINDOW = 100_000
# Lines are numbered when they are written, which is at most this much after they were said.
_LATE = timedelta(hours=1)

__all__ = [
    "DistinctField",
    "ExecutionFilter",
    "FlowFigures",
    "LogFilter",
    "Page",
    "SearchService",
    "Slot",
    "StoredLine",
    "StoredMetric",
]


class SearchService:
    """Reads only; each call is one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: ExecutionFilter, *, limit: int = 25, after: str | None = None) -> Page:
        """Newest first; `after` is the `next` of the part before."""
        with self._database.read() as tx:
            return views.page(tx, wanted, limit=limit, after=after)

    def numbered_page(
        self, wanted: ExecutionFilter, *, limit: int, offset: int, orders: Sequence[Order] = ()
    ) -> tuple[list[Execution], int]:
        """A part of the list by offset, and the number of all."""
        with self._database.read() as tx:
            found = views.numbered_page(tx, wanted, limit=limit, offset=offset, orders=orders)
            return found, views.count(tx, wanted)

    def each(self, wanted: ExecutionFilter) -> Iterator[Execution]:
        """All that match, newest first, read in parts."""
        cursor: str | None = None
        while True:
            part = self.page(wanted, limit=_PART, after=cursor)
            yield from part.executions
            cursor = part.next
            if cursor is None:
                return

    def matching(self, wanted: ExecutionFilter) -> list[str]:
        """The ids of all that match, newest first."""
        return [item.id for item in self.each(wanted)]

    def holding(self) -> dict[FlowId, int]:
        """How many executions take a place of their flow's concurrency limit."""
        with self._database.read() as tx:
            return Counter(item.flow for item in rows.holding(tx))

    def distinct(self, wanted: ExecutionFilter, field: DistinctField, limit: int) -> list[str]:
        """The values of a field, the most frequent first."""
        with self._database.read() as tx:
            return views.distinct(tx, wanted, field, limit)

    def task_runs_of(self, execution_ids: Sequence[str]) -> dict[str, list[TaskRun]]:
        """The task runs of several executions, each in the order of creation."""
        with self._database.read() as tx:
            return views.task_runs_of(tx, execution_ids)

    def count_by_state(self, wanted: ExecutionFilter) -> dict[State, int]:
        with self._database.read() as tx:
            return views.count_by_state(tx, wanted)

    def count_by_flow(self, wanted: ExecutionFilter) -> dict[FlowId, int]:
        with self._database.read() as tx:
            return views.count_by_flow(tx, wanted)

    def slots(
        self, wanted: ExecutionFilter, *, start: datetime, length: timedelta, number: int
    ) -> list[Slot]:
        """Counts by state in consecutive slots of time."""
        with self._database.read() as tx:
            return views.slots(tx, wanted, start=start, length=length, number=number)

    def latest_of_flows(
        self, flows: Sequence[FlowId], *, each: int = 20
    ) -> dict[FlowId, list[Execution]]:
        """The latest executions of each flow, newest first."""
        with self._database.read() as tx:
            return views.latest_of_flows(tx, flows, each=each)

    def slowest(
        self, wanted: ExecutionFilter, limit: int = 5, among: int | None = None
    ) -> list[FlowFigures]:
        """Flows by mean duration; with `among` of so many of the newest executions only."""
        with self._database.read() as tx:
            return views.slowest(tx, wanted, limit, among)

    def first_errors(self, execution_ids: Sequence[str]) -> dict[str, str]:
        """The first ERROR line of each execution that has one."""
        with self._database.read() as tx:
            return views.first_errors(tx, execution_ids)

    def current_tasks(self, execution_ids: Sequence[str]) -> dict[str, str]:
        """For each execution the task that failed, else the latest one made."""
        with self._database.read() as tx:
            return views.current_tasks(tx, execution_ids)

    def lines(
        self,
        wanted: LogFilter,
        *,
        limit: int = 1_000,
        offset: int = 0,
        newest_first: bool = False,
        orders: Sequence[Order] = (),
    ) -> list[StoredLine]:
        """Log lines by number; go on after the last number with `wanted.after`."""
        with self._database.read() as tx:
            return logs.lines(
                tx, wanted, limit=limit, offset=offset, newest_first=newest_first, orders=orders
            )

    def recent_lines(self, wanted: LogFilter, *, limit: int) -> tuple[list[StoredLine], int | None]:
        """The newest matching lines among the newest of all, and where to go on.

        A filter that matches hardly anything must not read every line there is: the second value
        is the `before` of the part that was not looked at, None when nothing older can match.
        """
        with self._database.read() as tx:
            top = wanted.before or logs.last_number(tx) + 1
            floor = max(0, top - _WINDOW)
            part = replace(wanted, before=top, after=floor)
            found = logs.lines(tx, part, limit=limit + 1, newest_first=True)
            if len(found) > limit:
                return found[:limit], found[limit - 1].number
            older = logs.moment_of(tx, floor)
        if older is None or (wanted.start is not None and older < wanted.start - _LATE):
            return found, None
        return found, floor + 1

    def count_lines(self, wanted: LogFilter) -> int:
        with self._database.read() as tx:
            return logs.count(tx, wanted)

    def lines_by_level(self, wanted: LogFilter) -> dict[Level, int]:
        with self._database.read() as tx:
            return logs.count_by_level(tx, wanted)

    def delete_lines(self, wanted: LogFilter) -> int:
        """Raises Denied unless the caller may delete in all that the filter takes in."""
        with self._database.write() as tx:
            place = wanted.namespace or ""
            if wanted.execution_id is not None:
                place = execution_rows.get(tx, wanted.execution_id).execution.flow.namespace
            access.require(Permission.EXECUTION_DELETE, place)
            return logs.remove_lines(tx, wanted)

    def metrics(self, execution_id: str) -> list[StoredMetric]:
        """Figures reported by the tasks of an execution, in order."""
        with self._database.read() as tx:
            return logs.metrics_of(tx, execution_id)
