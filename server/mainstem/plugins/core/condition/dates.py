"""Conditions on a date, by default the one that a schedule is about to fire."""

from datetime import date as Day
from datetime import datetime, time
from typing import ClassVar, Final, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.sdk.condition import Condition, ConditionContext
from mainstem.sdk.fields import Text

DayName = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
_DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_NTH: Final = {"FIRST": 1, "SECOND": 2, "THIRD": 3, "FOURTH": 4}
_OLD: Final = "io.kestra.core.models.conditions.types"
_HERE: Final = "io.kestra.plugin.core.condition"
# Which calendar answers when a condition names no country.
_DEFAULT_COUNTRY: Final = "US"


class DateCondition(Condition):
    """A condition on the rendered `date`."""

    ON_DATES: ClassVar[bool] = True

    date: Text = Field(default="{{ trigger.date }}", description="The date to look at.")

    def moment(self, ctx: ConditionContext) -> datetime:
        """The date with its zone; raises InvalidInput for anything else."""
        text = ctx.render(self.date)
        try:
            found = datetime.fromisoformat(_without_region(text))
        except ValueError as error:
            raise _no_date(text) from error
        if found.tzinfo is None:
            raise InvalidInput(f"`{text}` has no time zone: write an offset such as +02:00")
        return found

    def day(self, ctx: ConditionContext) -> Day:
        """The calendar day; raises InvalidInput for what is no date."""
        text = ctx.render(self.date)
        try:
            return Day.fromisoformat(text)
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(_without_region(text)).date()
        except ValueError as error:
            raise _no_date(text) from error


def _without_region(text: str) -> str:
    return text.partition("[")[0]


def _no_date(text: str) -> InvalidInput:
    return InvalidInput(f"`{text[:80]}` is not an ISO date: write 2024-02-29 or 2024-02-29T10:00Z")


class DayWeek(DateCondition):
    """Holds on one day of the week."""

    TYPE: ClassVar[str] = f"{_HERE}.DayWeek"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_OLD}.DayWeekCondition", f"{_HERE}.DayWeekCondition")

    day_of_week: DayName

    def test(self, ctx: ConditionContext) -> bool:
        return _DAYS[self.day(ctx).weekday()] == self.day_of_week


class DayWeekInMonth(DateCondition):
    """Holds on the first to fourth, or last, of a day of the week in the month."""

    TYPE: ClassVar[str] = f"{_HERE}.DayWeekInMonth"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.DayWeekInMonthCondition",
        f"{_HERE}.DayWeekInMonthCondition",
    )

    day_of_week: DayName
    day_in_month: Literal["FIRST", "LAST", "SECOND", "THIRD", "FOURTH"]

    def test(self, ctx: ConditionContext) -> bool:
        day = self.day(ctx)
        if _DAYS[day.weekday()] != self.day_of_week:
            return False
        if self.day_in_month == "LAST":
            return Day.fromordinal(day.toordinal() + 7).month != day.month
        return (day.day + 6) // 7 == _NTH[self.day_in_month]


class Weekend(DateCondition):
    """Holds on Saturdays and Sundays."""

    TYPE: ClassVar[str] = f"{_HERE}.Weekend"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_OLD}.WeekendCondition", f"{_HERE}.WeekendCondition")

    def test(self, ctx: ConditionContext) -> bool:
        return self.day(ctx).weekday() >= 5


class PublicHoliday(DateCondition):
    """Holds on public holidays of a country or of a part of it; by default of the USA."""

    TYPE: ClassVar[str] = f"{_HERE}.PublicHoliday"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.PublicHolidayCondition",
        f"{_HERE}.PublicHolidayCondition",
    )

    country: Text | None = Field(default=None, description="ISO 3166-1 code such as FR.")
    sub_division: Text | None = Field(
        default=None, description="ISO 3166-2 code without the country, such as BE."
    )

    def test(self, ctx: ConditionContext) -> bool:
        import holidays  # slow to load, and few flows need it

        country = ctx.render(self.country).upper() if self.country else _DEFAULT_COUNTRY
        part = ctx.render(self.sub_division).upper() if self.sub_division else None
        try:
            calendar = holidays.country_holidays(country, subdiv=part)
        except NotImplementedError as error:
            place = f"{country}-{part}" if part else country
            raise InvalidInput(f"no public holidays are known for `{place}`") from error
        return self.day(ctx) in calendar


class DateTimeBetween(DateCondition):
    """Holds after and before moments; give one or both."""

    TYPE: ClassVar[str] = f"{_HERE}.DateTimeBetween"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.DateTimeBetweenCondition",
        f"{_HERE}.DateTimeBetweenCondition",
    )

    after: datetime | None = None
    before: datetime | None = None

    def test(self, ctx: ConditionContext) -> bool:
        _need_one(self.before, self.after)
        moment = self.moment(ctx)
        return (self.after is None or moment > _zoned(self.after, moment)) and (
            self.before is None or moment < _zoned(self.before, moment)
        )


class TimeBetween(DateCondition):
    """Holds after and before times of the day, each with its offset; give one or both."""

    TYPE: ClassVar[str] = f"{_HERE}.TimeBetween"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.TimeBetweenCondition",
        f"{_HERE}.TimeBetweenCondition",
    )

    after: time | None = None
    before: time | None = None

    def test(self, ctx: ConditionContext) -> bool:
        _need_one(self.before, self.after)
        moment = self.moment(ctx)
        actual = _seconds(moment.timetz(), moment)
        after = None if self.after is None else _seconds(self.after, moment)
        before = None if self.before is None else _seconds(self.before, moment)
        return (after is None or actual > after) and (before is None or actual < before)


def _zoned(bound: datetime, beside: datetime) -> datetime:
    return bound if bound.tzinfo else bound.replace(tzinfo=beside.tzinfo)


def _need_one(before: object, after: object) -> None:
    if before is None and after is None:
        raise InvalidInput("Invalid condition with no before nor after")


def _seconds(clock: time, beside: datetime) -> float:
    """Seconds since midnight UTC of the same day, so that times of other offsets compare."""
    offset = datetime.combine(beside.date(), clock).utcoffset()
    if offset is None:
        offset = beside.utcoffset()
    own = clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6
    return own - (offset.total_seconds() if offset else 0.0)
