"""Typed values of the key-value store: deciding a kind, checking and printing (pure).

Source: SEMANTICS.md section 11, KV.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from mainstem.errors import InvalidInput
from mainstem.expr import text_of
from mainstem.expr.errors import Fault
from mainstem.expr.ion import from_ion
from mainstem.expr.isodates import java_text
from mainstem.model.duration import format_duration, parse_duration

KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?"
)
_DURATION: Final = re.compile(r"P(?=[^T]|T.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_INTEGER: Final = re.compile(r"[+-]?\d+")


class Kind(StrEnum):
    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    DATE = "DATE"
    DURATION = "DURATION"
    JSON = "JSON"


def check_key(key: str) -> str:
    """The key; raises InvalidInput when it is not one."""
    if not KEY.fullmatch(key):
        raise InvalidInput(
            "Key must start with an alphanumeric character (uppercase or lowercase) and can "
            "contain alphanumeric characters (uppercase or lowercase), dots (.), underscores (_), "
            "and hyphens (-) only."
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
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return Kind.DURATION
    return Kind.STRING if value is None or isinstance(value, str) else Kind.JSON


def from_body(body: str) -> tuple[Kind, object]:
    """Read the body of an API call: JSON, a bare date, date-time or duration, or Ion."""
    text = body.strip()
    for pattern, kind in (
        (_DURATION, Kind.DURATION),
        (_DATETIME, Kind.DATETIME),
        (_DATE, Kind.DATE),
    ):
        if pattern.fullmatch(text):
            return kind, coerce(text, kind)
    value = _parsed(text)
    return kind_of(value), value


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        try:
            rows = from_ion(text, all_rows=True)
        except (Fault, RecursionError):
            rows = None
        if not isinstance(rows, list) or len(rows) != 1:
            raise InvalidInput(
                "the value must be JSON (text in double quotes), or a bare ISO date, date-time "
                f"or duration: {error}"
            ) from error
        return rows[0]


def kind_as(value: object, wanted: Kind) -> Kind:
    """The kind under which a value goes; one called a DATE that has a time is a DATETIME."""
    if wanted is Kind.DATE and isinstance(value, str) and _DATETIME.fullmatch(value.strip()):
        return Kind.DATETIME
    return wanted


def coerce(value: object, kind: Kind) -> object:
    """The value as its kind; raises InvalidInput when it cannot be one. Null is of any kind."""
    if value is None:
        return None
    try:
        return _COERCE[kind](value)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise InvalidInput(f"`{value}` is not a {kind.value}") from error


def encode(value: object, kind: Kind) -> object:
    """The JSON-compatible form that is stored: dates and durations by their ISO text."""
    if kind is Kind.DURATION and isinstance(value, timedelta):
        return format_duration(value)
    return _plain(value)


def decode(stored: object, kind: Kind) -> object:
    """The value of a stored form."""
    return stored if kind is Kind.JSON else coerce(stored, kind)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, (datetime, date, time, timedelta)):
        return java_text(value)
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, (int, float, Decimal)):
        return value
    text = str(value).strip()
    return int(text) if _INTEGER.fullmatch(text) else float(text)


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
    return text_of(value)


_COERCE: Final = {
    Kind.STRING: _string,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATETIME: _datetime,
    Kind.DATE: _date,
    Kind.DURATION: _duration,
    Kind.JSON: _json,
}
