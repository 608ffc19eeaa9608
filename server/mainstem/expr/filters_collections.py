"""Filters on lists and maps. None of them changes its input."""

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Final

from mainstem.expr.arguments import a_list, an_integer, an_optional_text, text_input
from mainstem.expr.errors import Fault
from mainstem.expr.numbers import is_number, type_name
from mainstem.expr.operators import LISTS, compare, holds
from mainstem.expr.printing import entries
from mainstem.expr.runtime import Evaluation


def chunk(_: Evaluation, value: object, size: object) -> object:
    if value is None:
        return None
    items, length = a_list(value, "`chunk`"), an_integer(size, "size")
    if length < 1:
        raise Fault("`size` must be 1 or more")
    return [items[start : start + length] for start in range(0, len(items), length)]


def default(_: Evaluation, value: object, instead: object = None) -> object:
    return instead if is_empty(value) else value


def is_empty(value: object) -> bool:
    """Null, blank text, an empty list or map."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, (*LISTS, Mapping)) and len(value) == 0


def distinct(_: Evaluation, value: object) -> object:
    if value is None:
        return None
    kept: list[object] = []
    for item in a_list(value, "`distinct`"):
        if not holds(kept, item):
            kept.append(item)
    return kept


def first(_: Evaluation, value: object) -> object:
    return _edge(value, 0, "first")


def last(_: Evaluation, value: object) -> object:
    return _edge(value, -1, "last")


def _edge(value: object, index: int, name: str) -> object:
    if value is None:
        return None
    if isinstance(value, str):
        if not value:
            raise Fault(f"`{name}` can't be applied to empty text")
        return value[index]
    items = a_list(value, f"`{name}`")
    return items[index] if items else None


def flatten(_: Evaluation, value: object) -> object:
    if value is None:
        return None
    flat: list[object] = []
    for item in a_list(value, "`flatten`"):
        flat.extend(item if isinstance(item, LISTS) else [item])
    return flat


def join(ev: Evaluation, value: object, separator: object = None) -> object:
    if value is None:
        return None
    mark = an_optional_text(separator, "separator") or ""
    texts = ["null" if item is None else text_input(item) for item in a_list(value, "`join`")]
    if len(mark) * len(texts) > ev.options.max_output:
        raise Fault("`join` would make more text than allowed")
    return mark.join(texts)


def keys(_: Evaluation, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return list(value)
    return list(range(len(a_list(value, "`keys`"))))


def values(_: Evaluation, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return [item for _, item in list(value.items())]
    raise Fault(f"`values` needs a map but got {type_name(value)}")


def length(_: Evaluation, value: object) -> object:
    return len(value) if isinstance(value, (str, Mapping, *LISTS)) else 0


def merge(_: Evaluation, value: object, items: object = None) -> object:
    if value is None or items is None:
        if items is None and value is None:
            raise Fault("`merge` got null on both sides")
        return items if value is None else value
    if isinstance(value, Mapping):
        return _merge_map(dict(value), items)
    whole = a_list(value, "`merge`")
    if isinstance(items, Mapping):
        return [*whole, *entries(items)]
    return [*whole, *a_list(items, "`merge`")]


def _merge_map(merged: dict[object, object], items: object) -> object:
    if isinstance(items, Mapping):
        return {**merged, **items}
    return {**merged, **{item: item for item in a_list(items, "`merge`")}}


def reverse(_: Evaluation, value: object) -> object:
    if value is None:
        return None
    return value[::-1] if isinstance(value, str) else a_list(value, "`reverse`")[::-1]


def sort(_: Evaluation, value: object) -> object:
    return None if value is None else _sorted(a_list(value, "`sort`"))


def rsort(_: Evaluation, value: object) -> object:
    return None if value is None else _sorted(a_list(value, "`rsort`"), descending=True)


def _sorted(items: list[object], *, descending: bool = False) -> list[object]:
    if items and all(is_number(item) for item in items):
        return sorted(items, key=cmp_to_key(_by_number), reverse=descending)
    try:
        return sorted(items, reverse=descending)  # type: ignore[type-var]
    except TypeError as error:
        raise Fault("Only lists of numbers, of texts or of dates can be sorted") from error


def _by_number(left: object, right: object) -> int:
    if compare("<", left, right):
        return -1
    return 1 if compare(">", left, right) else 0


def slice_of(
    _: Evaluation, value: object, from_index: object = None, to_index: object = None
) -> object:
    if value is None:
        return None
    whole = value if isinstance(value, str) else a_list(value, "`slice`")
    start = 0 if from_index is None else an_integer(from_index, "fromIndex")
    end = len(whole) if to_index is None else an_integer(to_index, "toIndex")
    if start < 0:
        raise Fault("`fromIndex` must be 0 or more")
    if end > len(whole) or start > len(whole):
        raise Fault(f"A slice must end within the {len(whole)} elements there are")
    if to_index is not None and start >= end:
        raise Fault("`toIndex` must be greater than `fromIndex`")
    return whole[start:end]


FILTERS_COLLECTIONS: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "chunk": (chunk, "size"),
    "default": (default, "default"),
    "distinct": (distinct, ""),
    "first": (first, ""),
    "flatten": (flatten, ""),
    "join": (join, "separator"),
    "keys": (keys, ""),
    "last": (last, ""),
    "length": (length, ""),
    "merge": (merge, "items"),
    "reverse": (reverse, ""),
    "rsort": (rsort, ""),
    "slice": (slice_of, "fromIndex toIndex"),
    "sort": (sort, ""),
    "uniq": (distinct, ""),
    "values": (values, ""),
}
