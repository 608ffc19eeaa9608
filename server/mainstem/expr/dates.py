"""Dates in and out: whatever counts as a date becomes an aware moment, and a format prints it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from mainstem.expr import datenames
from mainstem.expr.dateparsing import offset_zone, parse_pattern
from mainstem.expr.datepatterns import print_pattern
from mainstem.expr.errors import Fault
from mainstem.expr.isodates import (
    UTC_REGION,
    date_text,
    instant_text,
    offset_of,
    offset_text,
    region_of,
    time_full,
    zone_named,
)
from mainstem.expr.numbers import type_name

STYLES: Final = frozenset({"full", "long", "medium", "short"})
_PATTERNS: Final = {
    "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
    "sql_seq": "yyyy-MM-dd HH:mm:ss",
}
_ISO: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:T(?P<h>\d{2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.(?P<f>\d{0,9}))?)?"
    r"(?P<offset>Z|[-+]\d{2}(?::?\d{2}(?::?\d{2})?)?)?(?:\[(?P<zone>[^\]]+)\])?)?",
    re.IGNORECASE,
)
_COMMON: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?(?:Z|[-+]\d\d:\d\d)", re.ASCII
)
_ZONELESS: Final = re.compile(r"[^Vvz]*\Z")
_ANY: Final = re.compile("")
_SHAPES: Final = {
    "iso_ordinal_date": re.compile(r"\d{4}-\d{3}(?!\d)", re.ASCII),
    "iso_week_date": re.compile(r"\d{4}-W\d\d-\d(?!\d)", re.ASCII),
    "iso_date": re.compile(r"\d{4}-\d\d-\d\d(?!\d)", re.ASCII),
}
_RFC: Final = "[EEE, ]d MMM yyyy HH:mm[:ss] Z"


def _with_offset(text: Callable[[datetime], str]) -> Callable[[datetime], str]:
    return lambda value: text(value) + offset_text(offset_of(value))


def _local(value: datetime) -> str:
    return f"{date_text(value)}T{time_full(value)}"


def _zoned(value: datetime) -> str:
    region = region_of(value)
    return _with_offset(_local)(value) + (f"[{region}]" if region else "")


def _ordinal(value: datetime) -> str:
    return f"{value.year:04}-{value.timetuple().tm_yday:03}"


def _week(value: datetime) -> str:
    year, week, day = value.isocalendar()
    return f"{year:04}-W{week:02}-{day}"


def _rfc_1123(value: datetime) -> str:
    offset = offset_text(offset_of(value))
    zone = "GMT" if offset == "Z" else offset.replace(":", "")[:5]
    day, month = (
        datenames.day_name(value.weekday(), "abbreviated", "en"),
        datenames.month_name(value.month, "abbreviated", "en"),
    )
    clock = f"{value.hour:02}:{value.minute:02}:{value.second:02}"
    return f"{day}, {value.day} {month} {value.year:04} {clock} {zone}"


_NAMED: Final[dict[str, Callable[[datetime], str]]] = {
    "iso_date_time": _zoned,
    "iso_zoned_date_time": _zoned,
    "iso_date": _with_offset(date_text),
    "iso_time": _with_offset(time_full),
    "iso_local_date": date_text,
    "iso_instant": instant_text,
    "iso_local_date_time": _local,
    "iso_local_time": time_full,
    "iso_offset_time": _with_offset(time_full),
    "iso_ordinal_date": _with_offset(_ordinal),
    "iso_week_date": _with_offset(_week),
    "rfc_1123_date_time": _rfc_1123,
}


def format_date(value: datetime, name: str, zone: tzinfo, locale: str) -> str:
    """Print an aware moment in a zone by a named format, a style or a pattern."""
    named_zone = zone is UTC and (name in _NAMED or name in STYLES or not _ZONELESS.match(name))
    local = value.astimezone(UTC_REGION if named_zone else zone)
    named = _NAMED.get(name)
    if named is not None:
        return named(local)
    if name in STYLES:
        return print_pattern(local, datenames.style_pattern(name, locale), locale)
    return print_pattern(local, _PATTERNS.get(name, name), locale)


def to_moment(value: object, zone: tzinfo, existing_format: str | None, locale: str) -> datetime:
    """An aware moment from a date of any kind; what has no zone is meant in `zone`."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return _in_zone(value, zone)
        return value.astimezone(zone) if value.tzinfo is UTC else value
    if isinstance(value, date):
        return datetime.combine(value, time(12), zone)
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_epoch(value, zone)
    if not isinstance(value, str):
        raise Fault(f"A date is expected but this is {type_name(value)}")
    if existing_format is None:
        return _parsed_common(value) or _parsed_iso(value, zone)
    return _parsed(value, existing_format, zone, locale)


