"""Moments as corpus lines write them: ISO, or relative to `$now`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_RELATIVE = re.compile(
    r"\$now(?:\s*(?P<sign>[-+])(?P<amount>\d+)(?P<unit>ms|min|s|h|d))?"
    r"(?:\s+truncated to (?P<truncated>second|minute|hour|day))?"
    r"(?:\s*(?P<sign2>[-+])(?P<amount2>\d+)(?P<unit2>ms|min|s|h|d))?"
)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_TRUNCATED: dict[str, dict[str, Any]] = {
    "second": {"microsecond": 0},
    "minute": {"microsecond": 0, "second": 0},
    "hour": {"microsecond": 0, "second": 0, "minute": 0},
    "day": {"microsecond": 0, "second": 0, "minute": 0, "hour": 0},
}


def moment(text: str, now: datetime) -> datetime:
    """The moment that a text means; one without a zone is UTC."""
    found = _RELATIVE.fullmatch(text.strip())
    if found is None:
        parsed = datetime.fromisoformat(text.partition("[")[0])
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    result = now
    if found["unit"]:
        result += _shift(found["sign"], found["amount"], found["unit"])
    if found["truncated"]:
        result = result.replace(**_TRUNCATED[found["truncated"]])
    if found["unit2"]:
        result += _shift(found["sign2"], found["amount2"], found["unit2"])
    return result


def _shift(sign: str, amount: str, unit: str) -> timedelta:
    length = _UNITS[unit] * int(amount)
    return -length if sign == "-" else length


def resolved(value: Any, now: datetime) -> Any:
    """A structure with its relative moments as ISO text."""
    if isinstance(value, dict):
        return {key: resolved(item, now) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, now) for item in value]
    if isinstance(value, str) and _RELATIVE.fullmatch(value.strip()):
        return moment(value, now).isoformat()
    return value
