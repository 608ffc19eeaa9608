"""Java's DateTimeFormatter patterns for reading: a pattern becomes a regular expression."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from mainstem.expr import datenames
from mainstem.expr.datepatterns import Field, pattern_fields
from mainstem.expr.errors import Fault
from mainstem.expr.isodates import fixed_offset, zone_named

_NUMERIC: Final = frozenset("uyYQqMLwWDdFhHkKmsSAnNec")
_NAMED: Final = {"M": "month", "L": "month", "E": "day", "e": "day", "c": "day"}
_OFFSET: Final = r"(?:Z|[-+]\d{2}(?::?\d{2}(?::?\d{2})?)?)"
_GMT: Final = r"GMT(?:[-+]\d{1,2}(?::?\d{2})?)?"
_ZONE: Final = r"[A-Za-z][A-Za-z0-9_+\-/]*(?:[-+]\d{1,2}(?::\d{2})?)?|[-+]\d{2}:?\d{2}"
_ZONE_REGEX: Final = {
    "X": _OFFSET,
    "x": _OFFSET,
    "Z": f"{_OFFSET}|{_GMT}",
    "O": _GMT,
    **dict.fromkeys("Vzv", _ZONE),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """The regular expression of a pattern and the letter behind each of its groups."""

    regex: re.Pattern[str]
    letters: tuple[str, ...]
    locale: str

    def read(self, text: str) -> dict[str, str] | None:
        """The fields of a text by their letters, or None if it doesn't match."""
        found = self.regex.fullmatch(text)
        if found is None:
            return None
        pairs = zip(self.letters, found.groups(), strict=True)
        return {letter: value for letter, value in pairs if value is not None}


@lru_cache(maxsize=128)
def reader_of(pattern: str, locale: str) -> Reader:
    """The reader of a pattern."""
    fields = pattern_fields(pattern)
    parts: list[str] = []
    letters: list[str] = []
    for index, field in enumerate(fields):
        if field.letter == "":
            parts.append(re.escape(field.text))
        elif field.letter == "[":
            parts.append("(?:")
        elif field.letter == "]":
            parts.append(")?")
        elif field.letter == "p":
            parts.append(r"\s*")
        else:
            following = fields[index + 1].letter if index + 1 < len(fields) else ""
            parts.append(f"({_field_regex(field, locale, adjacent=following in _NUMERIC)})")
            letters.append(field.letter)
    open_parts = parts.count("(?:") - parts.count(")?")
    try:
        regex = re.compile("".join(parts) + ")?" * open_parts, re.IGNORECASE)
    except re.error as error:
        raise Fault("The date pattern has unmatched brackets") from error
    return Reader(regex, tuple(letters), locale)


def _field_regex(field: Field, locale: str, *, adjacent: bool) -> str:
    letter, count = field.letter, field.count
    if letter in _NAMED and count > 2 - (letter == "E") * 2:
        names = datenames.names_to_numbers(_NAMED[letter], locale)
        return "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    if letter in "uyY":
        return r"\d{2}" if count == 2 else rf"\d{{{count}}}" if adjacent else rf"\d{{{count},9}}"
    if letter == "S":
        return rf"\d{{{count}}}"
    if letter in _NUMERIC:
        return rf"\d{{{count}}}" if count > 1 else r"\d{1,19}" if letter in "AnN" else r"\d{1,3}"
    if letter == "a":
        halves = {datenames.half_day_name(hour, locale) for hour in (1, 13)} | {"AM", "PM"}
        return "|".join(map(re.escape, halves))
    return _ZONE_REGEX.get(letter, ".+?")


def parse_pattern(
    text: str, pattern: str, locale: str
) -> tuple[date, time | None, tzinfo | None] | None:
    """Date, time and zone that a text has by a pattern, or None if it doesn't match."""
    reader = reader_of(pattern, locale)
    fields = reader.read(text)
    if fields is None:
        return None
    try:
        day = _date(fields, locale)
        return (day, _time(fields), _zone(fields)) if day else None
    except (ValueError, OverflowError):
        return None


