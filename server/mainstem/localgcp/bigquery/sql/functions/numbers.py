"""Arithmetic, conditionals and conversions between numbers."""

from collections.abc import Sequence
from typing import Final

from mainstem.localgcp.bigquery.sql.binding import once, once_value
from mainstem.localgcp.bigquery.sql.coercion import coerce, supertype
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler, Invocation, signatures
from mainstem.localgcp.bigquery.sql.operators import binary, comparable
from mainstem.localgcp.bigquery.sql.types import (
    BOOL,
    FLOAT64,
    INT64,
    NUMERIC,
    STRING,
    Type,
)
from mainstem.localgcp.bigquery.sql.values import Value


def _call(function: str, *arguments: str) -> str:
    """A macro's call, whose arguments it repeats."""
    return once(arguments, lambda names: f"{function}({', '.join(names)})")


def _unless_null(function: str, names: Sequence[str]) -> str:
    tests = " OR ".join(f"{name} IS NULL" for name in names)
    return f"CASE WHEN {tests} THEN NULL ELSE {function}({', '.join(names)}) END"


def _same_number(template: str, *, floats: str | None = None) -> Handler:
    """A function that keeps the numeric type of its one argument."""

    def handle(call: Invocation) -> Value:
        call.expect(1)
        value = call.value(0)
        if not value.type.is_numeric:
            raise call.no_match()
        used = floats if floats is not None and value.type == FLOAT64 else template
        return Value(f"CAST({used.format(value.sql)} AS {value.type.duckdb()})", value.type)

    return handle


def _rounded(name: str) -> Handler:
    """CEIL and FLOOR: integers become FLOAT64, as in BigQuery."""

    def handle(call: Invocation) -> Value:
        call.expect(1)
        value = call.value(0)
        if not value.type.is_numeric:
            raise call.no_match()
        kind = FLOAT64 if value.type == INT64 else value.type
        return Value(f"CAST({name}({value.sql}) AS {kind.duckdb()})", kind)

    return handle


def _round(name: str) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(1, 2)
        value = call.value(0)
        if not value.type.is_numeric:
            raise call.no_match()
        kind = FLOAT64 if value.type == INT64 else value.type
        number = call.coerced(value, kind).sql
        digits = f"CAST({call.typed(1, INT64).sql} AS INTEGER)" if call.count == 2 else "0"
        function = "bq_trunc" if name == "trunc" else "round"
        if kind != FLOAT64:
            # DuckDB's decimal round needs the digits to be constant.
            constant = call.value(1).constant if call.count == 2 else "0"
            if constant is None:
                raise call.problem(
                    f"The local BigQuery emulator needs constant digits in {call.name} of {kind}"
                )
            digits = constant
        rounded = once_value(number, lambda name: f"{function}({name}, {digits})")
        return Value(f"CAST({rounded} AS {kind.duckdb()})", kind)

    return handle


def _float(template: str) -> Handler:
    return signatures(f"FLOAT64 -> FLOAT64: {template}")


def _safe(operator: str) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(2)
        value = binary(operator, call.value(0), call.value(1), call.at)
        return Value(f"TRY({value.sql})", value.type)

    return handle


def _safe_divide(call: Invocation) -> Value:
    call.expect(2)
    value = binary("/", call.value(0), call.value(1), call.at)
    if value.type == FLOAT64:
        a, b = call.typed(0, FLOAT64).sql, call.typed(1, FLOAT64).sql
        return Value(_call("bq_safe_divide", a, b), FLOAT64)
    return Value(f"TRY({value.sql})", value.type)


def _safe_negate(call: Invocation) -> Value:
    call.expect(1)
    value = call.value(0)
    if not value.type.is_numeric:
        raise call.no_match()
    return Value(f"TRY(-{value.sql})", value.type)


def _div(call: Invocation) -> Value:
    call.expect(2)
    kind = call.common((0, 1))
    if kind.kind not in ("INT64", "NUMERIC", "BIGNUMERIC"):
        raise call.no_match("DIV(INT64, INT64); DIV(NUMERIC, NUMERIC)")
    a, b = call.typed(0, kind).sql, call.typed(1, kind).sql
    if kind == INT64:
        return Value(_call("bq_div", a, b), INT64)
    return Value(f"CAST(trunc({binary('/', call.value(0), call.value(1), call.at).sql}) "
                 f"AS {kind.duckdb()})", kind)  # fmt: skip


def _mod(call: Invocation) -> Value:
    call.expect(2)
    kind = call.common((0, 1))
    if kind.kind not in ("INT64", "NUMERIC", "BIGNUMERIC"):
        raise call.no_match("MOD(INT64, INT64); MOD(NUMERIC, NUMERIC)")
    return Value(_call("bq_mod", call.typed(0, kind).sql, call.typed(1, kind).sql), kind)


def _pow(call: Invocation) -> Value:
    call.expect(2)
    kind = call.common((0, 1))
    if not kind.is_numeric:
        raise call.no_match()
    sql = _call("bq_pow", call.typed(0, FLOAT64).sql, call.typed(1, FLOAT64).sql)
    if kind.kind in ("NUMERIC", "BIGNUMERIC"):
        return Value(f"CAST({sql} AS {kind.duckdb()})", kind)
    return Value(sql, FLOAT64)


def _log(call: Invocation) -> Value:
    call.expect(1, 2)
    value = call.typed(0, FLOAT64).sql
    if call.count == 1:
        return Value(_call("bq_ln", value), FLOAT64)
    base = _call("bq_ln", call.typed(1, FLOAT64).sql)
    return Value(f"({_call('bq_ln', value)} / {base})", FLOAT64)


