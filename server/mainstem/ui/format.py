"""Values in the words of a reader: durations, ages, sizes, numbers, moments."""

import json
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_BYTES: Final = ("B", "kB", "MB", "GB", "TB", "PB")
_NOTHING: Final = "–"


def duration(length: timedelta | float | None) -> str:
    """Two units at most: `340 ms`, `4.2 s`, `3 min 05 s`, `2 h 14 min`, `3 d 4 h`."""
    if length is None:
        return _NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return _long_duration(whole)


def _long_duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def age(at: datetime | None, now: datetime) -> str:
    """How far away a moment is: `just now`, `4 min ago`, `in 2 h`, and the date after a week."""
    if at is None:
        return _NOTHING
    seconds = (now - at).total_seconds()
    distance = abs(seconds)
    if distance < 5:
        return "just now"
    if distance >= 7 * 86_400:
        return at.strftime("%Y-%m-%d")
    text = _rough(distance)
    return f"{text} ago" if seconds > 0 else f"in {text}"


def distance(at: datetime, now: datetime) -> str:
    """How far away a moment is, however far: `in 38 d`, `2 h ago`."""
    seconds = (now - at).total_seconds()
    text = _rough(abs(seconds))
    return f"{text} ago" if seconds > 0 else f"in {text}"


def own_zone(at: datetime) -> str:
    """A moment in the zone it carries, named: `2026-12-01 09:00 EST`."""
    return at.strftime("%Y-%m-%d %H:%M %Z")


def _rough(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def moment(at: datetime | None, zone: tzinfo = UTC, *, seconds: bool = True) -> str:
    """A moment in the reader's zone: `2026-11-23 07:16:02`."""
    if at is None:
        return _NOTHING
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def clock(at: datetime, zone: tzinfo = UTC) -> str:
    """The time of day with milliseconds, as a log shows it."""
    local = at.astimezone(zone)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def iso(at: datetime | None) -> str:
    """The machine's form for a `datetime` attribute."""
    if at is None:
        return ""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def size(count: float | None) -> str:
    """Bytes in decimal units: `912 B`, `3.4 MB`."""
    if count is None:
        return _NOTHING
    amount = float(count)
    for unit in _BYTES:
        if abs(amount) < 1000 or unit == _BYTES[-1]:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("the last unit always answers")


def number(value: float | None) -> str:
    """Grouped by thin spaces; fractions keep three significant digits."""
    if value is None:
        return _NOTHING
    if float(value).is_integer():
        return f"{int(value):,}".replace(",", " ")
    if abs(value) >= 100:
        return f"{value:,.1f}".replace(",", " ")
    return f"{value:.3g}"


def percent(part: float, whole: float) -> str:
    """A share that never claims 100 % while something is missing."""
    if not whole:
        return _NOTHING
    share = 100 * part / whole
    if 99.5 <= share < 100:
        return "99 %" if share < 99.95 else "99.9 %"
    return f"{share:.0f} %"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 flow`, `3 flows`; irregular plurals are given."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def short_commit(commit: str | None) -> str:
    """The first eight characters of a commit."""
    return commit[:8] if commit else _NOTHING


def value(content: object) -> str:
    """A small value as one line of text: text as it is, everything else as JSON."""
    return content if isinstance(content, str) else json.dumps(content, default=str)


def pretty(content: object) -> str:
    """A value as indented JSON, for reading."""
    if isinstance(content, str):
        return content
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)
