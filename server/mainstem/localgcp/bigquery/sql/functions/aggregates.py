"""Aggregate functions; with OVER each of them is a window function too."""

from collections.abc import Sequence
from typing import Final

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.binding import once
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler, Invocation
from mainstem.localgcp.bigquery.sql.types import (
    BOOL,
    BYTES,
    FLOAT64,
    INT64,
    STRING,
    array_of,
    struct_of,
)
from mainstem.localgcp.bigquery.sql.values import Value


def over(call: Invocation) -> str:
    """The OVER clause, or nothing."""
    if call.node.over is None:
        return ""
    return f" OVER ({call.analyzer.window_sql(call.node.over, call.scope)})"


def filtered(call: Invocation, *conditions: str) -> str:
    """The FILTER clause that leaves out rows, among them those outside a PIVOT's value."""
    kept = [each for each in (*conditions, call.analyzer.aggregate_filter) if each]
    return f" FILTER (WHERE {' AND '.join(kept)})" if kept else ""


def refuse(call: Invocation, *allowed: str) -> None:
    """Refuse the clauses this function does not take."""
    node = call.node
    present = {
        "DISTINCT": node.is_distinct,
        "NULLS": bool(node.nulls),
        "HAVING": node.having is not None,
        "ORDER BY": bool(node.order),
        "LIMIT": node.limit is not None,
    }
    for word, is_present in present.items():
        if is_present and word not in allowed:
            shown = f"{node.nulls} NULLS" if word == "NULLS" else word
            raise call.problem(f"{shown} is not supported for aggregate function {call.name}")


def run(call: Invocation, function: str, arguments: str, *conditions: str) -> str:
    """`function(DISTINCT arguments) FILTER (…) OVER (…)`."""
    distinct = "DISTINCT " if call.node.is_distinct else ""
    return f"{function}({distinct}{arguments}){filtered(call, *conditions)}{over(call)}"


def groupable(call: Invocation, value: Value) -> None:
    if call.node.is_distinct and value.type.kind in ("ARRAY", "JSON"):
        raise call.problem(
            f"Aggregate functions with DISTINCT cannot be used with arguments of type {value.type}"
        )


def _count(call: Invocation) -> Value:
    refuse(call, "DISTINCT")
    call.expect(1)
    if isinstance(call.node.arguments[0], tree.Star):
        if call.node.is_distinct:
            raise call.problem("COUNT(DISTINCT *) is not supported")
        return Value(f"count(*){filtered(call)}{over(call)}", INT64)
    value = call.value(0)
    groupable(call, value)
    return Value(run(call, "count", value.sql), INT64)


def _countif(call: Invocation) -> Value:
    refuse(call)
    call.expect(1)
    condition = call.typed(0, BOOL).sql
    return Value(f"count(*){filtered(call, condition)}{over(call)}", INT64)


def _sum(call: Invocation) -> Value:
    refuse(call, "DISTINCT")
    call.expect(1)
    value = call.value(0)
    if not (value.type.is_numeric or value.type.kind == "INTERVAL"):
        raise call.no_match("SUM(INT64); SUM(FLOAT64); SUM(NUMERIC); SUM(BIGNUMERIC)")
    total = run(call, "sum", value.sql)
    if value.type == FLOAT64:
        return Value(total, FLOAT64)
    return Value(f"CAST({total} AS {value.type.duckdb()})", value.type)


def _average(call: Invocation) -> Value:
    refuse(call, "DISTINCT")
    call.expect(1)
    value = call.value(0)
    if not value.type.is_numeric:
        raise call.no_match("AVG(INT64); AVG(FLOAT64); AVG(NUMERIC); AVG(BIGNUMERIC)")
    if value.type.kind in ("INT64", "FLOAT64"):
        return Value(run(call, "avg", value.sql), FLOAT64)
    if value.type.kind == "BIGNUMERIC":
        raise call.problem("The local BigQuery emulator does not support AVG of BIGNUMERIC")
    kind = value.type.duckdb()
    total = f"CAST({run(call, 'sum', value.sql)} AS {kind})"
    count = f"CAST(NULLIF({run(call, 'count', value.sql)}, 0) AS {kind})"
    return Value(once((total, count), _quotient), value.type)


