"""Functions that only exist with an OVER clause."""

from typing import Final

from mainstem.localgcp.bigquery.sql.functions.aggregates import filtered, over, refuse
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler, Invocation
from mainstem.localgcp.bigquery.sql.types import FLOAT64, INT64, Type
from mainstem.localgcp.bigquery.sql.values import Value


def _windowed(call: Invocation) -> None:
    if call.node.over is None:
        raise call.problem(f"Analytic function {call.name} cannot be called without an OVER clause")
    assert not filtered(call), "PIVOT takes no window functions"


def _numbering(function: str, kind: Type) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call)
        call.expect(0)
        _windowed(call)
        window = call.node.over
        needs_order = function != "row_number"
        if needs_order and window is not None and not (window.order or window.base):
            raise call.problem(f"Window ORDER BY is required for analytic function {call.name}")
        return Value(f"{function}(){over(call)}", kind)

    return handle


def _ntile(call: Invocation) -> Value:
    refuse(call)
    call.expect(1)
    _windowed(call)
    return Value(f"ntile({call.typed(0, INT64).sql}){over(call)}", INT64)


def _shifted(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call, "NULLS")
        call.expect(1, 3)
        _windowed(call)
        value = call.value(0)
        kind = value.type if call.count < 3 else call.common((0, 2))
        items = [call.typed(0, kind).sql]
        if call.count > 1:
            items.append(call.typed(1, INT64).sql)
        if call.count > 2:
            items.append(call.typed(2, kind).sql)
        return Value(f"{function}({', '.join(items)}{_nulls(call)}){over(call)}", kind)

    return handle


def _edge(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call, "NULLS")
        call.expect(1)
        _windowed(call)
        value = call.value(0)
        return Value(f"{function}({value.sql}{_nulls(call)}){over(call)}", value.type)

    return handle


def _nth(call: Invocation) -> Value:
    refuse(call, "NULLS")
    call.expect(2)
    _windowed(call)
    value = call.value(0)
    place = call.typed(1, INT64).sql
    return Value(f"nth_value({value.sql}, {place}{_nulls(call)}){over(call)}", value.type)


def _nulls(call: Invocation) -> str:
    return " IGNORE NULLS" if call.node.nulls == "IGNORE" else ""


AGGREGATES: Final[dict[str, Handler]] = {
    "ROW_NUMBER": _numbering("row_number", INT64),
    "RANK": _numbering("rank", INT64),
    "DENSE_RANK": _numbering("dense_rank", INT64),
    "PERCENT_RANK": _numbering("percent_rank", FLOAT64),
    "CUME_DIST": _numbering("cume_dist", FLOAT64),
    "NTILE": _ntile,
    "LAG": _shifted("lag"),
    "LEAD": _shifted("lead"),
    "FIRST_VALUE": _edge("first_value"),
    "LAST_VALUE": _edge("last_value"),
    "NTH_VALUE": _nth,
}
