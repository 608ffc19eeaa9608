"""Given values to the types that inputs and outputs declare (SEMANTICS.md section 6).

What comes out is plain JSON: dates, times and durations are text in the form Java prints them,
so that an execution stores and renders the same value.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from mainstem.errors import InvalidInput
from mainstem.expr.isodates import date_text, instant_text, time_short
from mainstem.flowspec.source import load
from mainstem.model.duration import format_duration, parse_duration

_URI: Final = re.compile(
    r"[a-z]+://(?:www\.)?[-a-zA-Z0-9@:%._+~#=]{1,256}\.[a-zA-Z0-9()]{1,6}\b"
    r"(?:[-a-zA-Z0-9()@:%_+.~#?&/=]*)"
)
_INT: Final = re.compile(r"[-+]?[0-9]{1,19}")
_FLOAT: Final = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?[fFdD]?\s*")
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[-+]\d\d:?\d\d)"
)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?")


class Unfit(ValueError):
    """The value is not of the type; the text says why."""


def coerce(type_: str, value: object, item_type: str | None = None) -> object:
    """The value as its declared type holds it; raises Unfit with the reason.

    FILE and SECRET are left as text: storing and encrypting are the caller's.
    """
    if type_ in {"ARRAY", "MULTISELECT"}:
        return _list(type_, value, item_type)
    if type_ == "URI":
        if not isinstance(value, str) or not _URI.fullmatch(value):
            raise Unfit(f"Expected `URI` but received `{shown(value)}`")
        return value
    try:
        return _COERCIONS[type_](value)
    except (ValueError, TypeError, InvalidInput, OverflowError) as error:
        raise Unfit(
            f"Expected `{type_}` but received `{shown(value)}` with errors:\n```\n{error}\n```"
        ) from error


def shown(value: object) -> str:
    """A value as messages print it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)


def _list(type_: str, value: object, item_type: str | None) -> list[object]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            reason = f"Expected `{type_}` but received `{value}` with errors:\n```\n{error}\n```"
            raise Unfit(reason) from error
    if not isinstance(value, (list, tuple)):
        raise Unfit(f"Expected `{type_}` but received `{shown(value)}`")
    if item_type is None:
        return list(value)
    return [_element(item, item_type) for item in value]


def _element(value: object, item_type: str) -> object:
    try:
        return coerce(item_type, value)
    except Unfit as error:
        message = f"Unable to parse array element as `{item_type}` on `{shown(value)}`"
        raise Unfit(message) from error


def _text(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return shown(value)


def _plain_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("it must be text")
    return value


def _integer(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and _INT.fullmatch(value):
        return int(value)
    raise ValueError("it is not a whole number")


def _float(value: object) -> object:
    number = math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and _FLOAT.fullmatch(value):
        number = float(value.strip().rstrip("fFdD"))
    if not math.isfinite(number):
        raise ValueError("it is not a number")
    return number


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.lower() == "true"
    raise ValueError("it is neither true nor false")


def _instant(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return instant_text(value)
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return instant_text(read_instant(value))
    raise ValueError("it is not an instant such as 2024-01-31T08:00:00Z")


def read_instant(text: str) -> datetime:
    """The moment of an ISO date and time with its zone; nanoseconds are cut."""
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
    return datetime.fromisoformat(cut).astimezone(UTC)


def _date(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return date_text(value)
    if isinstance(value, str) and _DATE.fullmatch(value):
        return date_text(date.fromisoformat(value))
    raise ValueError("it is not a date such as 2024-01-31")


def _time(value: object) -> object:
    if isinstance(value, time):
        return time_short(value)
    if isinstance(value, str) and _TIME.fullmatch(value):
        return time_short(time.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value)))
    raise ValueError("it is not a time such as 08:00:00")


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, str):
        return format_duration(parse_duration(value))
    raise ValueError("it is not a duration such as PT5M")


def _json(value: object) -> object:
    if not isinstance(value, str):
        return value
    return json.loads(value, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _yaml(value: object) -> object:
    if not isinstance(value, str):
        return value
    source = load(value)
    if source.remarks:
        at = source.remarks[0].at
        raise ValueError(f"{source.remarks[0].message} (line {at.line}, column {at.column})")
    return source.data


_COERCIONS: Final[dict[str, Callable[[object], object]]] = {
    "STRING": _text,
    "EMAIL": _text,
    "ENUM": _text,
    "SELECT": _text,
    "SECRET": _plain_text,
    "FILE": _plain_text,
    "INT": _integer,
    "FLOAT": _float,
    "BOOLEAN": _boolean,
    "BOOL": _boolean,
    "DATETIME": _instant,
    "DATE": _date,
    "TIME": _time,
    "DURATION": _duration,
    "JSON": _json,
    "YAML": _yaml,
}