def _in_zone(local: datetime, zone: tzinfo) -> datetime:
    """A local time in a zone; one that the clocks skip moves on by what they skip."""
    moment = local.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC).astimezone(zone)
    except OverflowError:
        return moment


def _from_epoch(seconds: int, zone: tzinfo) -> datetime:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone)
    except OverflowError as error:
        raise Fault("The number of seconds is too large for a date") from error


def _parsed_common(text: str) -> datetime | None:
    """A zoned ISO text by the fast way, or None where that way would accept too much."""
    if _COMMON.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _parsed_iso(text: str, zone: tzinfo) -> datetime:
    found = _ISO.fullmatch(text)
    if found is None:
        if text.isascii() and text.lstrip("-").isdigit() and len(text) < 14:
            return _from_epoch(int(text), zone)
        raise Fault("The text is not an ISO date; `existingFormat` names the format it has")
    try:
        day = date.fromisoformat(found["date"])
        micros = int((found["f"] or "")[:6].ljust(6, "0"))
        clock = time(int(found["h"] or 0), int(found["m"] or 0), int(found["s"] or 0), micros)
    except ValueError as error:
        raise Fault("The text looks like an ISO date but there is no such date") from error
    if found["zone"]:
        own = zone_named(found["zone"])
        if found["offset"]:
            moment = datetime.combine(day, clock, offset_zone(found["offset"]))
            return moment.astimezone(own)
        return _in_zone(datetime.combine(day, clock), own)
    if found["offset"]:
        return datetime.combine(day, clock, offset_zone(found["offset"]))
    return _in_zone(datetime.combine(day, clock), zone)


def _parsed(text: str, existing_format: str, zone: tzinfo, locale: str) -> datetime:
    if existing_format in _NAMED and existing_format != "rfc_1123_date_time":
        return _parsed_named(text, existing_format, zone)
    pattern = _RFC if existing_format == "rfc_1123_date_time" else existing_format
    if pattern in STYLES:
        pattern = datenames.style_pattern(pattern, locale)
    parts = parse_pattern(text, _PATTERNS.get(pattern, pattern), locale)
    if parts is None:
        raise Fault(f"The text doesn't have the format `{existing_format}`")
    day, clock, own = parts
    if clock is None:  # a date alone is meant where the caller says, whatever zone follows it
        return _in_zone(datetime.combine(day, time(0)), zone)
    return _in_zone(datetime.combine(day, clock), own or zone)


def _parsed_named(text: str, name: str, zone: tzinfo) -> datetime:
    try:
        if not _SHAPES.get(name, _ANY).match(text):
            raise ValueError(text)
        if name == "iso_ordinal_date":
            bare, offset = text[:8], text[8:]
            day = date(int(bare[:4]), 1, 1) + timedelta(days=int(bare[5:]) - 1)
            return datetime.combine(day, time(0), offset_zone(offset) if offset else zone)
        if name == "iso_week_date":
            bare, offset = text[:10], text[10:]
            day = date.fromisocalendar(int(bare[:4]), int(bare[6:8]), int(bare[9:]))
            return datetime.combine(day, time(0), offset_zone(offset) if offset else zone)
        if name == "iso_date" and len(text) > 10:
            return _parsed_iso(f"{text[:10]}T00:00{text[10:]}", zone)
    except ValueError as error:
        raise Fault(f"The text doesn't have the format `{name}`") from error
    if name.endswith("_time") and "date" not in name:
        raise Fault(f"A text of the format `{name}` has no date")
    return _parsed_iso(text, zone)
