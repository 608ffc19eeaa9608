"""Literals: their text checked as BigQuery would, and written for DuckDB."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mainstem.localgcp.bigquery.sql.types import Type, literal

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1


class BadConstant(ValueError):  # the caller adds the position and raises its own
    """A literal whose text does not fit its type."""


def typed_constant(kind: Type, text: str) -> str:
    """A constant of a type as DuckDB SQL; raises BadConstant with BigQuery's words."""
    writer = _WRITERS.get(kind.kind)
    if writer is None:
        raise BadConstant(f'Could not cast literal "{text}" to type {kind}')
    try:
        return writer(text)
    except BadConstant:
        raise
    except (ValueError, InvalidOperation):
        raise BadConstant(_complaint(kind, text)) from None


def _complaint(kind: Type, text: str) -> str:
    return f'Could not cast literal "{text}" to type {kind}'


def integer(text: str) -> str:
    """An integer literal; one that does not fit in 64 bits is an error."""
    number = int(text, 0) if "x" in text.lower() else int(text)
    if not INT64_MIN <= number <= INT64_MAX:
        raise BadConstant(f"Invalid integer literal: {text}")
    return f"CAST({number} AS BIGINT)"


def floating(text: str) -> str:
    float(text)
    return f"CAST('{text}' AS DOUBLE)"


def _numeric(name: str, scale: int, limit: Decimal) -> Callable[[str], str]:
    def write(text: str) -> str:
        number = Decimal(text)
        if not number.is_finite() or abs(number) >= limit:
            raise BadConstant(f"Invalid {name} literal: '{text}'")
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > scale and "e" not in text.lower():
            raise BadConstant(f"Invalid {name} literal: '{text}'")
        return f"CAST('{number:f}' AS DECIMAL(38,{scale}))"

    return write


_DATE = re.compile(r"\s*(\d{4,5})-(\d{1,2})-(\d{1,2})\s*")
_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{0,6}))?"
_TIME = re.compile(_CLOCK)
_MOMENT = re.compile(
    rf"\s*(\d{{4,5}})-(\d{{1,2}})-(\d{{1,2}})(?:[ Tt]{_CLOCK})?\s*"
    r"(Z|z|[+-]\d{1,2}(?::\d{2})?|[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)?\s*"
)
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?")


def calendar_date(text: str) -> str:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(part) for part in match.groups())
    return f"CAST('{date(year, month, day).isoformat()}' AS DATE)"


def _clock(parts: tuple[str | None, ...]) -> time:
    hour, minute, second, fraction = parts
    micros = int((fraction or "0").ljust(6, "0"))
    return time(int(hour or 0), int(minute or 0), int(second or 0), micros)


def clock_time(text: str) -> str:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return f"CAST('{_clock(match.groups()).isoformat()}' AS TIME)"


def _moment(text: str) -> tuple[datetime, str | None]:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, *clock, zone = match.groups()
    naive = datetime.combine(date(int(year), int(month), int(day)), _clock(tuple(clock)))
    return naive, zone


def civil_datetime(text: str) -> str:
    naive, zone = _moment(text)
    if zone is not None:
        raise ValueError(text)
    return f"CAST('{naive.isoformat(sep=' ')}' AS TIMESTAMP)"


def instant(text: str) -> str:
    naive, zone = _moment(text)
    return f"CAST('{naive.isoformat(sep=' ')}{zone_offset(zone, naive)}' AS TIMESTAMPTZ)"


def zone_offset(zone: str | None, at: datetime) -> str:
    """The UTC offset of a zone's name or offset at a civil time, as `+HH:MM`."""
    if zone is None or zone in ("Z", "z"):
        return "+00:00"
    fixed = fixed_offset_minutes(zone)
    if fixed is None:
        try:
            offset = at.replace(tzinfo=ZoneInfo(zone)).utcoffset()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadConstant(f"Invalid time zone: {zone}") from None
        fixed = int(offset.total_seconds() // 60) if offset is not None else 0
    sign = "-" if fixed < 0 else "+"
    return f"{sign}{abs(fixed) // 60:02}:{abs(fixed) % 60:02}"


def fixed_offset_minutes(zone: str) -> int | None:
    """Minutes east of UTC for `+05:30`, or None for a name."""
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return None
    minutes = int(match.group(2)) * 60 + int(match.group(3) or 0)
    return -minutes if match.group(1) == "-" else minutes


def raw_bytes(text: str) -> str:
    """Bytes held as code points below 256."""
    return f"unhex('{text.encode('latin-1').hex()}')" if text else "CAST('' AS BLOB)"


def json_text(text: str) -> str:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise BadConstant(f"Invalid JSON literal: {error}") from None
    compact = json.dumps(parsed, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return f"CAST({literal(compact)} AS JSON)"


def boolean(text: str) -> str:
    if text.upper() not in ("TRUE", "FALSE"):
        raise ValueError(text)
    return text.upper()


_WRITERS: Final[dict[str, Callable[[str], str]]] = {
    "INT64": integer,
    "FLOAT64": floating,
    "NUMERIC": _numeric("NUMERIC", 9, Decimal(10) ** 29),
    "BIGNUMERIC": _numeric("BIGNUMERIC", 18, Decimal(10) ** 20),
    "BOOL": boolean,
    "STRING": literal,
    "BYTES": raw_bytes,
    "DATE": calendar_date,
    "DATETIME": civil_datetime,
    "TIME": clock_time,
    "TIMESTAMP": instant,
    "JSON": json_text,
}
