"""The operators of assertions (pure)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.errors import InvalidInput
from mainstem.expr import UndefinedVariable, text_of

_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Missing:
    """A value that does not exist; `error` says what could not be found."""

    error: UndefinedVariable


def holds(operator: str, actual: object, expected: object) -> bool:
    """Whether an assertion is true; raises InvalidInput when it cannot be told."""
    if operator in _NULLS:
        wanted = _NULLS[operator] is (expected is not False)
        return (actual is None or isinstance(actual, Missing)) is wanted
    if isinstance(actual, Missing):
        raise actual.error
    return _OPERATORS[operator](actual, expected)


def same(actual: object, expected: object) -> bool:
    """Equal as values, as numbers or as they print: `"200"` equals 200."""
    if actual == expected and isinstance(actual, bool) is isinstance(expected, bool):
        return True
    if actual is None or expected is None:
        return False
    left, right = _plain(actual), _plain(expected)
    return left == right or _strict(_parsed(left)) == _strict(_parsed(right))


def shown(value: object) -> str:
    """A value for a reader."""
    if isinstance(value, Missing):
        return "not there"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _plain(value: object) -> str:
    return text_of(value).strip()


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _strict(value: object) -> tuple[bool, object]:
    """Python says that true equals 1; the language does not."""
    return isinstance(value, bool), value


def _number(value: object) -> float:
    try:
        return float(_plain(value))
    except ValueError as error:
        raise InvalidInput(f"{shown(value)} is not a number") from error


def _contains(actual: object, expected: object) -> bool:
    if isinstance(actual, (list, tuple)) and any(same(item, expected) for item in actual):
        return True
    if isinstance(actual, Mapping) and expected in actual:
        return True
    return text_of(expected) in text_of(actual)


def _listed(expected: object) -> list[object]:
    if isinstance(expected, str):
        expected = _parsed(expected)
    if not isinstance(expected, (list, tuple)):
        raise InvalidInput(f"`in` and `notIn` need a list, not {shown(expected)}")
    return list(expected)


def _is_in(actual: object, expected: object) -> bool:
    return any(same(actual, item) for item in _listed(expected))


_NULLS: Final = {"isNull": True, "isNotNull": False}
_OPERATORS: Final[Mapping[str, Callable[[object, object], bool]]] = {
    "equalTo": same,
    "notEqualTo": lambda actual, expected: not same(actual, expected),
    "startsWith": lambda actual, expected: text_of(actual).startswith(text_of(expected)),
    "endsWith": lambda actual, expected: text_of(actual).endswith(text_of(expected)),
    "contains": _contains,
    "greaterThan": lambda actual, expected: _number(actual) > _number(expected),
    "greaterThanOrEqualTo": lambda actual, expected: _number(actual) >= _number(expected),
    "lessThan": lambda actual, expected: _number(actual) < _number(expected),
    "lessThanOrEqualTo": lambda actual, expected: _number(actual) <= _number(expected),
    "in": _is_in,
    "notIn": lambda actual, expected: not _is_in(actual, expected),
}
