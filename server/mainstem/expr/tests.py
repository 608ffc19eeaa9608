"""The tests behind `is` and `is not`."""

from collections.abc import Callable, Mapping
from typing import Final

from mainstem.expr.arguments import text_input
from mainstem.expr.errors import Fault
from mainstem.expr.filters_collections import is_empty
from mainstem.expr.jsonreading import read_json
from mainstem.expr.numbers import type_name
from mainstem.expr.operators import LISTS, contains
from mainstem.expr.registry import Callee, table
from mainstem.expr.runtime import Evaluation


def defined(_: Evaluation, value: object) -> bool:
    return value is not None


def null(_: Evaluation, value: object) -> bool:
    return value is None


def empty(_: Evaluation, value: object) -> bool:
    return is_empty(value)


def even(_: Evaluation, value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return value % 2 == 0
    raise Fault(f"`even` and `odd` need an integer but got {type_name(value)}")


def odd(ev: Evaluation, value: object) -> bool:
    return not even(ev, value)


def iterable(_: Evaluation, value: object) -> bool:
    return isinstance(value, LISTS)


def mapping(_: Evaluation, value: object) -> bool:
    return isinstance(value, Mapping)


def is_json(_: Evaluation, value: object) -> bool:
    if not isinstance(value, str):
        raise Fault(f"`json` needs text but got {type_name(value)}")
    if not value.strip():
        return True  # nothing at all counts, as in the reference
    try:
        read_json(value)
    except Fault:
        return False
    return True


def starts_with(_: Evaluation, value: object, start: object) -> bool:
    return value is not None and text_input(value).startswith(text_input(start))


def ends_with(_: Evaluation, value: object, end: object) -> bool:
    return value is not None and text_input(value).endswith(text_input(end))


def is_in(_: Evaluation, value: object, items: object) -> bool:
    return contains(items, value)


_TESTS: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "defined": (defined, ""),
    "empty": (empty, ""),
    "endsWith": (ends_with, "value"),
    "even": (even, ""),
    "in": (is_in, "items"),
    "iterable": (iterable, ""),
    "json": (is_json, ""),
    "map": (mapping, ""),
    "null": (null, ""),
    "odd": (odd, ""),
    "startsWith": (starts_with, "value"),
}
TESTS: Final[dict[str, Callee]] = table("test", _TESTS, skip=2)
