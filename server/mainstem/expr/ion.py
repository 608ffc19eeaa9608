"""Amazon Ion text: written by hand to match the reference, read by the Ion library."""

import base64
import io
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import (
    ZULU,
    date_text,
    fixed_offset,
    is_instant,
    json_text,
    offset_datetime_text,
    offset_of,
    offset_text,
    region_of,
    time_full,
    zone_named,
)
from mainstem.expr.numbers import double_text, sized_integer
from mainstem.expr.printing import Entry

_MAX_NESTING: Final = 200
_MOST_TEXT: Final = 10_000_000
_ESCAPES: Final = {
    "\0": "\\0",
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\\": "\\\\",
}
_SPECIAL: Final = re.compile(r"[\x00-\x1f\\\x7f-\x9f]")
_KEYWORDS: Final = frozenset({"null", "true", "false", "nan"})


def to_ion(value: object) -> str:
    """The Ion text of a value; null entries of maps are kept."""
    parts: list[str] = []
    _Writer(parts.append).write(value, 0)
    return "".join(parts)


class _Writer:
    def __init__(self, put: Callable[[str], None]) -> None:
        self._put = put
        self._left = _MOST_TEXT

    def write(self, value: object, depth: int) -> None:
        """Append the text of one value."""
        if depth > _MAX_NESTING:
            raise Fault("The value is nested too deeply to be written as Ion")
        if type(value) is Entry:
            self._map([(value["key"], value["value"])], depth)
        elif isinstance(value, Mapping):
            self._map(list(value.items()), depth)
        elif isinstance(value, (list, tuple, set, frozenset)):
            self._put("[")
            for index, item in enumerate(list(value)):
                self._put("," if index else "")
                self.write(item, depth + 1)
            self._put("]")
        else:
            self._text(_scalar(value))

    def _map(self, entries: list[tuple[object, object]], depth: int) -> None:
        mark = "{"
        for key, item in entries:
            self._text(f"{mark}{_symbol(key)}:")
            self.write(item, depth + 1)
            mark = ","
        self._put("{}" if mark == "{" else "}")

    def _text(self, text: str) -> None:
        self._left -= len(text) + 8
        if self._left < 0:
            raise Fault("The Ion text grew larger than allowed")
        self._put(text)


def _scalar(value: object) -> str:
    if isinstance(value, (datetime, date, time)):
        return _moment(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + _escaped(value).replace('"', '\\"') + '"'
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, bytes):
        return "{{" + base64.b64encode(value).decode() + "}}"
    if isinstance(value, timedelta):
        return json_text(value, UTC)
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
    return "'" + _escaped(name).replace("'", "\\'") + "'"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0]) or f"\\x{ord(found[0]):02x}", text)


def _decimal(value: Decimal) -> str:
    """All digits of the number; a power of ten only where zeros would have to be made up."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise Fault("A number without a value has no Ion form")
    mark, text = "-" if sign else "", "".join(map(str, digits))
    if exponent > 0:
        return f"{mark}{text}d{exponent}"
    written = str(value).replace("E", "d")
    return written if "." in written or "d" in written else written + "."


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
        source = io.BytesIO(text.encode("utf-8", "replace"))
        rows = simpleion.load(source, single_value=False, parse_eagerly=False)
        if all_rows:
            return [_plain(row) for row in rows]
        for row in rows:
            return _plain(row)
    except (IonException, ValueError, TypeError, KeyError) as error:
        raise Fault("The text is not Ion") from error
    raise Fault("The Ion text has no content")


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
    if isinstance(value, bytes):
        return bytes(value)
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
        iso, _, region = text.partition("[")
        moment = datetime.fromisoformat(iso)
        if region:
            return moment.astimezone(zone_named(region.rstrip("]")))
        return moment.replace(tzinfo=ZULU) if not moment.utcoffset() else moment
    reader = readers.get(annotation or "")
    return text if reader is None else reader(text)
