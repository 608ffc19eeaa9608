"""JSON text to values, as the reference reads it: one value, and whatever follows is ignored."""

import json
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.numbers import sized_integer

_SPACE: Final = " \t\r\n"


def _integer(text: str) -> int:
    if len(text) > 400:
        raise ValueError(text)
    return sized_integer(int(text))


def _no_constant(name: str) -> float:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant)


def read_json(text: str) -> object:
    """The first value of a text."""
    return first_json(text)[0]


def first_json(text: str) -> tuple[object, str]:
    """The first value of a text, and the part of the text that it is read from."""
    source = text.lstrip(_SPACE)
    try:
        value, end = _DECODER.raw_decode(source)
        if not isinstance(value, (str, list, dict)) and source[end : end + 1].strip(_SPACE):
            raise json.JSONDecodeError("no end of the value", source, end)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "lineno", None)
        where = f" at its line {place}, column {getattr(error, 'colno', 0)}" if place else ""
        raise Fault(f"The text is not JSON{where}") from error
    return value, source[:end]