def _quotient(names: Sequence[str]) -> str:
    return f"bq_divide_numeric({', '.join(names)})"


def _extreme(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call, "DISTINCT")
        call.expect(1)
        value = call.value(0)
        if value.type.kind in ("ARRAY", "STRUCT", "JSON"):
            raise call.problem(
                f"{call.name} is not defined for arguments of type {value.type.kind}"
            )
        return Value(run(call, function, value.sql), value.type)

    return handle


def _any_value(call: Invocation) -> Value:
    refuse(call, "HAVING")
    call.expect(1)
    value = call.value(0)
    if call.node.having is not None:
        word, node = call.node.having
        key = call.analyzer.expression(node, call.scope).sql
        function = "arg_max_null" if word == "MAX" else "arg_min_null"
        return Value(f"{function}({value.sql}, {key}){filtered(call)}{over(call)}", value.type)
    return Value(run(call, "any_value", value.sql), value.type)


def _by(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call)
        call.expect(2)
        value = call.value(0)
        return Value(run(call, function, f"{value.sql}, {call.value(1).sql}"), value.type)

    return handle


def _order(call: Invocation) -> str:
    if not call.node.order:
        return ""
    return f" ORDER BY {call.analyzer.order_sql(call.node.order, call.scope)}"


def _limited(call: Invocation, items: str) -> str:
    if call.node.limit is None:
        return items
    limit = call.analyzer.expression(call.node.limit, call.scope)
    if limit.type != INT64 or limit.constant is None:
        raise call.problem(f"LIMIT in {call.name} must be an integer literal")
    return f"list_slice({items}, 1, {limit.constant})"


def _array_agg(call: Invocation) -> Value:
    refuse(call, "DISTINCT", "NULLS", "ORDER BY", "LIMIT")
    call.expect(1)
    value = call.value(0)
    if value.type.is_array:
        raise call.problem("The argument to ARRAY_AGG must not be an array type but was "
                           f"{value.type}")  # fmt: skip
    groupable(call, value)
    condition = f"{value.sql} IS NOT NULL" if call.node.nulls == "IGNORE" else ""
    items = run(call, "list", value.sql + _order(call), condition)
    return Value(_limited(call, items), array_of(value.type))


def _array_concat_agg(call: Invocation) -> Value:
    refuse(call, "ORDER BY", "LIMIT")
    call.expect(1)
    value = call.value(0)
    if not value.type.is_array:
        raise call.no_match("ARRAY_CONCAT_AGG(ARRAY<T>)")
    items = run(call, "list", value.sql + _order(call), f"{value.sql} IS NOT NULL")
    return Value(f"flatten({_limited(call, items)})", value.type)


def _string_agg(call: Invocation) -> Value:
    refuse(call, "DISTINCT", "ORDER BY", "LIMIT")
    call.expect(1, 2)
    kind = BYTES if call.value(0).type == BYTES else STRING
    if kind == BYTES:
        raise call.problem("The local BigQuery emulator does not support STRING_AGG of BYTES")
    value = call.typed(0, STRING).sql
    separator = call.typed(1, STRING).sql if call.count == 2 else "','"
    items = run(call, "list", value + _order(call), f"{value} IS NOT NULL")
    return Value(f"array_to_string({_limited(call, items)}, {separator})", STRING)


def _logical(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call)
        call.expect(1)
        return Value(run(call, function, call.typed(0, BOOL).sql), BOOL)

    return handle


def _bitwise(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call, "DISTINCT")
        call.expect(1)
        return Value(run(call, function, call.typed(0, INT64).sql), INT64)

    return handle


def _statistic(function: str, arguments: int = 1) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call, "DISTINCT")
        call.expect(arguments)
        items = [call.typed(index, FLOAT64).sql for index in range(arguments)]
        return Value(run(call, function, ", ".join(items)), FLOAT64)

    return handle


