"""Values to text: what `{{ }}` prints and the JSON of maps and lists.

Concatenation and the text filters use the same text; the reference prints Java's `{a=1}` there.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import java_text, json_text
from mainstem.expr.numbers import double_text, number_text

_MAX_NESTING: Final = 200
_DATES: Final = (datetime, date, time, timedelta)


def text_of(value: object, zone: tzinfo = UTC) -> str:
    """The text a template prints for a value; null prints nothing."""
    if value is None:
        return ""
    if type(value) is int:
        return repr(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return number_text(value)
    if isinstance(value, _DATES):
        return java_text(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return to_json(value, zone)


def to_json(value: object, zone: tzinfo = UTC, *, most: int | None = None) -> str:
    """Compact JSON; entries of maps that are null are left out, as the reference does."""
    parts: list[str] = []
    writer = _JsonWriter(parts.append, zone, most)
    writer.write(value, 0)
    return "".join(parts)


class _JsonWriter:
    def __init__(self, put: Callable[[str], None], zone: tzinfo, most: int | None) -> None:
        self._put = put
        self._zone = zone
        self._left = most if most is not None else 1 << 62

    def write(self, value: object, depth: int) -> None:
        """Append the JSON of one value."""
        if isinstance(value, str):
            text = encode_basestring(value)
            self._spend(len(text))
            self._put(text)
        elif isinstance(value, Mapping):
            self._map(value, depth)
        elif isinstance(value, (list, tuple, set, frozenset)):
            self._list(value, depth)
        else:
            self._put(self._scalar(value))

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Fault("The JSON text grew larger than allowed")

    def _scalar(self, value: object) -> str:
        self._spend(8)
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return int.__repr__(value)
        if isinstance(value, float):
            text = double_text(value)
            return f'"{text}"' if text[-1] in "Ny" else text
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, _DATES):
            return json_text(value, self._zone)
        raise Fault(f"A {type(value).__name__} has no JSON form")

    def _map(self, value: Mapping[object, object], depth: int) -> None:
        self._deeper(depth)
        mark = "{"
        for key, item in list(value.items()):
            if item is None:
                continue
            name = encode_basestring(key if isinstance(key, str) else text_of(key, self._zone))
            self._spend(len(name) + 2)
            self._put(f"{mark}{name}:")
            self.write(item, depth + 1)
            mark = ","
        self._put("{}" if mark == "{" else "}")

    def _list(
        self, value: list[object] | tuple[object, ...] | set[object] | frozenset[object], depth: int
    ) -> None:
        self._deeper(depth)
        self._spend(2)
        mark = "["
        for item in list(value):
            self._put(mark)
            self.write(item, depth + 1)
            mark = ","
        self._put("[]" if mark == "[" else "]")

    def _deeper(self, depth: int) -> None:
        if depth >= _MAX_NESTING:
            raise Fault("The value is nested too deeply to be printed")
