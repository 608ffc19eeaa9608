"""The JSON of plain values by the standard library's encoder, many times as fast as a walk."""

from itertools import chain
from json import JSONEncoder
from types import NoneType
from typing import Any, Final

from mainstem.expr.numbers import BigInteger, Long

_IN_LISTS: Final = frozenset({int, bool, Long, BigInteger, str, float, dict, list, NoneType})
_IN_MAPS: Final = _IN_LISTS - {NoneType}
_NAMES: Final = frozenset({str})
_MAX_NESTING: Final = 200
_ENCODE: Final = JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def plain_json(value: object, most: int) -> str | None:
    """Compact JSON of at most `most` characters, or None where the encoder may write it otherwise.

    That is so for values of other types than JSON's, maps with null in them, and the texts and
    numbers that the reference writes in its own way.
    """
    if type(value) not in (dict, list) or not _is_plain(value, most):
        return None
    text = _ENCODE(value)
    return None if len(text) > most or "\\u00" in text else text


def _is_plain(value: object, most: int) -> bool:
    """Whether all beneath has JSON's types; looks at one level of nesting at a time."""
    level: list[Any] = [value]
    for _ in range(_MAX_NESTING):
        maps = [item for item in level if type(item) is dict]
        lists = [item for item in level if type(item) is list]
        if not maps and not lists:
            return True
        most -= sum(map(len, maps)) + sum(map(len, lists))
        if most < 0 or not _NAMES.issuperset(map(type, chain.from_iterable(maps))):
            return False
        level = list(chain.from_iterable(map(dict.values, maps)))
        if not _IN_MAPS.issuperset(map(type, level)):
            return False
        level.extend(chain.from_iterable(lists))
        kinds = set(map(type, level))
        if not kinds <= _IN_LISTS:
            return False
        most -= sum(len(item) for item in level if type(item) is str)
        if most < 0 or (float in kinds and not all(map(_is_near_one, level))):
            return False
    return False


def _is_near_one(number: object) -> bool:
    """Whether Java writes it without exponent, if it is a double."""
    return type(number) is not float or 1e-3 <= abs(number) < 1e7 or number == 0
