"""Triggers whose dates can be computed: what is next, what was before, what a date carries.

Pure. A date counts when the conditions of the trigger hold for it; looking for one is bounded in
years as the flow language says, and in candidates so that no condition can stall the caller.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Final, Literal

from pydantic import Field

from mainstem.errors import MainstemError
from mainstem.expr.isodates import offset_datetime_text, zone_named
from mainstem.model.flow_id import FlowId
from mainstem.sdk.checks import timezone_fault
from mainstem.sdk.condition import ConditionContext
from mainstem.sdk.fields import Text
from mainstem.sdk.plugin import Fault
from mainstem.sdk.trigger import Trigger

YEARS: Final = 10
MOST_CANDIDATES: Final = 20_000
_QUICK: Final = 2_000
_INSTANT: Final = timedelta(microseconds=1)

RecoverMissed = Literal["ALL", "LAST", "NONE"]


@dataclass(frozen=True, slots=True)
class ScheduleContext:
    """What a schedule may look at; `zone` is the server's, for triggers without one.

    `render` renders a value with further root variables.
    """

    flow: FlowId
    now: datetime
    zone: tzinfo
    render: Callable[[object, Mapping[str, object]], object]


class ScheduledTrigger(Trigger):
    """A trigger that fires at dates known in advance."""

    timezone: Text | None = Field(
        default=None, description="Time zone of the dates; the server's if there is none."
    )
    allow_concurrent: bool = Field(
        default=False, description="Fire although an execution that it fired still runs."
    )
    recover_missed_schedules: RecoverMissed | None = Field(
        default=None, description="What to do about dates missed while the server was down."
    )

    def faults(self) -> Iterator[Fault]:
        if self.timezone is not None and (fault := timezone_fault(self.timezone)):
            yield Fault(f"{fault} (Unknown time-zone ID: {self.timezone})", "timezone")

    @property
    def tolerance(self) -> timedelta | None:
        """How late a date may still be fired; None means ever."""
        return None

    @abstractmethod
    def candidates_after(self, ctx: ScheduleContext, moment: datetime) -> Iterator[datetime]:
        """Dates strictly after a moment, oldest first, conditions not asked."""

    @abstractmethod
    def candidates_before(self, ctx: ScheduleContext, moment: datetime) -> Iterator[datetime]:
        """Dates strictly before a moment, newest first, conditions not asked."""

    def first(self, ctx: ScheduleContext) -> datetime | None:
        """The date to begin with when the trigger is new."""
        return following(self, ctx, ctx.now)

    def zone(self, ctx: ScheduleContext) -> tzinfo:
        return zone_named(self.timezone) if self.timezone else ctx.zone

    def next(
        self, ctx: ScheduleContext, after: datetime, most: int = MOST_CANDIDATES
    ) -> datetime | None:
        """The first date strictly after a moment that is worth looking at.

        Its conditions hold, unless the search was given up after `most` candidates; then it is
        where to go on.
        """
        found, reached = self._search(ctx, self.candidates_after(ctx, after), most)
        return found or reached

    def on_or_after(self, ctx: ScheduleContext, moment: datetime) -> datetime | None:
        """The first candidate from a moment on, conditions not asked."""
        return next(self.candidates_after(ctx, moment - _INSTANT), None)

    def previous(self, ctx: ScheduleContext, before: datetime) -> datetime | None:
        """The last date strictly before a moment for which the conditions hold."""
        return self._search(ctx, self.candidates_before(ctx, before))[0]

    def dates(self, ctx: ScheduleContext, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every date of a window, its ends included, for which the conditions hold."""
        for date in self.candidates_after(ctx, start - _INSTANT):
            if date > end:
                return
            if self.holds(ctx, date):
                yield date

    def dates_backward(
        self, ctx: ScheduleContext, start: datetime, end: datetime
    ) -> Iterator[datetime]:
        """As `dates`, newest first."""
        for date in self.candidates_before(ctx, end + _INSTANT):
            if date < start:
                return
            if self.holds(ctx, date):
                yield date

    def holds(self, ctx: ScheduleContext, date: datetime) -> bool:
        """Whether all conditions on dates hold; raises InvalidInput if one cannot be asked."""
        conditions = [c for c in self.all_conditions() if c.ON_DATES]
        if not conditions:
            return True
        variables = _DateVariables(self, ctx, date)
        roots: dict[str, object] = {"trigger": variables, "schedule": variables}
        asked = ConditionContext(
            flow=ctx.flow,
            now=ctx.now,
            render=lambda text: str(ctx.render(text, roots)),
            date=date,
            variables=roots,
            render_with=lambda text, more: str(ctx.render(text, {**roots, **more})),
        )
        return all(condition.test(asked) for condition in conditions)

    def variables(self, ctx: ScheduleContext, date: datetime) -> dict[str, object]:
        """The `trigger` variables of a date; next and previous are absent if there are none."""
        found: dict[str, object] = {"date": offset_datetime_text(date)}
        after, _ = self._search(ctx, self.candidates_after(ctx, date))
        if after is not None:
            found["next"] = offset_datetime_text(after)
        before = self.previous(ctx, date)
        if before is not None:
            found["previous"] = offset_datetime_text(before)
        return found

    def _search(
        self, ctx: ScheduleContext, candidates: Iterator[datetime], most: int = MOST_CANDIDATES
    ) -> tuple[datetime | None, datetime | None]:
        """The first candidate whose conditions hold, or the one at which the search ended."""
        reached = None
        for date in islice(candidates, most):
            if abs(date.year - ctx.now.year) >= YEARS and any(
                c.ON_DATES for c in self.all_conditions()
            ):
                return None, None
            if self.holds(ctx, date):
                return date, None
            reached = date
        return None, reached


class _DateVariables(Mapping[str, object]):
    """`date`, `next` and `previous` of a candidate, computed when asked for."""

    def __init__(self, trigger: ScheduledTrigger, ctx: ScheduleContext, date: datetime) -> None:
        self._trigger = trigger
        self._ctx = ctx
        self._date = date

    def __getitem__(self, name: str) -> object:
        found = self._moment(name)
        if found is None:
            raise KeyError(name)
        return offset_datetime_text(found)

    def _moment(self, name: str) -> datetime | None:
        if name == "date":
            return self._date
        if name == "next":
            return next(self._trigger.candidates_after(self._ctx, self._date), None)
        if name == "previous":
            return next(self._trigger.candidates_before(self._ctx, self._date), None)
        return None

    def __iter__(self) -> Iterator[str]:
        return (name for name in ("date", "next", "previous") if self._moment(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def following(trigger: ScheduledTrigger, ctx: ScheduleContext, after: datetime) -> datetime | None:
    """The next date to look at, found quickly, for a database transaction may wait for it.

    Where a condition cannot be asked it is the next candidate, whatever the condition says.
    """
    try:
        return trigger.next(ctx, after, _QUICK)
    except MainstemError:
        return next(trigger.candidates_after(ctx, after), None)


def whole_second(date: datetime) -> datetime:
    """The date without a fraction of a second."""
    return date.replace(microsecond=0)
