"""Triggers that fire at dates: by a cron expression, or listed one by one."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from mainstem.sdk.condition import AnyCondition, Condition
from mainstem.sdk.cron import Cron, cron_fault, cron_of
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Fault
from mainstem.sdk.schedule import ScheduleContext, ScheduledTrigger, whole_second


class Schedule(ScheduledTrigger):
    """Run the flow at the dates of a cron expression.

    While an execution of the trigger runs, the next one waits.
    """

    TYPE: ClassVar[str] = "io.kestra.plugin.core.trigger.Schedule"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.models.triggers.types.Schedule",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "date": "The date of the schedule.",
        "next": "The date after it.",
        "previous": "The date before it.",
    }

    cron: Text = Field(description="Five fields, or a nickname such as @daily.")
    with_seconds: bool = Field(default=False, description="A sixth field, the seconds, leads.")
    interval: object = Field(default=None, description="Not for schedules; must be null.")
    late_maximum_delay: Duration | None = Field(
        default=None, description="A date that is late by more than this is dropped."
    )
    schedule_conditions: tuple[AnyCondition, ...] = Field(
        default=(), json_schema_extra={"deprecated": True}, description="Now `conditions`."
    )
    backfill: dict[str, object] | None = Field(
        default=None,
        json_schema_extra={"deprecated": True},
        description="Without effect: start backfills on the page, by the API or on the command "
        "line.",
    )

    def faults(self) -> Iterator[Fault]:
        if fault := cron_fault(self.cron, self.with_seconds):
            yield Fault(fault, "cron", "invalid-cron")
        if self.interval is not None:
            yield Fault("must be null", "interval")

    @property
    def tolerance(self) -> timedelta | None:
        return self.late_maximum_delay

    def all_conditions(self) -> tuple[Condition, ...]:
        return (*self.conditions, *self.schedule_conditions)

    @property
    def _cron(self) -> Cron:
        return cron_of(self.cron, self.with_seconds)

    def candidates_after(self, ctx: ScheduleContext, moment: datetime) -> Iterator[datetime]:
        return self._cron.after(moment, self.zone(ctx))

    def candidates_before(self, ctx: ScheduleContext, moment: datetime) -> Iterator[datetime]:
        return self._cron.before(moment, self.zone(ctx))


class ScheduleOnDates(ScheduledTrigger):
    """Run the flow at the listed dates; those already past when it is saved are fired as well."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.trigger.ScheduleOnDates"

    dates_: Property[list[datetime]] = Field(alias="dates", description="Dates with their zone.")
    interval: object = Field(default=None, description="Not for schedules; must be null.")

    def faults(self) -> Iterator[Fault]:
        if self.interval is not None:
            yield Fault("must be null", "interval")

    def first(self, ctx: ScheduleContext) -> datetime | None:
        return next((date for date in self._listed(ctx) if self.holds(ctx, date)), None)

    def candidates_after(self, ctx: ScheduleContext, moment: datetime) -> Iterator[datetime]:
        return (date for date in self._listed(ctx) if date > moment)

    def candidates_before(self, ctx: ScheduleContext, moment: datetime) -> Iterator[datetime]:
        return (date for date in reversed(self._listed(ctx)) if date < moment)

    def _listed(self, ctx: ScheduleContext) -> list[datetime]:
        listed = self.dates_.resolve(lambda raw: ctx.render(raw, {}))
        zone = self.zone(ctx)
        zoned = (date if date.tzinfo else date.replace(tzinfo=zone) for date in listed)
        shown = (date.astimezone(zone) if self.timezone else date for date in zoned)
        return sorted({whole_second(date) for date in shown})
