"""Functions that ask a date for its place in the calendar."""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

from mainstem.expr.arguments import a_text, an_optional_text
from mainstem.expr.dates import to_moment
from mainstem.expr.errors import Fault
from mainstem.expr.isodates import zone_named
from mainstem.expr.runtime import Evaluation

_PLACES: Final = ("FIRST", "SECOND", "THIRD", "FOURTH")
DAYS: Final = (
    "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY",
)  # fmt: skip
MONTHS: Final = (
    "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE",
    "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER",
)  # fmt: skip


def _moment(ev: Evaluation, value: object, name: str = "date", zone: object = None) -> datetime:
    if value is None:
        raise Fault(f"`{name}` must be a date but is null")
    text = an_optional_text(zone, "timeZone")
    wanted: tzinfo = ev.options.timezone if text is None else zone_named(text)
    moment = to_moment(value, wanted, None, ev.options.locale)
    return moment if text is None else moment.astimezone(wanted)


def day_of_week(ev: Evaluation, date: object, zone: object = None) -> object:
    return DAYS[_moment(ev, date, zone=zone).weekday()]


def day_of_month(ev: Evaluation, date: object, zone: object = None) -> object:
    return _moment(ev, date, zone=zone).day


def month_of_year(ev: Evaluation, date: object, zone: object = None) -> object:
    return _moment(ev, date, zone=zone).month


def hour_of_day(ev: Evaluation, date: object, zone: object = None) -> object:
    return _moment(ev, date, zone=zone).hour


def is_weekend(ev: Evaluation, date: object, zone: object = None) -> object:
    return _moment(ev, date, zone=zone).weekday() >= 5


def is_date_after(ev: Evaluation, date: object, after: object) -> object:
    return _moment(ev, date).astimezone(UTC) > _moment(ev, after, "after").astimezone(UTC)


def is_date_before(ev: Evaluation, date: object, before: object) -> object:
    return _moment(ev, date).astimezone(UTC) < _moment(ev, before, "before").astimezone(UTC)


def is_date_between(ev: Evaluation, date: object, after: object, before: object) -> object:
    return is_date_after(ev, date, after) and is_date_before(ev, date, before)


def is_day_week_in_month(ev: Evaluation, date: object, day: object, position: object) -> object:
    """Whether a date is the first, second, third, fourth or last such weekday of its month."""
    moment = _moment(ev, date)
    place = a_text(position, "position").upper()
    if place not in (*_PLACES, "LAST"):
        raise Fault(f"`position` must be one of {', '.join(_PLACES)} or LAST")
    if moment.weekday() != _weekday(a_text(day, "dayOfWeek"), "dayOfWeek"):
        return False
    if place == "LAST":
        return moment.day + 7 > calendar.monthrange(moment.year, moment.month)[1]
    return (moment.day - 1) // 7 == _PLACES.index(place)


def is_last_working_day(ev: Evaluation, date: object, working_days: object = None) -> object:
    """Whether no later day of the month is a working day; those are Monday to Friday."""
    moment = _moment(ev, date)
    names = re.split(r"[,\s]+", (an_optional_text(working_days, "workingDays") or "").strip())
    working = {_weekday(name, "workingDays") for name in names if name} or set(range(5))
    last = calendar.monthrange(moment.year, moment.month)[1]
    later = {(moment.weekday() + n) % 7 for n in range(1, last - moment.day + 1)}
    return moment.weekday() in working and not later & working


def _weekday(name: str, argument: str) -> int:
    if name.upper() not in DAYS:
        raise Fault(f"`{argument}` must be of {', '.join(DAYS)}")
    return DAYS.index(name.upper())


def is_public_holiday(ev: Evaluation, date: object, country: object, part: object = None) -> object:
    """By the calendar of a country (`FR`), or of a part of it (`DE-BY` or `BY`)."""
    import holidays  # slow to load, and few flows need it

    day = _moment(ev, date).date()
    code = a_text(country, "countryCode").upper()
    region = (an_optional_text(part, "subDivision") or "").upper().removeprefix(f"{code}-")
    try:
        return day in holidays.country_holidays(code, subdiv=region or None)
    except NotImplementedError as error:
        raise Fault(f"No public holidays are known for `{code} {region}`".rstrip()) from error


FUNCTIONS_CALENDAR: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "dayOfMonth": (day_of_month, "date timeZone"),
    "dayOfWeek": (day_of_week, "date timeZone"),
    "hourOfDay": (hour_of_day, "date timeZone"),
    "isDayWeekInMonth": (is_day_week_in_month, "date dayOfWeek position"),
    "isLastWorkingDay": (is_last_working_day, "date workingDays"),
    "isPublicHoliday": (is_public_holiday, "date countryCode subDivision"),
    "isDateAfter": (is_date_after, "date after"),
    "isDateBefore": (is_date_before, "date before"),
    "isDateBetween": (is_date_between, "date after before"),
    "isWeekend": (is_weekend, "date timeZone"),
    "monthOfYear": (month_of_year, "date timeZone"),
}
