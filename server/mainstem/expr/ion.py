"""Amazon Ion text: written by hand to match the reference, read by the Ion library."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import (
    ZULU,
    date_text,
    fixed_offset,
    is_instant,
    offset_datetime_text,
    offset_of,
    offset_text,
    region_of,
    time_full,
)
from mainstem.expr.numbers import double_text, sized_integer

_MAX_NESTING: Final = 200
_KEYWORDS: Final = frozenset({"null", "true", "false", "nan"})


def to_ion(value: object, depth: int = 0) -> str:
    """The Ion text of a value; null entries of maps are kept."""
    if depth > _MAX_NESTING:
        raise Fault("The value is nested too deeply to be written as Ion")
    if isinstance(value, Mapping):
        items = [f"{_symbol(k)}:{to_ion(v, depth + 1)}" for k, v in list(value.items())]
        return "{" + ",".join(items) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ",".join(to_ion(item, depth + 1) for item in value) + "]"
    if isinstance(value, (datetime, date, time)):
        return _moment(value)
    return _scalar(value)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, Decimal):
        text = str(value).replace("E+", "d").replace("E", "d")
        return text if "." in text or "d" in text else text + "."
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1) / 1_000_000:.6f}000"
    raise Fault(f"A {type(value).__name__} has no Ion form")


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "+inf" if value > 0 else "-inf"
    if value == 0:
        return "-0e0" if math.copysign(1, value) < 0 else "0e0"
    text = double_text(value)
    return text if "E" in text else text.removesuffix(".0") + "e0"


def _symbol(key: object) -> str:
    name = key if isinstance(key, str) else str(key)
    plain = name.replace("_", "a").replace("$", "a")
    if name.isascii() and plain.isalnum() and not name[0].isdigit() and name not in _KEYWORDS:
        return name
    return (
        "'"
        + json.dumps(name, ensure_ascii=False)[1:-1].replace("'", "\\'").replace('\\"', '"')
        + "'"
    )


def _moment(value: datetime | date | time) -> str:
    if isinstance(value, time):
        offset = offset_text(offset_of(value)) if value.tzinfo else ""
        return f'{"OffsetTime" if value.tzinfo else "LocalTime"}::"{time_full(value)}{offset}"'
    if not isinstance(value, datetime):
        return date_text(value)
    if value.tzinfo is None:
        return f'LocalDateTime::"{date_text(value)}T{time_full(value)}"'
    if is_instant(value):
        millis = value.microsecond // 1000
        clock = f"{value.hour:02}:{value.minute:02}:{value.second:02}.{millis:03}"
        return f"{date_text(value)}T{clock}Z"
    region = region_of(value)
    zone = f"[{region}]" if region else ""
    return f'ZonedDateTime::"{offset_datetime_text(value)}{zone}"'


def from_ion(text: str, *, all_rows: bool) -> object:
    """The first value of an Ion text, or the list of all."""
    from amazon.ion import simpleion  # slow to load
    from amazon.ion.exceptions import IonException

    try:
        rows = simpleion.loads(text, single_value=False)
    except (IonException, ValueError, TypeError, KeyError) as error:
        raise Fault("The text is not Ion") from error
    plain = [_plain(row) for row in rows]
    if all_rows:
        return plain
    return plain[0] if plain else None


def _plain(value: object) -> object:
    """An Ion value as the plain type that the language knows."""
    annotations = [symbol.text for symbol in getattr(value, "ion_annotations", ())]
    if isinstance(value, str) and annotations:
        return _typed_text(annotations[0], str(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "sid"):
        return [_plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    kind = getattr(value, "ion_type", None)
    if value is None or (kind is not None and type(value).__name__ == "IonPyNull"):
        return None
    if isinstance(value, datetime):
        return _timestamp(value)
    if kind is not None and kind.name == "BOOL":
        return bool(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return sized_integer(int(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Decimal):
        return Decimal(value)
    if isinstance(value, str):
        return str(value)
    text = getattr(value, "text", None)  # a symbol
    return text if text is not None else value


def _timestamp(value: datetime) -> object:
    precision = getattr(value, "precision", None)
    offset = value.utcoffset()
    if precision is not None and getattr(precision, "name", "") in ("YEAR", "MONTH", "DAY"):
        return date(value.year, value.month, value.day)
    zone = UTC if not offset else fixed_offset(offset)
    fields = (value.year, value.month, value.day, value.hour, value.minute, value.second)
    return datetime(*fields, value.microsecond, tzinfo=zone)


def _typed_text(annotation: str | None, text: str) -> object:
    readers = {
        "Instant": datetime.fromisoformat,
        "OffsetDateTime": datetime.fromisoformat,
        "LocalDateTime": datetime.fromisoformat,
        "LocalDate": date.fromisoformat,
        "LocalTime": time.fromisoformat,
        "OffsetTime": time.fromisoformat,
    }
    if annotation == "ZonedDateTime":
        moment = datetime.fromisoformat(text.split("[", 1)[0])
        return moment.replace(tzinfo=ZULU) if not moment.utcoffset() else moment
    reader = readers.get(annotation or "")
    return text if reader is None else reader(text)
