"""Typed values of the key-value store: deciding a kind, checking and printing (pure).

Source: SEMANTICS.md section 11, KV.
"""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from mainstem.errors import InvalidInput
from mainstem.model.duration import format_duration, parse_duration

KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?"
)
_DURATION: Final = re.compile(r"P(?=[\dT])[\dDTHMS.]+", re.IGNORECASE)


class Kind(StrEnum):
    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    DATE = "DATE"
    DURATION = "DURATION"
    JSON = "JSON"


def check_key(key: str) -> str:
    """Raises InvalidInput for a key that is not letters, digits, dots, underscores, hyphens."""
    if not KEY.fullmatch(key):
        raise InvalidInput(
            f"Key '{key}' is not valid: it must start with a letter or digit and hold only "
            "letters, digits, `.`, `_` and `-`"
        )
    return key


def kind_of(value: object) -> Kind:
    """The kind of a value that came without one."""
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, (int, float, Decimal)):
        return Kind.NUMBER
    if isinstance(value, datetime):
        return Kind.DATETIME
    if isinstance(value, date):
        return Kind.DATE
    if isinstance(value, timedelta):
        return Kind.DURATION
    return Kind.STRING if isinstance(value, str) else Kind.JSON


def from_body(body: str) -> tuple[Kind, object]:
    """Read the body of an API call: JSON, or a bare date, date-time or duration."""
    text = body.strip()
    for pattern, kind in (
        (_DURATION, Kind.DURATION),
        (_DATETIME, Kind.DATETIME),
        (_DATE, Kind.DATE),
    ):
        if pattern.fullmatch(text):
            return kind, coerce(text, kind)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            "the value must be JSON (text in double quotes), or a bare ISO date, date-time "
            f"or duration: {error}"
        ) from error
    return kind_of(value), value


def coerce(value: object, kind: Kind) -> object:
    """The value as its kind; raises InvalidInput when it cannot be one."""
    try:
        return _COERCE[kind](value)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise InvalidInput(f"`{value}` is not a {kind.value}") from error


def encode(value: object, kind: Kind) -> object:
    """The JSON-compatible form that is stored."""
    if kind is Kind.DATETIME and isinstance(value, datetime):
        return value.isoformat()
    if kind is Kind.DATE and isinstance(value, date):
        return value.isoformat()
    if kind is Kind.DURATION and isinstance(value, timedelta):
        return format_duration(value)
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, (int, float)):
        return value
    text = str(value).strip()
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).strip().lower()]


def _datetime(value: object) -> object:
    if isinstance(value, datetime):
        return value
    moment = datetime.fromisoformat(str(value).strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return date.fromisoformat(str(value).strip())


def _duration(value: object) -> object:
    return value if isinstance(value, timedelta) else parse_duration(str(value))


def _json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


def _string(value: object) -> object:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (dict, list, bool)) else str(value)


_COERCE: Final = {
    Kind.STRING: _string,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATETIME: _datetime,
    Kind.DATE: _date,
    Kind.DURATION: _duration,
    Kind.JSON: _json,
}
