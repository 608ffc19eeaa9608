"""The ISO texts of Java's date types, for their Python counterparts.

| Java | Python |
|---|---|
| Instant | aware datetime whose zone is exactly `datetime.UTC` |
| ZonedDateTime, OffsetDateTime | any other aware datetime; `ZULU` is the zone of offset zero |
| LocalDateTime, LocalDate, LocalTime, Duration | naive datetime, date, time, timedelta |
"""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.model.duration import format_duration

ZULU: Final = timezone(timedelta(0), "Z")


class NamedOffset(tzinfo):
    """A region of one constant offset, such as `UTC` or `GMT+03:00`, which keeps its name."""

    def __init__(self, key: str, length: timedelta) -> None:
        self.key = key
        self._length = length

    def utcoffset(self, _: datetime | None) -> timedelta:
        """The offset."""
        return self._length

    def dst(self, _: datetime | None) -> timedelta:
        """No daylight saving time."""
        return timedelta(0)

    def tzname(self, _: datetime | None) -> str:
        """The name of the region."""
        return self.key

    def __reduce__(self) -> tuple[type, tuple[str, timedelta]]:
        return (NamedOffset, (self.key, self._length))


UTC_REGION: Final = NamedOffset("UTC", timedelta(0))


def is_instant(value: datetime) -> bool:
    """Whether the moment has no zone of its own."""
    return value.tzinfo is UTC


def zone_named(name: str) -> tzinfo:
    """A zone by region (`Europe/Paris`), offset (`+02:00`, `GMT+2`) or `Z`."""
    offset = _offset(name)
    if offset is not None:
        return offset
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Fault(
            f"There is no time zone `{name}`; use a region such as Europe/Paris or an offset"
        ) from error


def _offset(name: str) -> tzinfo | None:
    if name in ("Z", "z"):
        return ZULU
    if name == "UT":
        return NamedOffset(name, timedelta(0))
    prefix = next((p for p in ("UTC", "GMT", "UT") if name.startswith(p)), "")
    text = name[len(prefix) :]
    if text[:1] not in ("+", "-") or not text[1:].replace(":", "").isdigit():
        return None
    parts = text[1:].split(":") if ":" in text else _halves(text[1:])
    hours, minutes, seconds = (*map(int, parts), 0, 0)[:3]
    if hours > 18 or minutes > 59 or seconds > 59:
        return None
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    length = -length if text[0] == "-" else length
    if abs(length) > timedelta(hours=18):
        return None
    if prefix:
        return NamedOffset(prefix + offset_text(length).replace("Z", ""), length)
    return fixed_offset(length)


def _halves(digits: str) -> list[str]:
    return [digits] if len(digits) <= 2 else [digits[i : i + 2] for i in range(0, len(digits), 2)]


def fixed_offset(length: timedelta) -> tzinfo:
    """The zone of a constant distance from UTC."""
    return timezone(length) if length else ZULU


def offset_of(value: datetime | time) -> timedelta:
    """The distance from UTC, zero for a local one."""
    return value.utcoffset() or timedelta(0)


def offset_text(length: timedelta) -> str:
    """`Z`, `+02:00` or `-03:30:15`."""
    if not length:
        return "Z"
    seconds = int(abs(length).total_seconds())
    text = f"{'-' if length < timedelta(0) else '+'}{seconds // 3600:02}:{seconds % 3600 // 60:02}"
    return text + (f":{seconds % 60:02}" if seconds % 60 else "")


def region_of(value: datetime) -> str:
    """The zone's region name, or "" for a plain offset."""
    return (getattr(value.tzinfo, "key", "") or "") if value.tzinfo else ""


def date_text(value: date) -> str:
    """`2024-02-29`."""
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


def time_full(value: time | datetime) -> str:
    """`10:15:00.5`: seconds always, fraction as short as possible."""
    fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
    return f"{value.hour:02}:{value.minute:02}:{value.second:02}{fraction}"


def time_short(value: time | datetime) -> str:
    """`10:15`, `10:15:30`, `10:15:30.500`: as Java's toString, in groups of three digits."""
    text = f"{value.hour:02}:{value.minute:02}"
    if value.second or value.microsecond:
        text += f":{value.second:02}{_grouped(value.microsecond)}"
    return text


def _grouped(micros: int) -> str:
    if not micros:
        return ""
    return f".{micros // 1000:03}" if micros % 1000 == 0 else f".{micros:06}"


def instant_text(value: datetime) -> str:
    """`2024-02-29T10:15:00.500Z` of any aware datetime."""
    at = value.astimezone(UTC)
    clock = f"{at.hour:02}:{at.minute:02}:{at.second:02}"
    return f"{date_text(at)}T{clock}{_grouped(at.microsecond)}Z"


def offset_datetime_text(value: datetime) -> str:
    """ISO offset date-time with seconds, as JSON and Ion hold it."""
    return f"{date_text(value)}T{time_full(value)}{offset_text(offset_of(value))}"


def java_text(value: datetime | date | time | timedelta) -> str:
    """The text a template prints for a date, time or duration."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, time):
        return time_short(value) + (offset_text(offset_of(value)) if value.tzinfo else "")
    if not isinstance(value, datetime):
        return date_text(value)
    if value.tzinfo is None:
        return f"{date_text(value)}T{time_short(value)}"
    if is_instant(value):
        return instant_text(value)
    region = region_of(value)
    suffix = f"[{region}]" if region else ""
    return f"{date_text(value)}T{time_short(value)}{offset_text(offset_of(value))}{suffix}"


def json_text(value: datetime | date | time | timedelta, zone: tzinfo) -> str:
    """The JSON of a date: zoned ones move to the server's zone; durations are seconds."""
    if isinstance(value, timedelta):
        if not value:
            return "0.0"
        micros = value // timedelta(microseconds=1)
        sign = "-" if micros < 0 else ""
        return f"{sign}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000:06}000"
    return f'"{json_date(value, zone)}"'


def json_date(value: datetime | date | time, zone: tzinfo) -> str:
    """The text inside the quotes of a date in JSON."""
    if isinstance(value, time):
        return time_full(value) + (offset_text(offset_of(value)) if value.tzinfo else "")
    if not isinstance(value, datetime):
        return date_text(value)
    if value.tzinfo is None:
        return f"{date_text(value)}T{time_full(value)}"
    if is_instant(value):
        return instant_text(value)
    return offset_datetime_text(value.astimezone(zone))
