"""Functions that ask a date for its place in the calendar."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

from mainstem.expr.arguments import an_optional_text
from mainstem.expr.dates import to_moment
from mainstem.expr.errors import Fault
from mainstem.expr.isodates import zone_named
from mainstem.expr.runtime import Evaluation

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
    return MONTHS[_moment(ev, date, zone=zone).month - 1]


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


FUNCTIONS_CALENDAR: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "dayOfMonth": (day_of_month, "date timeZone"),
    "dayOfWeek": (day_of_week, "date timeZone"),
    "hourOfDay": (hour_of_day, "date timeZone"),
    "isDateAfter": (is_date_after, "date after"),
    "isDateBefore": (is_date_before, "date before"),
    "isDateBetween": (is_date_between, "date after before"),
    "isWeekend": (is_weekend, "date timeZone"),
    "monthOfYear": (month_of_year, "date timeZone"),
}
