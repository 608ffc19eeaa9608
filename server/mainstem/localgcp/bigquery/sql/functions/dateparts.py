"""Date parts: extracting, truncating, differences and intervals."""

import re
from typing import Final

from mainstem.localgcp.bigquery.sql.binding import once_value
from mainstem.localgcp.bigquery.sql.constants import fixed_offset_minutes
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.tree import DatePart
from mainstem.localgcp.bigquery.sql.types import INT64, INTERVAL, STRING, Type
from mainstem.localgcp.bigquery.sql.values import Value

WEEKDAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MICROS: Final = {
    "MICROSECOND": 1,
    "MILLISECOND": 1000,
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}
CLOCK_PARTS: Final = frozenset({"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR"})
DATE_PARTS: Final = frozenset({"DAY", "WEEK", "ISOWEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR"})
_INTERVALS: Final = {
    "YEAR": "to_years(CAST({0} AS INTEGER))",
    "QUARTER": "to_months(CAST({0} * 3 AS INTEGER))",
    "MONTH": "to_months(CAST({0} AS INTEGER))",
    "WEEK": "to_days(CAST({0} * 7 AS INTEGER))",
    "DAY": "to_days(CAST({0} AS INTEGER))",
    "HOUR": "to_hours({0})",
    "MINUTE": "to_minutes({0})",
    "SECOND": "to_microseconds({0} * 1000000)",
    "MILLISECOND": "to_microseconds({0} * 1000)",
    "MICROSECOND": "to_microseconds({0})",
}


def interval_sql(value: Value, part: str, at: int) -> str:
    """`INTERVAL value part` for an INT64 value."""
    if part not in _INTERVALS:
        raise SqlProblem(f"A valid date part name is required but found {part}", at)
    if value.type != INT64:
        raise SqlProblem(
            f"Interval value must be coercible to INT64 type, but has type {value.type}", at
        )
    return _INTERVALS[part].format(value.sql)


_YEAR_MONTH = re.compile(r"([+-]?)(\d+)-(\d+)")
_DAY_CLOCK = re.compile(r"([+-]?\d+) ([+-]?)(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?")
_CLOCK = re.compile(r"([+-]?)(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?")
_FULL = re.compile(r"([+-]?\d+-\d+) ([+-]?\d+ .*)")


def compound_interval(value: Value, part: str, upto: str, at: int) -> Value:
    """`INTERVAL '1-2' YEAR TO MONTH` and its kin, whose text must be constant."""
    if value.constant is None or value.type != STRING:
        raise refused("an INTERVAL … TO … whose text is not a constant", at)
    sql = _compound(value.constant, part, upto)
    if sql is None:
        raise SqlProblem(f"Invalid INTERVAL value '{value.constant}'", at)
    return Value(sql, INTERVAL)


def _compound(text: str, part: str, upto: str) -> str | None:
    if (part, upto) == ("YEAR", "MONTH") and (match := _YEAR_MONTH.fullmatch(text)):
        months = int(match.group(2)) * 12 + int(match.group(3))
        return f"to_months({'-' if match.group(1) == '-' else ''}{months})"
    if (part, upto) == ("DAY", "SECOND") and (match := _DAY_CLOCK.fullmatch(text)):
        clock = _micros(match.group(2), match.groups()[2:])
        return f"(to_days({int(match.group(1))}) + to_microseconds({clock}))"
    if (part, upto) == ("HOUR", "SECOND") and (match := _CLOCK.fullmatch(text)):
        return f"to_microseconds({_micros(match.group(1), match.groups()[1:])})"
    if (part, upto) == ("YEAR", "SECOND") and (match := _FULL.fullmatch(text)):
        years = _compound(match.group(1), "YEAR", "MONTH")
        rest = _compound(match.group(2), "DAY", "SECOND")
        return f"({years} + {rest})" if years and rest else None
    return None