def _approx_count(call: Invocation) -> Value:
    refuse(call)
    call.expect(1)
    # An exact count is within every bound that an approximate one promises.
    return Value(f"count(DISTINCT {call.value(0).sql}){filtered(call)}{over(call)}", INT64)


def _whole(call: Invocation, index: int) -> int:
    value = call.value(index)
    if value.type != INT64 or value.constant is None:
        raise call.problem(f"Argument {index + 1} to {call.name} must be an integer literal")
    return int(value.constant, 0)


def _approx_quantiles(call: Invocation) -> Value:
    refuse(call, "NULLS")
    call.expect(2)
    if call.node.nulls == "RESPECT":
        raise call.problem("The local BigQuery emulator does not support RESPECT NULLS here")
    value, count = call.value(0), _whole(call, 1)
    points = ", ".join(str(index / count) for index in range(count + 1))
    return Value(run(call, "quantile_disc", f"{value.sql}, [{points}]"), array_of(value.type))


def _approx_top_count(call: Invocation) -> Value:
    refuse(call)
    call.expect(2)
    value, count = call.value(0), _whole(call, 1)
    pairs = f"bq_top_count({run(call, 'histogram', value.sql)}, {count})"
    return Value(pairs, array_of(struct_of((("value", value.type), ("count", INT64)))))


def _percentile(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        refuse(call, "NULLS")
        call.expect(2)
        if call.node.over is None:
            raise call.problem(f"Analytic function {call.name} cannot be called without an OVER")
        if call.node.nulls == "RESPECT":
            raise call.problem("The local BigQuery emulator does not support RESPECT NULLS here")
        share = call.value(1)
        if share.constant is None:
            raise call.problem(f"Argument 2 to {call.name} must be a literal")
        value = call.value(0)
        kind = FLOAT64 if function == "quantile_cont" else value.type
        item = call.typed(0, FLOAT64).sql if function == "quantile_cont" else value.sql
        return Value(run(call, function, f"{item}, {share.constant}"), kind)

    return handle


def _grouping(call: Invocation) -> Value:
    refuse(call)
    call.expect(1)
    return Value(f"CAST(grouping({call.value(0).sql}) AS BIGINT)", INT64)


AGGREGATES: Final[dict[str, Handler]] = {
    "COUNT": _count,
    "COUNTIF": _countif,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme("min"),
    "MAX": _extreme("max"),
    "ANY_VALUE": _any_value,
    "MAX_BY": _by("arg_max"),
    "MIN_BY": _by("arg_min"),
    "ARRAY_AGG": _array_agg,
    "ARRAY_CONCAT_AGG": _array_concat_agg,
    "STRING_AGG": _string_agg,
    "LOGICAL_AND": _logical("bool_and"),
    "LOGICAL_OR": _logical("bool_or"),
    "BIT_AND": _bitwise("bit_and"),
    "BIT_OR": _bitwise("bit_or"),
    "BIT_XOR": _bitwise("bit_xor"),
    "STDDEV": _statistic("stddev_samp"),
    "STDDEV_SAMP": _statistic("stddev_samp"),
    "STDDEV_POP": _statistic("stddev_pop"),
    "VARIANCE": _statistic("var_samp"),
    "VAR_SAMP": _statistic("var_samp"),
    "VAR_POP": _statistic("var_pop"),
    "CORR": _statistic("corr", 2),
    "COVAR_POP": _statistic("covar_pop", 2),
    "COVAR_SAMP": _statistic("covar_samp", 2),
    "APPROX_COUNT_DISTINCT": _approx_count,
    "APPROX_QUANTILES": _approx_quantiles,
    "APPROX_TOP_COUNT": _approx_top_count,
    "PERCENTILE_CONT": _percentile("quantile_cont"),
    "PERCENTILE_DISC": _percentile("quantile_disc"),
    "GROUPING": _grouping,
}
