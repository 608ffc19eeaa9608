"""Filters on dates."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, TypeVar

from mainstem.expr.arguments import a_text, an_integer, an_optional_text
from mainstem.expr.dates import format_date, to_moment
from mainstem.expr.errors import Fault
from mainstem.expr.isodates import zone_named
from mainstem.expr.numbers import Long
from mainstem.expr.runtime import Evaluation

_Day = TypeVar("_Day", date, datetime)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_UNITS: Final = {
    "NANOS": timedelta(microseconds=0),
    "MICROS": timedelta(microseconds=1),
    "MILLIS": timedelta(milliseconds=1),
    "SECONDS": timedelta(seconds=1),
    "MINUTES": timedelta(minutes=1),
    "HOURS": timedelta(hours=1),
    "HALF_DAYS": timedelta(hours=12),
}
_DAY_UNITS: Final = {"DAYS": 1, "WEEKS": 7}
_MONTH_UNITS: Final = {
    "MONTHS": 1,
    "YEARS": 12,
    "DECADES": 120,
    "CENTURIES": 1200,
    "MILLENNIA": 12000,
}


def _zone(ev: Evaluation, name: object) -> tzinfo:
    text = an_optional_text(name, "timeZone")
    return ev.options.timezone if text is None else zone_named(text)


def print_date(
    ev: Evaluation,
    value: object,
    pattern: object = None,
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    """`date`: any date in a format."""
    if value is None:
        return None
    zone = _zone(ev, time_zone)
    language = an_optional_text(locale, "locale") or ev.options.locale
    existing = an_optional_text(existing_format, "existingFormat")
    moment = to_moment(value, zone, existing, language)
    shape = an_optional_text(pattern, "format")
    return format_date(moment, "iso" if shape is None else shape, zone, language)


def date_add(  # noqa: PLR0913 - the six named arguments of the language
    ev: Evaluation,
    value: object,
    amount: object,
    unit: object,
    pattern: object = None,
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    """`dateAdd`: a date moved by an amount of a unit, then printed as `date` does."""
    if value is None:
        return None
    zone = _zone(ev, time_zone)
    language = an_optional_text(locale, "locale") or ev.options.locale
    existing = an_optional_text(existing_format, "existingFormat")
    moment = to_moment(value, zone, existing, language)
    moved = add_units(moment, an_integer(amount, "amount"), a_text(unit, "unit"))
    return print_date(ev, moved, pattern, time_zone, None, locale)


def add_units(moment: _Day, amount: int, unit: str) -> _Day:
    """A date moved by an amount of a unit, of days and longer also a date without a time."""
    try:
        if unit in _EXACT_UNITS:
            step = _EXACT_UNITS[unit] * amount
            if unit == "NANOS":
                step = timedelta(microseconds=amount // 1000)
            if not isinstance(moment, datetime) or moment.tzinfo is None:
                return moment + step
            return (moment.astimezone(UTC) + step).astimezone(moment.tzinfo)
        if unit in _DAY_UNITS:
            return moment + timedelta(days=_DAY_UNITS[unit] * amount)
        if unit in _MONTH_UNITS:
            return _add_months(moment, _MONTH_UNITS[unit] * amount)
    except (OverflowError, ValueError) as error:
        raise Fault("The date would leave the years 1 to 9999") from error
    known = ", ".join((*_EXACT_UNITS, *_DAY_UNITS, *_MONTH_UNITS))
    raise Fault(f"`{unit}` is not a unit of `dateAdd`; use one of {known}")


def _add_months(moment: _Day, months: int) -> _Day:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    for day in range(moment.day, moment.day - 4, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            if day <= 28:
                raise
    raise AssertionError(moment)


def _since_epoch(
    ev: Evaluation, value: object, time_zone: object, existing_format: object
) -> tuple[int, int]:
    existing = an_optional_text(existing_format, "existingFormat")
    moment = to_moment(value, _zone(ev, time_zone), existing, ev.options.locale)
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    return divmod(micros, 1_000_000)


def timestamp(
    ev: Evaluation, value: object, time_zone: object = None, existing_format: object = None
) -> object:
    """Whole seconds since 1970."""
    if value is None:
        return None
    return Long(_since_epoch(ev, value, time_zone, existing_format)[0])


def timestamp_milli(
    ev: Evaluation, value: object, time_zone: object = None, existing_format: object = None
) -> object:
    """Whole milliseconds since 1970."""
    if value is None:
        return None
    seconds, micros = _since_epoch(ev, value, time_zone, existing_format)
    return Long(seconds * 1000 + micros // 1000)


def timestamp_micro(
    ev: Evaluation, value: object, time_zone: object = None, existing_format: object = None
) -> object:
    """Seconds times 10^9 plus the microseconds of the second: a quirk that flows rely on."""
    if value is None:
        return None
    seconds, micros = _since_epoch(ev, value, time_zone, existing_format)
    return str(seconds * 1_000_000_000 + micros)


def timestamp_nano(
    ev: Evaluation, value: object, time_zone: object = None, existing_format: object = None
) -> object:
    """Nanoseconds since 1970."""
    if value is None:
        return None
    seconds, micros = _since_epoch(ev, value, time_zone, existing_format)
    return str(seconds * 1_000_000_000 + micros * 1000)


FILTERS_DATES: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "date": (print_date, "format timeZone existingFormat locale"),
    "dateAdd": (date_add, "amount unit format timeZone existingFormat locale"),
    "timestamp": (timestamp, "timeZone existingFormat"),
    "timestampMicro": (timestamp_micro, "timeZone existingFormat"),
    "timestampMilli": (timestamp_milli, "timeZone existingFormat"),
    "timestampNano": (timestamp_nano, "timeZone existingFormat"),
}
