"""Evaluating an argument once, although the SQL around it names it several times.

Macros and templates repeat their arguments; nested in one another they would grow without bounds.
A long argument is therefore bound to a lambda's parameter, which DuckDB computes once.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Final

from mainstem.localgcp.bigquery.sql.types import quote

LONGEST_REPEATED: Final = 100
_DEAR: Final = re.compile(r"\bbq_\w+\(|\bSELECT\b|\bOVER\b|\brandom\(")
"""Short and yet long or slow: a macro's call stands for a multiple of what it is given."""


def once(arguments: Sequence[str], build: Callable[[Sequence[str]], str]) -> str:
    """The SQL that `build` makes of arguments, long ones named instead of repeated.

    The names follow from the arguments, so that equal expressions stay equal in GROUP BY.
    """
    long = {sql: _name(sql) for sql in arguments if _is_long(sql)}
    if not long:
        return build(arguments)
    if len(long) == 1:
        ((sql, name),) = long.items()
        body = build([long.get(each, each) for each in arguments])
        return f"list_transform([{sql}], lambda {name}: {body})[1]"
    row = _name(" ".join(long))
    packed = ", ".join(f"{quote(name)} := {sql}" for sql, name in long.items())
    members = {sql: f"{row}.{quote(name)}" for sql, name in long.items()}
    body = build([members.get(each, each) for each in arguments])
    return f"list_transform([struct_pack({packed})], lambda {row}: {body})[1]"


def _is_long(sql: str) -> bool:
    return len(sql) > LONGEST_REPEATED or _DEAR.search(sql) is not None


def _name(sql: str) -> str:
    return f"_b{zlib.crc32(sql.encode()):08x}"


def once_value(sql: str, build: Callable[[str], str]) -> str:
    """`once` for a single argument."""
    return once((sql,), lambda names: build(names[0]))