def _date(fields: dict[str, str], locale: str) -> date | None:
    if {"Y", "w"} <= fields.keys() and fields.keys() & {"e", "c"}:
        return _week_date(fields, locale)
    year_text = fields.get("y") or fields.get("u")
    if year_text is None:
        return None
    year = int(year_text) + (2000 if len(year_text) == 2 else 0)
    if "D" in fields:
        return date(year, 1, 1) + timedelta(days=int(fields["D"]) - 1)
    month_text = fields.get("M") or fields.get("L")
    if month_text is None or "d" not in fields:
        return None
    month = (
        int(month_text)
        if month_text.isdigit()
        else datenames.names_to_numbers("month", locale)[month_text.lower()]
    )
    day = _clamped(year, month, int(fields["d"]))
    name = fields.get("E", "").lower()
    if name and datenames.names_to_numbers("day", locale).get(name) != day.weekday():
        return None
    return day


def _clamped(year: int, month: int, day: int) -> date:
    """A 31st of a shorter month is that month's last day."""
    if 28 < day <= 31:
        day = min(day, calendar.monthrange(year, month)[1])
    return date(year, month, day)


def _week_date(fields: dict[str, str], locale: str) -> date | None:
    """The day of a week-based year, by the rules of the language."""
    first_day, least_days = datenames.week_rules(locale)
    start = date(int(fields["Y"]), 1, 1)
    back = (start.weekday() - first_day) % 7
    first_week = start - timedelta(days=back)
    if 7 - back < least_days:
        first_week += timedelta(days=7)
    day = fields.get("e") or fields.get("c") or ""
    if not day.isdigit() or not 1 <= int(day) <= 7:
        return None
    return first_week + timedelta(days=7 * (int(fields["w"]) - 1) + int(day) - 1)


def _time(fields: dict[str, str]) -> time | None:
    if "N" in fields:
        return _clock(int(fields["N"]) // 1000)
    if "A" in fields:
        return _clock(int(fields["A"]) * 1000)
    hour = _hour(fields)
    if hour is None:
        return None
    micros = int(fields["S"][:6].ljust(6, "0")) if "S" in fields else 0
    if "n" in fields:
        micros = int(fields["n"]) // 1000
    return time(hour, int(fields.get("m", 0)), int(fields.get("s", 0)), micros)


def _clock(micros: int) -> time:
    seconds, micros = divmod(micros, 1_000_000)
    return time(seconds // 3600, seconds % 3600 // 60, seconds % 60, micros)


def _hour(fields: dict[str, str]) -> int | None:
    if "H" in fields:
        return int(fields["H"])
    if "k" in fields:
        return int(fields["k"]) % 24
    half = fields.get("h") or fields.get("K")
    if half is None or "a" not in fields:
        return None
    return int(half) % 12 + (12 if fields["a"].lower().startswith("p") else 0)


def _zone(fields: dict[str, str]) -> tzinfo | None:
    named = next((fields[letter] for letter in "Vzv" if letter in fields), None)
    if named:
        return zone_named(named)
    offset = next((fields[letter] for letter in "XxZO" if letter in fields), None)
    return offset_zone(offset) if offset else None


def offset_zone(text: str) -> tzinfo:
    """The zone of `Z`, `GMT`, `+02`, `+0200`, `+02:00`."""
    bare = text.upper().removeprefix("GMT")
    if bare in ("", "Z"):
        return fixed_offset(timedelta(0))
    digits = bare[1:].replace(":", "").ljust(6, "0")
    if len(bare.split(":")[0]) == 2:
        digits = ("0" + bare[1:].replace(":", "")).ljust(6, "0")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6]))
    return fixed_offset(-length if bare[0] == "-" else length)
