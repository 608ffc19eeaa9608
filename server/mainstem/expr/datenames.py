"""The words of dates: English built in, other languages and zone names by CLDR through Babel."""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from mainstem.expr.errors import Fault

_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
# The narrow no-break space before AM and PM is what CLDR has had since version 42.
_ENGLISH_STYLES: Final = {
    "full": "EEEE, MMMM d, y 'at' h:mm:ss\u202fa zzzz",
    "long": "MMMM d, y 'at' h:mm:ss\u202fa z",
    "medium": "MMM d, y, h:mm:ss\u202fa",
    "short": "M/d/yy, h:mm\u202fa",
}


_ENGLISH_ZONES: Final = {
    "UTC": "Coordinated Universal Time",
    "Etc/UTC": "Coordinated Universal Time",
    "GMT": "Greenwich Mean Time",
}


def is_english(locale: str) -> bool:
    """Whether the built-in words serve."""
    return locale.replace("-", "_") in ("", "en", "en_US")


@lru_cache(maxsize=64)
def _cldr(locale: str) -> Any:
    from babel import Locale, UnknownLocaleError  # slow to load

    try:
        return Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise Fault(f"There is no locale `{locale}`; use one such as en, fr or de_CH") from error


def _words(locale: str, table: str, width: str, *, standalone: bool) -> dict[int, str]:
    words = getattr(_cldr(locale), table)["stand-alone" if standalone else "format"][width]
    return dict(words.items())


def month_name(month: int, width: str, locale: str, *, standalone: bool = False) -> str:
    """The month, `wide`, `abbreviated` or `narrow`."""
    if is_english(locale):
        name = _MONTHS[month - 1]
        return name if width == "wide" else name[:3] if width == "abbreviated" else name[0]
    return _words(locale, "months", width, standalone=standalone)[month]


def day_name(weekday: int, width: str, locale: str, *, standalone: bool = False) -> str:
    """The day of the week (0 is Monday)."""
    if is_english(locale):
        name = _DAYS[weekday]
        return name if width == "wide" else name[:3] if width == "abbreviated" else name[0]
    return _words(locale, "days", width, standalone=standalone)[weekday]


def half_day_name(hour: int, locale: str) -> str:
    """AM or PM."""
    half = "am" if hour < 12 else "pm"
    if is_english(locale):
        return half.upper()
    periods = _cldr(locale).day_periods["format"]["abbreviated"]
    return str(periods.get(half, half.upper()))


def era_name(width: str, locale: str) -> str:
    """The common era; years before it don't occur."""
    if is_english(locale):
        return {"wide": "Anno Domini", "abbreviated": "AD", "narrow": "A"}[width]
    return str(_cldr(locale).eras[width][1])


def quarter_name(quarter: int, width: str, locale: str) -> str:
    """`Q3` or `3rd quarter`."""
    if is_english(locale):
        if width != "wide":
            return f"Q{quarter}" if width == "abbreviated" else str(quarter)
        return f"{quarter}{('st', 'nd', 'rd', 'th')[quarter - 1]} quarter"
    return _words(locale, "quarters", width, standalone=False)[quarter]


def zone_name(value: datetime, width: str, locale: str) -> str:
    """`CEST` or `Central European Summer Time`; offsets are their own name."""
    short = value.tzname() or ""
    if width == "short" and not short.startswith(("+", "-", "UTC+", "UTC-")):
        return short
    key = getattr(value.tzinfo, "key", None)
    if key is None or ":" in key:
        return short if key or short == "UTC" else short.removeprefix("UTC")
    if is_english(locale) and key in _ENGLISH_ZONES:
        return _ENGLISH_ZONES[key]
    name = locale.replace("-", "_") or "en"
    if key in ("UTC", "Etc/UTC"):
        names = _cldr(name).time_zones.get("Etc/UTC", {}).get("long", {})
        return str(names.get("standard", _ENGLISH_ZONES["UTC"]))
    from babel.dates import get_timezone_name  # slow to load

    return str(get_timezone_name(value, width="long", locale=name))


def style_pattern(style: str, locale: str) -> str:
    """The pattern of a localized style: full, long, medium or short."""
    if is_english(locale):
        return _ENGLISH_STYLES[style]
    cldr = _cldr(locale)
    joined = str(cldr.datetime_formats[style])
    clock = cldr.time_formats[style].pattern
    day = cldr.date_formats[style].pattern
    return joined.replace("{0}", clock).replace("{1}", day)


def week_rules(locale: str) -> tuple[int, int]:
    """The first day of weeks (0 is Monday) and how many days the year's first week has at least.

    A language without a country begins its weeks on Sunday, as the reference has it.
    """
    if is_english(locale) or not _cldr(locale).territory:
        return 6, 1
    return int(_cldr(locale).first_week_day), int(_cldr(locale).min_week_days)


def names_to_numbers(kind: str, locale: str) -> dict[str, int]:
    """Every spelling of the months (from 1) or the days (Monday is 0), lower-cased."""
    name_of = month_name if kind == "month" else day_name
    numbers = range(1, 13) if kind == "month" else range(7)
    return {
        name_of(number, width, locale).lower(): number
        for width in ("abbreviated", "wide")
        for number in numbers
    }
