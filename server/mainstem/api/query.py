"""Filters, orders and pages in query parameters, as both generations of clients write them.

Older clients give plain parameters (`namespace=a&state=FAILED`), newer ones a tree:
`filters[namespace][PREFIX]=a`, `filters[labels][EQUALS][team]=x`, and groups such as
`filters[or][0][state][EQUALS]=FAILED`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Query
from starlette.datastructures import QueryParams

from mainstem.errors import InvalidInput
from mainstem.model.query import Group, Leaf, Op

_SEGMENT: Final = re.compile(r"\[([^\[\]]*)\]")
_WHOLE: Final = re.compile(r"filters(?:\[[^\[\]]*\])+")
_LOGIC: Final = frozenset({"and", "or"})
_MOST_FILTERS: Final = 100
_DEEPEST: Final = 3

Sort = Annotated[
    list[str] | None,
    Query(description="`column:asc` or `column:desc`, repeatable; unknown columns are refused."),
]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A condition and the groups that it lies in, outermost first."""

    path: tuple[tuple[str, int], ...]
    leaf: Leaf


def parse_tree(params: QueryParams) -> Group | None:
    """The filters of the newer form; raises InvalidInput naming a bad one."""
    entries = [
        _entry(name, value) for name, value in params.multi_items() if name.startswith("filters[")
    ]
    if len(entries) > _MOST_FILTERS:
        raise InvalidInput(f"a search may have {_MOST_FILTERS} filters, not {len(entries)}")
    return _group(entries, 0) if entries else None


def _entry(name: str, value: str) -> _Entry:
    if not _WHOLE.fullmatch(name):
        raise InvalidInput(f"`{name}` is not a filter: write filters[field][OPERATION]=value")
    parts = _SEGMENT.findall(name)
    path = []
    while len(parts) >= 2 and parts[0] in _LOGIC and parts[1].isdecimal():
        path.append((parts[0], int(parts[1][:6])))
        parts = parts[2:]
    if len(parts) not in (2, 3) or len(path) > _DEEPEST:
        raise InvalidInput(f"`{name}` is not a filter: write filters[field][OPERATION]=value")
    try:
        op = Op(parts[1].upper())
    except ValueError as error:
        known = ", ".join(Op)
        raise InvalidInput(f"`{parts[1]}` is not an operation (known: {known})") from error
    return _Entry(tuple(path), Leaf(parts[0], op, value, parts[2] if len(parts) == 3 else None))


def _group(entries: Sequence[_Entry], depth: int) -> Group:
    members: list[Leaf | Group] = []
    logics: dict[str, dict[int, list[_Entry]]] = {}
    for entry in entries:
        if len(entry.path) == depth:
            members.append(entry.leaf)
        else:
            logic, index = entry.path[depth]
            logics.setdefault(logic, {}).setdefault(index, []).append(entry)
    for logic, units in logics.items():
        inside = tuple(_group(unit, depth + 1) for _, unit in sorted(units.items()))
        members.append(Group(inside, any=logic == "or"))
    return Group(tuple(members))


def parse_sort(items: Sequence[str] | None) -> list[tuple[str, bool]]:
    """Columns with whether the largest comes first; which ones there are the list knows."""
    found = []
    for item in items or ():
        name, mark, direction = item.rpartition(":")
        if not mark:
            name, direction = item, "asc"
        if direction.lower() not in ("asc", "desc"):
            raise InvalidInput(f"`{item}` is not an order: write column:asc or column:desc")
        found.append((name, direction.lower() == "desc"))
    return found
