"""Values to text: what `{{ }}` prints, the JSON of maps and lists, and Java's text of them.

Printing a map or list gives JSON; joining one to a text, or giving it to a text filter, gives
the text that Java has for it: `{a=1, b=null}` and `[1, x]`.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from json.encoder import encode_basestring as _quoted
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import java_text, json_text
from mainstem.expr.jsonplain import plain_json
from mainstem.expr.numbers import double_text, number_text

_MAX_NESTING: Final = 200
_MOST_TEXT: Final = 10_000_000
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
_LISTS: Final = (list, tuple, set, frozenset)
_DATES: Final = (datetime, date, time, timedelta)


class Entry(dict[str, object]):
    """One key and value of a map, as a loop over the map sees it."""

    __slots__ = ()

    def __init__(self, key: object, value: object) -> None:
        super().__init__(key=key, value=value)


def entries(items: Mapping[object, object]) -> list[object]:
    """What a loop over a map goes through."""
    return [Entry(key, value) for key, value in list(items.items())]


def encode_basestring(text: str) -> str:
    """A JSON string, its control characters escaped in capitals as the reference does."""
    quoted = _quoted(text)
    if "\\u00" not in quoted:
        return quoted
    return _ESCAPE.sub(lambda found: "\\" + found[0][1] + found[0][2:].upper(), quoted)


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
    return java_string(value) if type(value) is Entry else to_json(value, zone, most=_MOST_TEXT)


def java_string(value: object) -> str:
    """The text that a value has when it is joined to other text: Java's `toString`."""
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, (Mapping, *_LISTS)):
        return text_of(value)
    parts: list[str] = []
    _JavaWriter(parts.append).write(value, 0)
    return "".join(parts)


class _JavaWriter:
    def __init__(self, put: Callable[[str], None]) -> None:
        self._put = put
        self._left = _MOST_TEXT

    def write(self, value: object, depth: int) -> None:
        """Append the text of one value; null has the text `null`."""
        if depth > _MAX_NESTING:
            raise Fault("The value is nested too deeply to be printed")
        if type(value) is Entry:
            self._pair(value["key"], value["value"], depth)
        elif isinstance(value, Mapping):
            self._put("{")
            for index, (key, item) in enumerate(list(value.items())):
                self._put(", " if index else "")
                self._pair(key, item, depth)
            self._put("}")
        elif isinstance(value, _LISTS):
            self._put("[")
            for index, item in enumerate(list(value)):
                self._put(", " if index else "")
                self.write(item, depth + 1)
            self._put("]")
        else:
            text = "null" if value is None else _inner_text(value)
            self._left -= len(text) + 8
            if self._left < 0:
                raise Fault("The text grew larger than allowed")
            self._put(text)

    def _pair(self, key: object, value: object, depth: int) -> None:
        self.write(key, depth + 1)
        self._put("=")
        self.write(value, depth + 1)


def _inner_text(value: object) -> str:
    return str(value) if isinstance(value, Decimal) else text_of(value)


def to_json(value: object, zone: tzinfo = UTC, *, most: int | None = None) -> str:
    """Compact JSON; entries of maps that are null are left out, as the reference does."""
    plain = plain_json(value, 1 << 62 if most is None else most)
    return to_json_carefully(value, zone, most=most) if plain is None else plain


def to_json_carefully(value: object, zone: tzinfo = UTC, *, most: int | None = None) -> str:
    """The same, for values of every kind."""
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
        elif type(value) is Entry:
            self._map({value["key"]: value["value"]}, depth)
        elif isinstance(value, Mapping):
            self._map(value, depth)
        elif isinstance(value, _LISTS):
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
        if isinstance(value, bytes):
            self._spend(len(value) * 2)
            return f'"{base64.b64encode(value).decode()}"'
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
