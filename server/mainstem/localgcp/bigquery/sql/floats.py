"""FLOAT64 arithmetic whose overflow is an error, and comparisons that NaN never passes.

DuckDB computes on with infinity. A tree of operators is tested at its root, where every overflow
shows, and looked through operator by operator only where something is not finite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mainstem.localgcp.bigquery.sql.binding import once
from mainstem.localgcp.bigquery.sql.types import FLOAT64
from mainstem.localgcp.bigquery.sql.values import Flow, Value

MOST_OPERATORS: Final = 8
"""Of an operand that is taken apart: the text of the tests grows with the square."""
_SLOT: Final = "\x00{}\x00"


@dataclass(frozen=True, slots=True)
class _Side:
    sql: str
    flow: Flow


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """`left operator right` of two FLOAT64 values; infinite operands give infinite results."""
    leaves: list[str] = []
    a, b = _side(left, leaves), _side(right, leaves)
    sql = f"({a.sql} {operator} {b.sql})"
    operands = f"{a.sql}, '{operator}', {b.sql}"
    test = f"WHEN bq_fails({operands}, {sql}) THEN bq_fail({operands})"
    watched = (*a.flow.watched, *b.flow.watched)
    if operator == "/" and b.flow.tests:
        watched = (*watched, b.sql)
    flow = Flow(sql, tuple(leaves), watched, (*a.flow.tests, *b.flow.tests, test))
    return Value(once(leaves, lambda names: _filled(_checked(flow), names)), FLOAT64, flow=flow)


def _side(value: Value, leaves: list[str]) -> _Side:
    """An operand: a short tree is taken apart, anything else is a leaf."""
    flow = value.flow
    if flow is None or len(flow.tests) > MOST_OPERATORS:
        slot = _slot(value.sql, leaves)
        return _Side(slot, Flow(slot))
    slots = [_slot(leaf, leaves) for leaf in flow.leaves]
    moved = Flow(
        _filled(flow.sql, slots),
        (),
        tuple(_filled(each, slots) for each in flow.watched),
        tuple(_filled(each, slots) for each in flow.tests),
    )
    return _Side(moved.sql, moved)


def _slot(leaf: str, leaves: list[str]) -> str:
    if leaf not in leaves:
        leaves.append(leaf)
    return _SLOT.format(leaves.index(leaf))


def _filled(template: str, names: Sequence[str]) -> str:
    parts = template.split("\x00")
    return "".join(names[int(part)] if at % 2 else part for at, part in enumerate(parts))


def _checked(flow: Flow) -> str:
    finite = " AND ".join(f"isfinite({each})" for each in (flow.sql, *flow.watched))
    return f"CASE WHEN {finite} THEN {flow.sql} {' '.join(flow.tests)} ELSE {flow.sql} END"


def among(value: str, options: Sequence[str], *, is_negated: bool) -> str:
    """IN, which NaN never is."""
    listed = ", ".join(options)
    found = once((value,), lambda n: f"({n[0]} IN ({listed}) AND NOT isnan({n[0]}))")
    return f"(NOT {found})" if is_negated else found


def compare(operator: str, left: Value, right: Value) -> str:
    """DuckDB takes NaN for the greatest number, equal to itself; a literal is never NaN."""
    sides = (left.sql, right.sql)
    suspect = {"=": (0, 1), "!=": (0, 1), "<": (1,), "<=": (1,), ">": (0,), ">=": (0,)}[operator]
    constant = [value.constant is not None for value in (left, right)]
    sign = "<>" if operator == "!=" else operator
    if any(constant[at] for at in suspect):
        return f"({sides[0]} {sign} {sides[1]})"
    if operator in ("=", "!="):
        # The sum is NaN where a side is, or where the sides are different infinities.
        word = "OR isnan" if operator == "!=" else "AND NOT isnan"
        return once(sides, lambda n: f"({n[0]} {sign} {n[1]} {word}({n[0]} + {n[1]}))")
    return once(sides, lambda n: f"({n[0]} {sign} {n[1]} AND NOT isnan({n[suspect[0]]}))")
