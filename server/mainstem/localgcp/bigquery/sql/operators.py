"""The arithmetic, comparison and text operators."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mainstem.localgcp.bigquery.sql.binding import once
from mainstem.localgcp.bigquery.sql.coercion import coerce, supertype
from mainstem.localgcp.bigquery.sql.constants import BadConstant
from mainstem.localgcp.bigquery.sql.floats import arithmetic, compare
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.types import (
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT64,
    INT64,
    INTERVAL,
    STRING,
    Type,
)
from mainstem.localgcp.bigquery.sql.values import Value, member_at

_UNORDERED: Final = frozenset({"STRUCT", "JSON", "ARRAY"})
_MOMENTS: Final = frozenset({"DATE", "DATETIME", "TIMESTAMP"})


def binary(operator: str, left: Value, right: Value, at: int) -> Value:
    """`left operator right`, typed as BigQuery types it."""
    builder = _BINARY[operator]
    value = builder(operator, left, right, at)
    if value is None:
        raise no_match(operator, (left, right), at)
    return value


def no_match(operator: str, values: tuple[Value, ...], at: int) -> SqlProblem:
    kinds = ", ".join("NULL" if value.is_null else str(value.type) for value in values)
    known = _SIGNATURES.get(operator, f"ANY {operator} ANY")
    return SqlProblem(
        f"No matching signature for operator {operator} for argument types: {kinds}. "
        f"Supported signature{'s' if ';' in known else ''}: {known}",
        at,
    )


_SIGNATURES: Final = {
    "+": "INT64 + INT64; FLOAT64 + FLOAT64; NUMERIC + NUMERIC; BIGNUMERIC + BIGNUMERIC; "
    "DATE + INT64; INT64 + DATE; TIMESTAMP + INTERVAL; DATE + INTERVAL; DATETIME + INTERVAL",
    "-": "INT64 - INT64; NUMERIC - NUMERIC; FLOAT64 - FLOAT64; DATE - INT64; DATE - DATE",
    "*": "INT64 * INT64; FLOAT64 * FLOAT64; NUMERIC * NUMERIC; BIGNUMERIC * BIGNUMERIC",
    "/": "FLOAT64 / FLOAT64; NUMERIC / NUMERIC; BIGNUMERIC / BIGNUMERIC",
    "||": "STRING || STRING; BYTES || BYTES; ARRAY<T> || ARRAY<T>",
    "AND": "BOOL AND BOOL",
    "OR": "BOOL OR BOOL",
    "NOT": "NOT BOOL",
}


def coerced(value: Value, kind: Type, at: int) -> Value:
    """`coerce` with a position for a constant whose text does not fit."""
    try:
        return coerce(value, kind)
    except BadConstant as error:
        raise SqlProblem(str(error), at) from None


def _arithmetic(operator: str, left: Value, right: Value, at: int) -> Value | None:
    moved = _moved(operator, left, right)
    if moved is not None:
        return moved
    kind = supertype([left, right])
    if kind is None or not kind.is_numeric:
        return None
    if kind == FLOAT64:
        return arithmetic(operator, coerced(left, kind, at), coerced(right, kind, at))
    a, b = coerced(left, kind, at).sql, coerced(right, kind, at).sql
    sql = f"({a} {operator} {b})"
    if operator == "*" and kind.kind in ("NUMERIC", "BIGNUMERIC"):
        sql = f"CAST({sql} AS {kind.duckdb()})"
    return Value(sql, kind)


def _moved(operator: str, left: Value, right: Value) -> Value | None:
    """Dates and times moved by days or intervals, and their differences."""
    if operator == "+" and right.type.kind in _MOMENTS and left.type in (INT64, INTERVAL):
        left, right = right, left
    kind = left.type.kind
    if operator == "*" and INTERVAL in (left.type, right.type):
        factor, interval = (left, right) if right.type == INTERVAL else (right, left)
        return Value(f"({interval.sql} * {factor.sql})", INTERVAL)
    if kind == "DATE" and right.type == INT64 and operator in "+-" and not left.is_null:
        return Value(f"CAST({left.sql} {operator} CAST({right.sql} AS INTEGER) AS DATE)", DATE)
    if right.type == INTERVAL and operator in "+-":
        result = {"DATE": DATETIME, "INTERVAL": INTERVAL}.get(kind, left.type)
        if kind in _MOMENTS | {"INTERVAL", "TIME"}:
            return Value(f"({left.sql} {operator} {right.sql})", result)
    if operator == "-" and kind in _MOMENTS and left.type == right.type:
        return Value(_difference(left, right), INTERVAL)
    return None


def _difference(left: Value, right: Value) -> str:
    if left.type == DATE:
        return f"to_days(CAST({left.sql} - {right.sql} AS INTEGER))"
    return f"to_microseconds(epoch_us({left.sql}) - epoch_us({right.sql}))"


def _division(operator: str, left: Value, right: Value, at: int) -> Value | None:
    kind = supertype([left, right])
    if kind is None or not kind.is_numeric:
        return None
    if kind.kind in ("NUMERIC", "BIGNUMERIC"):
        if kind.kind == "BIGNUMERIC":
            # Its quotients have more digits than DuckDB's decimals can hold.
            raise refused("division of BIGNUMERIC", at)
        sides = coerced(left, kind, at).sql, coerced(right, kind, at).sql
        return Value(once(sides, lambda names: f"bq_divide_numeric({', '.join(names)})"), kind)
    return arithmetic(operator, coerced(left, FLOAT64, at), coerced(right, FLOAT64, at))


def _concatenation(operator: str, left: Value, right: Value, at: int) -> Value | None:
    kind = supertype([left, right])
    if kind is None or not (kind in (STRING, BYTES) or kind.is_array):
        return None
    a, b = coerced(left, kind, at).sql, coerced(right, kind, at).sql
    if kind.is_array:
        # DuckDB takes a NULL list for an empty one; BigQuery gives NULL.
        return Value(once((a, b), _joined_arrays), kind)
    return Value(f"({a} || {b})", kind)


def _joined_arrays(names: Sequence[str]) -> str:
    tests = " AND ".join(f"{name} IS NOT NULL" for name in names)
    return f"CASE WHEN {tests} THEN {' || '.join(names)} END"


def _comparison(operator: str, left: Value, right: Value, at: int) -> Value | None:
    kind = comparable(left, right, is_equality=operator in ("=", "!="), at=at)
    if kind is None:
        return None
    if kind.is_struct:
        sides = coerced(left, kind, at).sql, coerced(right, kind, at).sql
        equal = once(sides, lambda names: _structs_equal(names, kind, at))
        return Value(equal if operator == "=" else f"(NOT {equal})", BOOL)
    if kind == FLOAT64:
        return Value(compare(operator, coerced(left, kind, at), coerced(right, kind, at)), BOOL)
    sign = "<>" if operator == "!=" else operator
    return Value(f"({coerced(left, kind, at).sql} {sign} {coerced(right, kind, at).sql})", BOOL)


def _structs_equal(names: Sequence[str], kind: Type, at: int) -> str:
    """Member by member: DuckDB's own comparison takes two NULL members for equal."""
    left, right = Value(names[0], kind), Value(names[1], kind)
    tests = [
        binary("=", member_at(left, index), member_at(right, index), at).sql
        for index in range(len(kind.fields))
    ]
    return f"({' AND '.join(tests)})" if tests else "TRUE"