def _micros(sign: str, clock: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, fraction = clock
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    total = whole * 1_000_000 + int((fraction or "").ljust(6, "0"))
    return -total if sign == "-" else total


# ---- time zones ---------------------------------------------------------------------------


def to_civil(moment: str, zone: Value | None) -> str:
    """A TIMESTAMP as the wall clock of a zone: DuckDB's TIMESTAMP."""
    if zone is None:
        return f"timezone('UTC', {moment})"
    minutes = fixed_offset_minutes(zone.constant) if zone.constant is not None else None
    if minutes is not None:
        return f"(timezone('UTC', {moment}) + to_minutes({minutes}))"
    return f"timezone({zone.sql}, {moment})"


def from_civil(civil: str, zone: Value | None) -> str:
    """A wall clock of a zone as a TIMESTAMP."""
    if zone is None:
        return f"timezone('UTC', {civil})"
    minutes = fixed_offset_minutes(zone.constant) if zone.constant is not None else None
    if minutes is not None:
        return f"timezone('UTC', {civil} - to_minutes({minutes}))"
    return f"timezone({zone.sql}, {civil})"


# ---- extraction ---------------------------------------------------------------------------

_EXTRACT: Final = {
    "YEAR": "year({0})",
    "QUARTER": "quarter({0})",
    "MONTH": "month({0})",
    "DAY": "day({0})",
    "DAYOFWEEK": "dayofweek({0}) + 1",
    "DAYOFYEAR": "dayofyear({0})",
    "ISOWEEK": "weekofyear({0})",
    "ISOYEAR": "isoyear({0})",
    "HOUR": "hour({0})",
    "MINUTE": "minute({0})",
    "SECOND": "second({0})",
    "MILLISECOND": "millisecond({0}) % 1000",
    "MICROSECOND": "microsecond({0}) % 1000000",
}
_OF_INTERVAL: Final = {
    "YEAR": "date_part('year', {0})",
    "MONTH": "date_part('month', {0})",
    "DAY": "date_part('day', {0})",
    "HOUR": "date_part('hour', {0})",
    "MINUTE": "date_part('minute', {0})",
    "SECOND": "date_part('second', {0})",
    "MILLISECOND": "date_part('millisecond', {0}) % 1000",
    "MICROSECOND": "date_part('microsecond', {0}) % 1000000",
}


def extract(part: DatePart, value: Value, zone: Value | None, at: int) -> Value:
    """EXTRACT(part FROM value [AT TIME ZONE zone])."""
    kind = value.type.kind
    if zone is not None and kind != "TIMESTAMP":
        raise SqlProblem(f"EXTRACT from type {kind} does not support AT TIME ZONE", at)
    source = to_civil(value.sql, zone) if kind == "TIMESTAMP" else value.sql
    if part.name in ("DATE", "DATETIME", "TIME") and kind in ("TIMESTAMP", "DATETIME"):
        target = Type(part.name)
        return Value(f"CAST({source} AS {target.duckdb()})", target)
    sql = _extract_sql(part, source, kind)
    if sql is None:
        raise SqlProblem(f"EXTRACT from type {kind} does not support the {part.name} date part", at)
    return Value(f"CAST({sql} AS BIGINT)", INT64)


def _extract_sql(part: DatePart, source: str, kind: str) -> str | None:
    if kind == "INTERVAL":
        template = _OF_INTERVAL.get(part.name)
        return None if template is None else template.format(source)
    if kind not in ("DATE", "DATETIME", "TIMESTAMP", "TIME"):
        return None
    if (kind == "DATE" and part.name in CLOCK_PARTS) or (
        kind == "TIME" and part.name not in CLOCK_PARTS
    ):
        return None
    if part.name == "WEEK":
        weekday = part.weekday or "SUNDAY"
        return once_value(source, lambda name: week_number(name, weekday))
    template = _EXTRACT.get(part.name)
    return None if template is None else template.format(source)


def week_number(source: str, weekday: str) -> str:
    """Weeks since the first such weekday of the year; the days before it are week 0."""
    shift = WEEKDAYS.index(weekday)
    return f"(dayofyear({source}) + 6 - (isodow({source}) + 6 - {shift}) % 7) // 7"


# ---- truncation ---------------------------------------------------------------------------


def week_start(weekday: str, at: int) -> int:
    """Days between Monday and the first day of such weeks."""
    if weekday not in WEEKDAYS:
        raise SqlProblem(f"A valid date part argument for WEEK is required but found {weekday}", at)
    return WEEKDAYS.index(weekday)


def truncate(civil: str, part: DatePart) -> str:
    """A DATE or wall clock cut down to the start of its part, as DuckDB's TIMESTAMP."""
    if part.name in ("WEEK", "ISOWEEK"):
        weekday = "MONDAY" if part.name == "ISOWEEK" else part.weekday or "SUNDAY"
        shift = week_start(weekday, part.at)
        if shift == 0:
            return f"date_trunc('week', {civil})"
        moved = f"date_trunc('week', {civil} - to_days({shift}))"
        return f"({moved} + to_days({shift}))"
    if part.name == "ISOYEAR":
        return f"date_trunc('week', make_date(isoyear({civil}), 1, 4))"
    if part.name not in DATE_PARTS | CLOCK_PARTS:
        raise SqlProblem(f"A valid date part name is required but found {part.name}", part.at)
    return f"date_trunc('{part.name.lower()}', {civil})"


# ---- differences --------------------------------------------------------------------------


def boundaries(end: str, start: str, part: DatePart) -> str:
    """How many starts of a part lie between two dates or wall clocks."""
    if part.name in ("WEEK", "ISOWEEK"):
        a, b = truncate(end, part), truncate(start, part)
        return f"(date_diff('day', {b}, {a}) // 7)"
    if part.name == "ISOYEAR":
        return f"CAST(isoyear({end}) - isoyear({start}) AS BIGINT)"
    if part.name not in DATE_PARTS | CLOCK_PARTS:
        raise SqlProblem(f"A valid date part name is required but found {part.name}", part.at)
    return f"date_diff('{part.name.lower()}', {start}, {end})"


def elapsed(end: str, start: str, part: DatePart) -> str:
    """How many whole parts have passed between two timestamps, towards zero."""
    if part.name not in MICROS:
        raise SqlProblem(f"TIMESTAMP_DIFF does not support the {part.name} date part", part.at)
    return f"((epoch_us({end}) - epoch_us({start})) // {MICROS[part.name]})"
