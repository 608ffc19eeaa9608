"""Values to YAML as the reference writes them: few quotes, lists indented by one space.

PyYAML's emitter decides line by line; here are the reference's indentation of lists, its choice of
quotes and its escapes.
"""

import io
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

import yaml.emitter
from yaml import events

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import is_instant, json_date, json_text, offset_datetime_text
from mainstem.expr.numbers import double_text
from mainstem.expr.printing import Entry

_MAX_NESTING: Final = 100
_MAX_LINE: Final = 1 << 30
_MOST_VALUES: Final = 100_000
_WORDS: Final = frozenset(
    form
    for word in ("false", "n", "no", "null", "on", "off", "true", "y", "yes")
    for form in (word, word.upper(), word.capitalize())
)
_QUOTABLE: Final = re.compile(r"[\[\]{},]|(?<=[ \t])#|:[ \t]")
_OCTAL: Final = re.compile("0[0-9_]+")
_ODD_KEY: Final = re.compile(r"\A[-+.0-9]|\n")
_LISTS: Final = (list, tuple, set, frozenset)


class _Emitter(yaml.emitter.Emitter):
    def expect_block_sequence_item(self, first: bool = False) -> None:
        """As inherited, but with a space before the dash."""
        if not first and isinstance(self.event, events.SequenceEndEvent):
            self.indent = self.indents.pop()
            self.state = self.states.pop()
            return
        self.write_indent()
        self.stream.write(" ")
        self.column += 1
        self.write_indicator("-", True, indention=True)
        self.states.append(self.expect_block_sequence_item)
        self.expect_node(sequence=True)


def to_yaml(value: object, zone: tzinfo) -> str:
    """Block style, ended by a line end."""
    text = io.StringIO()
    writer = _Writer(_Emitter(text, indent=2, width=_MAX_LINE, allow_unicode=True), zone)
    writer.emit(events.StreamStartEvent())
    writer.emit(events.DocumentStartEvent(explicit=False))
    writer.node(value, 0)
    writer.emit(events.DocumentEndEvent(explicit=False))
    return text.getvalue()


class _Writer:
    def __init__(self, emitter: _Emitter, zone: tzinfo) -> None:
        self.emit = emitter.emit
        self._zone = zone
        self._left = _MOST_VALUES

    def node(self, value: object, depth: int) -> None:
        """The events of one value."""
        self._left -= 1
        if depth > _MAX_NESTING:
            raise Fault("The value is nested too deeply to be written as YAML")
        if self._left < 0:
            raise Fault("The value is too large to be written as YAML")
        if type(value) is Entry:
            self._map([(value["key"], value["value"])], depth)
        elif isinstance(value, Mapping):
            self._map(list(value.items()), depth)
        elif isinstance(value, _LISTS):
            self.emit(events.SequenceStartEvent(None, None, True, flow_style=not value))
            for item in list(value):
                self.node(item, depth + 1)
            self.emit(events.SequenceEndEvent())
        elif isinstance(value, str):
            self._scalar(value, _style(value))
        else:
            self._scalar(_plain(value, self._zone), None)

    def _map(self, entries: list[tuple[Any, Any]], depth: int) -> None:
        self.emit(events.MappingStartEvent(None, None, True, flow_style=not entries))
        for key, value in entries:
            name = key if isinstance(key, str) else _plain(key, self._zone)
            self._scalar(name, '"' if _is_word(name) or _ODD_KEY.search(name) else None)
            self.node(value, depth + 1)
        self.emit(events.MappingEndEvent())

    def _scalar(self, text: str, style: str | None) -> None:
        self.emit(events.ScalarEvent(None, None, (True, True), text, style=style))


def _style(text: str) -> str | None:
    if "\n" in text:
        return "|"
    if _is_word(text) or _QUOTABLE.search(text):
        return '"'
    return "'" if _OCTAL.fullmatch(text) else None


def _is_word(text: str) -> bool:
    """Whether another reader might take the text for null or a boolean."""
    return not text or text[0] == "~" or text in _WORDS


def _plain(value: object, zone: tzinfo) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return json_text(value, zone)
    if isinstance(value, datetime) and value.tzinfo and not is_instant(value):
        return offset_datetime_text(value)
    if isinstance(value, (datetime, date, time)):
        return json_date(value, zone)
    raise Fault(f"A {type(value).__name__} has no YAML form")
