"""Arrays."""

from collections.abc import Sequence
from typing import Final

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.binding import once, once_value
from mainstem.localgcp.bigquery.sql.coercion import coerce, supertype
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler, Invocation, signatures
from mainstem.localgcp.bigquery.sql.types import BOOL, FLOAT64, INT64, array_of
from mainstem.localgcp.bigquery.sql.values import Scope, Value


def _array(call: Invocation, index: int = 0) -> Value:
    value = call.value(index)
    if not value.type.is_array:
        raise call.no_match()
    return value


def _concat(call: Invocation) -> Value:
    if call.count == 0:
        raise call.no_match()
    kind = call.common(range(call.count))
    if not kind.is_array:
        raise call.no_match("ARRAY_CONCAT(ARRAY<T>, [ARRAY<T>, ...])")
    items = [call.typed(index, kind).sql for index in range(call.count)]
    return Value(once(items, _joined), kind)


def _joined(names: Sequence[str]) -> str:
    nulls = " OR ".join(f"{name} IS NULL" for name in names)
    return f"CASE WHEN {nulls} THEN NULL ELSE {' || '.join(names)} END"


def _generate(call: Invocation) -> Value:
    call.expect(2, 3)
    kind = call.common(range(call.count))
    if not kind.is_numeric:
        raise call.no_match()
    items = [call.typed(index, kind).sql for index in range(call.count)]
    step = items[2] if call.count == 3 else "1"
    if kind == INT64:
        return Value(f"generate_series({items[0]}, {items[1]}, {step})", array_of(INT64))
    count = f"CAST(floor(({items[1]} - {items[0]}) / {step} + 1e-9) AS BIGINT)"
    series = f"list_transform(generate_series(0, {count}), lambda _i: {items[0]} + _i * {step})"
    return Value(f"CAST({series} AS {array_of(kind).duckdb()})", array_of(kind))


def _lambda(call: Invocation, index: int, array: Value) -> tuple[str, Value]:
    """A lambda argument: DuckDB's parameter names, and the value of the body."""
    node = call.node.arguments[index]
    if not isinstance(node, tree.Lambda) or len(node.parameters) > 2:
        raise call.no_match(f"{call.name}(ARRAY<T>, e -> …)")
    inner = Scope(parent=call.scope)
    names = [call.analyzer.unique("_p") for _ in node.parameters]
    inner.arguments[node.parameters[0].text.casefold()] = Value(names[0], array.type.of())
    if len(names) == 2:
        position = Value(f"({names[1]} - 1)", INT64)
        inner.arguments[node.parameters[1].text.casefold()] = position
    return ", ".join(names), call.analyzer.expression(node.body, inner)


def _transform(call: Invocation) -> Value:
    call.expect(2)
    array = _array(call)
    names, body = _lambda(call, 1, array)
    if body.type.is_array:
        raise call.problem("ARRAY_TRANSFORM cannot build an array of arrays")
    return Value(f"list_transform({array.sql}, lambda {names}: {body.sql})", array_of(body.type))


def _filter(call: Invocation) -> Value:
    call.expect(2)
    array = _array(call)
    names, body = _lambda(call, 1, array)
    if body.type != BOOL:
        raise call.no_match()
    return Value(
        f"list_filter({array.sql}, lambda {names}: COALESCE({body.sql}, FALSE))", array.type
    )


def _includes(call: Invocation) -> Value:
    call.expect(2)
    array = _array(call)
    if isinstance(call.node.arguments[1], tree.Lambda):
        names, body = _lambda(call, 1, array)
        kept = f"list_filter({array.sql}, lambda {names}: COALESCE({body.sql}, FALSE))"
        return Value(f"(len({kept}) > 0)", BOOL)
    kind = supertype([Value("", array.type.of()), call.value(1)])
    if kind is None or kind != array.type.of():
        raise call.no_match()
    return Value(f"list_contains({array.sql}, {call.typed(1, kind).sql})", BOOL)


def _includes_many(function: str) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(2)
        kind = call.common((0, 1))
        if not kind.is_array:
            raise call.no_match()
        return Value(f"{function}({call.typed(0, kind).sql}, {call.typed(1, kind).sql})", BOOL)

    return handle


def _element(template: str) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(1)
        array = _array(call)
        return Value(once_value(array.sql, template.format), array.type.of())

    return handle


def _same(template: str) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(1)
        array = _array(call)
        return Value(template.format(array.sql), array.type)

    return handle


def _slice(call: Invocation) -> Value:
    call.expect(3)
    array = _array(call)
    start, end = call.typed(1, INT64).sql, call.typed(2, INT64).sql
    sql = once_value(array.sql, lambda name: f"bq_array_slice({name}, {start}, {end})")
    return Value(sql, array.type)


def _first_n(call: Invocation) -> Value:
    call.expect(2)
    array = _array(call)
    return Value(f"list_slice({array.sql}, 1, {call.typed(1, INT64).sql})", array.type)


def _to_string(call: Invocation) -> Value:
    return signatures(
        "ARRAY<STRING>, STRING -> STRING: bq_array_to_string({0}, {1})",
        "ARRAY<STRING>, STRING, STRING -> STRING: bq_array_to_string_with({0}, {1}, {2})",
    )(call)


def _sum(call: Invocation) -> Value:
    call.expect(1)
    array = _array(call)
    if not array.type.of().is_numeric:
        raise call.no_match()
    kind = array.type.of()
    return Value(f"CAST(list_sum({array.sql}) AS {kind.duckdb()})", kind)


def _average(call: Invocation) -> Value:
    call.expect(1)
    array = _array(call)
    if array.type.of().kind not in ("INT64", "FLOAT64"):
        raise call.no_match()
    return Value(f"list_avg({array.sql})", FLOAT64)


def _extreme(word: str) -> Handler:
    return _element(f"list_{word}({{0}})")


def _is_distinct(call: Invocation) -> Value:
    call.expect(1)
    array = coerce(_array(call), _array(call).type).sql
    return Value(f"(len({array}) = len(list_distinct({array})) "
                 f"+ CASE WHEN len(list_filter({array}, lambda _e: _e IS NULL)) > 0 "
                 f"THEN 1 ELSE 0 END)", BOOL)  # fmt: skip


def _length(call: Invocation) -> Value:
    call.expect(1)
    if call.value(0).is_null:
        return Value("CAST(NULL AS BIGINT)", INT64)
    return Value(f"CAST(len({_array(call).sql}) AS BIGINT)", INT64)


FUNCTIONS: Final[dict[str, Handler]] = {
    "ARRAY_LENGTH": _length,
    "ARRAY_CONCAT": _concat,
    "ARRAY_REVERSE": _same("list_reverse({0})"),
    "ARRAY_TO_STRING": _to_string,
    "ARRAY_FIRST": _element("{0}[bq_index(len({0}), 0)]"),
    "ARRAY_LAST": _element("{0}[bq_index(len({0}), len({0}) - 1)]"),
    "ARRAY_SLICE": _slice,
    "ARRAY_FIRST_N": _first_n,
    "ARRAY_TRANSFORM": _transform,
    "ARRAY_FILTER": _filter,
    "ARRAY_INCLUDES": _includes,
    "ARRAY_INCLUDES_ANY": _includes_many("list_has_any"),
    "ARRAY_INCLUDES_ALL": _includes_many("list_has_all"),
    "ARRAY_MAX": _extreme("max"),
    "ARRAY_MIN": _extreme("min"),
    "ARRAY_SUM": _sum,
    "ARRAY_AVG": _average,
    "ARRAY_IS_DISTINCT": _is_distinct,
    "GENERATE_ARRAY": _generate,
}
