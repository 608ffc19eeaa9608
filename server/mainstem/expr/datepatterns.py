"""Java's DateTimeFormatter patterns for printing: `yyyy-MM-dd'T'HH:mm:ssXXX` and the like."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from mainstem.expr import datenames
from mainstem.expr.errors import Fault
from mainstem.expr.isodates import offset_of, offset_text

_LONGEST: Final = 300
_JULIAN_DAY_0: Final = 678_576
_SKIPPED: Final = "[]"
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MOST: Final = {
    **dict.fromkeys("aFW", 1),
    **dict.fromkeys("dhHkKmsVw", 2),
    "D": 3,
    **dict.fromkeys("Ozv", 4),
    **dict.fromkeys("GMLQqEecXxZ", 5),
    "S": 9,
}
_BAD_COUNTS: Final = frozenset({("V", 1), ("c", 2), ("O", 2), ("O", 3), ("v", 2), ("v", 3)})
_WIDTHS: Final = {1: "abbreviated", 2: "abbreviated", 3: "abbreviated", 4: "wide", 5: "narrow"}


@dataclass(frozen=True, slots=True)
class Field:
    """A run of one pattern letter, or literal text (letter "")."""

    letter: str
    count: int
    text: str


@lru_cache(maxsize=512)
def pattern_fields(pattern: str) -> tuple[Field, ...]:
    """Split a pattern; optional parts stay marked by `[` and `]` literals."""
    if len(pattern) > _LONGEST:
        raise Fault(f"A date pattern may have {_LONGEST} characters at most")
    fields: list[Field] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char in _LETTERS:
            end = at
            while end < len(pattern) and pattern[end] == char:
                end += 1
            fields.append(_field(char, end - at))
            at = end
        elif char == "'":
            text, at = _quoted(pattern, at)
            fields.append(Field("", 0, text))
        elif char in "{}#":
            raise Fault(f"`{char}` is reserved in date patterns; put it in quotes")
        else:
            fields.append(Field(char if char in _SKIPPED else "", 0, char))
            at += 1
    return tuple(fields)


def _field(letter: str, count: int) -> Field:
    if letter not in PRINTERS and letter != "p":
        raise Fault(f"`{letter}` is not a letter of date patterns; put text in 'quotes'")
    if count > _MOST.get(letter, 19) or (letter, count) in _BAD_COUNTS:
        problem = "Too many" if count > _MOST.get(letter, 19) else "Not the right number of"
        raise Fault(f"{problem} pattern letters `{letter}`")
    return Field(letter, count, "")


def _quoted(pattern: str, start: int) -> tuple[str, int]:
    at, text = start + 1, ""
    while at < len(pattern):
        if pattern[at] != "'":
            text += pattern[at]
            at += 1
        elif pattern.startswith("''", at):
            text += "'"
            at += 2
        else:
            return text or "'", at + 1
    raise Fault("A quote in a date pattern is never closed")


def print_pattern(value: datetime, pattern: str, locale: str) -> str:
    """The moment in the form of the pattern."""
    parts: list[str] = []
    for text, printer, count, pad in _steps(pattern):
        part = text if printer is None else printer(value, count, locale)
        parts.append(part.rjust(pad) if pad else part)
    return "".join(parts)


@lru_cache(maxsize=512)
def _steps(pattern: str) -> tuple[tuple[str, "Printer | None", int, int], ...]:
    """Per part: its text or its printer with the count of letters, and the width to pad to."""
    steps: list[tuple[str, Printer | None, int, int]] = []
    pad = 0
    for field in pattern_fields(pattern):
        if pad and field.letter in ("", "[", "]", "p"):
            raise Fault("The letter `p` of a date pattern stands before another letter")
        if field.letter == "p":
            pad = field.count
        elif field.letter not in ("[", "]"):
            steps.append((field.text, PRINTERS.get(field.letter), field.count, pad))
            pad = 0
    if pad:
        raise Fault("The letter `p` of a date pattern stands before another letter")
    return tuple(steps)


Printer: TypeAlias = Callable[[datetime, int, str], str]


def _padded(number: Callable[[datetime], int]) -> Printer:
    return lambda value, count, _: f"{number(value):0{count}}"


def _year(value: datetime, count: int, _: str) -> str:
    return f"{value.year % 100:02}" if count == 2 else f"{value.year:0{count}}"


def _month(value: datetime, count: int, locale: str) -> str:
    if count <= 2:
        return f"{value.month:0{count}}"
    return datenames.month_name(value.month, _WIDTHS[min(count, 5)], locale)


def _month_alone(value: datetime, count: int, locale: str) -> str:
    if count <= 2:
        return f"{value.month:0{count}}"
    return datenames.month_name(value.month, _WIDTHS[min(count, 5)], locale, standalone=True)


def _quarter(value: datetime, count: int, locale: str) -> str:
    quarter = (value.month + 2) // 3
    if count <= 2:
        return f"{quarter:0{count}}"
    return datenames.quarter_name(quarter, _WIDTHS[min(count, 5)], locale)


def _day_name(value: datetime, count: int, locale: str) -> str:
    return datenames.day_name(value.weekday(), _WIDTHS[min(count, 5)], locale)


def _day_number(value: datetime, count: int, locale: str) -> str:
    if count <= 2:
        number = (value.weekday() - datenames.week_rules(locale)[0]) % 7 + 1
        return f"{number:0{count}}"
    return _day_name(value, count, locale)


def _day_alone(value: datetime, count: int, locale: str) -> str:
    if count <= 2:
        return _day_number(value, count, locale)
    width = _WIDTHS[min(count, 5)]
    return datenames.day_name(value.weekday(), width, locale, standalone=True)


def _week_fields(value: date, first_day: int, least_days: int) -> tuple[int, int]:
    """Week-based year and week, for any first day of the week and any shortest first week."""
    for year in (value.year + 1, value.year, value.year - 1):
        start = date(year, 1, 1)
        back = (start.weekday() - first_day) % 7
        first_week = start - timedelta(days=back)
        if 7 - back < least_days:
            first_week += timedelta(days=7)
        if value >= first_week:
            return year, (value - first_week).days // 7 + 1
    raise AssertionError(value)


def _local_week(value: datetime, locale: str) -> tuple[int, int]:
    return _week_fields(value.date(), *datenames.week_rules(locale))


def _week_year(value: datetime, count: int, locale: str) -> str:
    year, _ = _local_week(value, locale)
    return f"{year % 100:02}" if count == 2 else f"{year:0{count}}"


def _week(value: datetime, count: int, locale: str) -> str:
    return f"{_local_week(value, locale)[1]:0{count}}"


def _week_of_month(value: datetime, count: int, locale: str) -> str:
    first_day, least_days = datenames.week_rules(locale)
    lead = (value.replace(day=1).weekday() - first_day) % 7
    week = (value.day - 1 + lead) // 7 + 1
    if 7 - lead < least_days:
        week -= 1
    return f"{week:0{count}}"


def _half_day(value: datetime, _: int, locale: str) -> str:
    return datenames.half_day_name(value.hour, locale)


def _fraction(value: datetime, count: int, _: str) -> str:
    return f"{value.microsecond * 1000:09}"[:count].ljust(count, "0")


def _era(value: datetime, count: int, locale: str) -> str:
    return datenames.era_name(_WIDTHS[min(count, 5)], locale)


def _zone_id(value: datetime, _: int, __: str) -> str:
    return getattr(value.tzinfo, "key", None) or offset_text(offset_of(value))


def _zone_name(value: datetime, count: int, locale: str) -> str:
    return datenames.zone_name(value, "long" if count == 4 else "short", locale)


def _offset(zero: str, count: int, value: datetime) -> str:
    """`X`, `x` and `Z`: hours, then minutes and seconds, by the number of letters."""
    length = offset_of(value)
    if not length and zero:
        return zero
    seconds = int(abs(length).total_seconds())
    hours, minutes, seconds = seconds // 3600, seconds % 3600 // 60, seconds % 60
    colon = ":" if count in (3, 5) else ""
    text = f"{'-' if length < timedelta(0) else '+'}{hours:02}"
    if count > 1 or minutes:
        text += f"{colon}{minutes:02}"
    return text + (f"{colon}{seconds:02}" if seconds and count >= 4 else "")


def _offset_z(value: datetime, count: int, _: str) -> str:
    if count == 4:
        return _localized_offset(value, 4, "")
    return _offset("Z", 5, value) if count == 5 else _offset("", 2, value)


def _localized_offset(value: datetime, count: int, _: str) -> str:
    length = offset_of(value)
    if not length:
        return "GMT"
    full = _offset("", 5, value)
    if count == 4:
        return "GMT" + full
    hours, _, rest = full[1:].partition(":")
    return f"GMT{full[0]}{int(hours)}" + (f":{rest}" if rest != "00" else "")


def _nanos_of_day(value: datetime) -> int:
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return seconds * 1_000_000_000 + value.microsecond * 1000


PRINTERS: Final[dict[str, Printer]] = {
    "G": _era,
    "u": _year,
    "y": _year,
    "Y": _week_year,
    "Q": _quarter,
    "q": _quarter,
    "M": _month,
    "L": _month_alone,
    "w": _week,
    "W": _week_of_month,
    "D": _padded(lambda value: value.timetuple().tm_yday),
    "d": _padded(lambda value: value.day),
    "F": _padded(lambda value: (value.day - 1) // 7 + 1),
    "g": _padded(lambda value: value.toordinal() - _JULIAN_DAY_0),
    "E": _day_name,
    "e": _day_number,
    "c": _day_alone,
    "a": _half_day,
    "h": _padded(lambda value: value.hour % 12 or 12),
    "H": _padded(lambda value: value.hour),
    "k": _padded(lambda value: value.hour or 24),
    "K": _padded(lambda value: value.hour % 12),
    "m": _padded(lambda value: value.minute),
    "s": _padded(lambda value: value.second),
    "S": _fraction,
    "A": _padded(lambda value: _nanos_of_day(value) // 1_000_000),
    "n": _padded(lambda value: value.microsecond * 1000),
    "N": _padded(_nanos_of_day),
    "V": _zone_id,
    "v": _zone_name,
    "z": _zone_name,
    "O": _localized_offset,
    "X": lambda value, count, _: _offset("Z", count, value),
    "x": lambda value, count, _: _offset("", count, value),
    "Z": _offset_z,
}