def comparable(left: Value, right: Value, *, is_equality: bool, at: int) -> Type | None:
    """The type in which two values compare, or None."""
    kind = supertype([left, right])
    if kind is None:
        return None
    if kind.is_array or kind.kind == "JSON":
        verb = "Equality" if is_equality else "Less than"
        raise SqlProblem(f"{verb} is not defined for arguments of type {kind}", at)
    if kind.kind in _UNORDERED and not is_equality:
        raise SqlProblem(f"Less than is not defined for arguments of type {kind}", at)
    return kind


def _logic(operator: str, left: Value, right: Value, at: int) -> Value | None:
    if not all(value.is_null or value.type == BOOL for value in (left, right)):
        return None
    return Value(f"({coerced(left, BOOL, at).sql} {operator} {coerced(right, BOOL, at).sql})", BOOL)


def _bits(operator: str, left: Value, right: Value, at: int) -> Value | None:
    if not all(value.is_null or value.type == INT64 for value in (left, right)):
        return None
    a, b = coerced(left, INT64, at).sql, coerced(right, INT64, at).sql
    if operator == "^":
        return Value(f"xor({a}, {b})", INT64)
    if operator in ("<<", ">>"):
        name = "bq_shift_left" if operator == "<<" else "bq_shift_right"
        return Value(once((a, b), lambda names: f"{name}({', '.join(names)})"), INT64)
    return Value(f"({a} {operator} {b})", INT64)


Builder = Callable[[str, Value, Value, int], Value | None]

_BINARY: Final[Mapping[str, Builder]] = {
    "+": _arithmetic,
    "-": _arithmetic,
    "*": _arithmetic,
    "/": _division,
    "||": _concatenation,
    "AND": _logic,
    "OR": _logic,
    "|": _bits,
    "&": _bits,
    "^": _bits,
    "<<": _bits,
    ">>": _bits,
} | dict.fromkeys(("=", "!=", "<", ">", "<=", ">="), _comparison)


def unary(operator: str, value: Value, at: int) -> Value:
    """`NOT x`, `-x`, `+x` or `~x`."""
    kind = value.type
    if operator == "NOT" and (kind == BOOL or value.is_null):
        return Value(f"(NOT {coerced(value, BOOL, at).sql})", BOOL)
    if operator == "~" and kind == INT64:
        return Value(f"(~{value.sql})", INT64)
    if operator == "-" and (kind.is_numeric or kind == INTERVAL):
        return Value(f"(-{value.sql})", kind)
    if operator == "+" and kind.is_numeric:
        return value
    raise no_match(operator, (value,), at)