def _extreme(word: str) -> Handler:
    """GREATEST and LEAST give NULL when any argument is, unlike DuckDB's."""

    def handle(call: Invocation) -> Value:
        if call.count == 0:
            raise call.no_match()
        kind = call.common(range(call.count))
        if kind.kind in ("ARRAY", "STRUCT", "JSON"):
            raise call.no_match()
        items = [call.typed(index, kind).sql for index in range(call.count)]
        return Value(once(items, lambda names: _unless_null(word, names)), kind)

    return handle


def _sign(call: Invocation) -> Value:
    call.expect(1)
    value = call.value(0)
    if not value.type.is_numeric:
        raise call.no_match()
    return Value(f"CAST(sign({value.sql}) AS {value.type.duckdb()})", value.type)


def _range_bucket(call: Invocation) -> Value:
    call.expect(2)
    point, points = call.value(0), call.value(1)
    if not points.type.is_array:
        raise call.no_match()
    kind = supertype([point, Value("", points.type.of())])
    if kind is None or points.type.of() != kind:
        raise call.no_match()
    return Value(_call("bq_range_bucket", coerce(point, kind).sql, points.sql), INT64)


# ---- conditionals -------------------------------------------------------------------------


def _if(call: Invocation) -> Value:
    call.expect(3)
    condition = call.typed(0, BOOL).sql
    kind = call.common((1, 2))
    a, b = call.typed(1, kind).sql, call.typed(2, kind).sql
    is_null = call.value(1).is_null and call.value(2).is_null
    return Value(f"CASE WHEN {condition} THEN {a} ELSE {b} END", kind, is_null=is_null)


def _coalesce(call: Invocation) -> Value:
    if call.count == 0:
        raise call.no_match()
    kind = call.common(range(call.count))
    items = ", ".join(call.typed(index, kind).sql for index in range(call.count))
    is_null = all(value.is_null for value in call.values())
    return Value(f"COALESCE({items})", kind, is_null=is_null)


def _ifnull(call: Invocation) -> Value:
    call.expect(2)
    return _coalesce(call)


def _nullif(call: Invocation) -> Value:
    call.expect(2)
    kind = comparable(call.value(0), call.value(1), is_equality=True, at=call.at)
    if kind is None:
        raise call.no_match()
    return Value(f"NULLIF({call.typed(0, kind).sql}, {call.typed(1, kind).sql})", kind)


def _parse_number(kind: Type) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(1)
        text = call.typed(0, STRING).sql
        return Value(once_value(text, lambda name: _parsed_number(call, name, kind)), kind)

    return handle


def _parsed_number(call: Invocation, text: str, kind: Type) -> str:
    cleaned = f"replace(replace({text}, ',', ''), ' ', '')"
    attempt = f"bq_text_to_{kind.kind.lower()}({cleaned})"
    if call.node.is_safe:
        return attempt
    message = f"concat('Invalid input to {call.name}: ', {text})"
    failure = f"CAST(bq_raise_text({message}) AS {kind.duckdb()})"
    return f"CASE WHEN {text} IS NULL THEN NULL ELSE COALESCE({attempt}, {failure}) END"


def _error(call: Invocation) -> Value:
    call.expect(1)
    return Value(f"bq_raise({call.typed(0, STRING).sql})", INT64, is_null=True)


FUNCTIONS: Final[dict[str, Handler]] = {
    "ABS": _same_number("abs({0})"),
    "SIGN": _sign,
    "CEIL": _rounded("ceil"),
    "CEILING": _rounded("ceil"),
    "FLOOR": _rounded("floor"),
    "ROUND": _round("round"),
    "TRUNC": _round("trunc"),
    "DIV": _div,
    "MOD": _mod,
    "POW": _pow,
    "POWER": _pow,
    "SQRT": _float("bq_sqrt({0})"),
    "CBRT": _float("cbrt({0})"),
    "EXP": _float("bq_exp({0})"),
    "LN": _float("bq_ln({0})"),
    "LOG": _log,
    "LOG10": _float("(bq_ln({0}) / ln(10))"),
    "SIN": _float("sin({0})"),
    "COS": _float("cos({0})"),
    "TAN": _float("tan({0})"),
    "ASIN": _float("asin({0})"),
    "ACOS": _float("acos({0})"),
    "ATAN": _float("atan({0})"),
    "SINH": _float("sinh({0})"),
    "COSH": _float("cosh({0})"),
    "TANH": _float("tanh({0})"),
    "ATAN2": signatures("FLOAT64, FLOAT64 -> FLOAT64: atan2({0}, {1})"),
    "IS_NAN": signatures("FLOAT64 -> BOOL: isnan({0})"),
    "IS_INF": signatures("FLOAT64 -> BOOL: isinf({0})"),
    "IEEE_DIVIDE": signatures("FLOAT64, FLOAT64 -> FLOAT64: ({0} / {1})"),
    "RAND": signatures("-> FLOAT64: random()"),
    "SAFE_DIVIDE": _safe_divide,
    "SAFE_ADD": _safe("+"),
    "SAFE_SUBTRACT": _safe("-"),
    "SAFE_MULTIPLY": _safe("*"),
    "SAFE_NEGATE": _safe_negate,
    "GREATEST": _extreme("greatest"),
    "LEAST": _extreme("least"),
    "RANGE_BUCKET": _range_bucket,
    "BIT_COUNT": signatures("INT64 -> INT64: CAST(bit_count({0}) AS BIGINT)"),
    "IF": _if,
    "IFNULL": _ifnull,
    "COALESCE": _coalesce,
    "NULLIF": _nullif,
    "PARSE_NUMERIC": _parse_number(NUMERIC),
    "PARSE_BIGNUMERIC": _parse_number(Type("BIGNUMERIC")),
    "ERROR": _error,
    "SESSION_USER": signatures("-> STRING: 'local@mainstem.invalid'"),
}
