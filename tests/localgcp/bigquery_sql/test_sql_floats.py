"""FLOAT64 as BigQuery computes it: overflow is an error, NaN equals nothing."""

import math

import pytest

from tests.localgcp.bigquery_sql.memory_host import MemoryHost

NAN = "CAST('nan' AS FLOAT64)"
INF = "CAST('inf' AS FLOAT64)"

OVERFLOWS = [
    ("x * 10", "double overflow: 1e+308 * 10"),
    ("x + x", "double overflow: 1e+308 + 1e+308"),
    ("-x - x", "double overflow: -1e+308 - 1e+308"),
    ("x / 0.1", "double overflow: 1e+308 / 0.1"),
    ("1 / (x * 10)", "double overflow: 1e+308 * 10"),
    ("(x * 10) * 0", "double overflow: 1e+308 * 10"),
    ("(x * 10) - (x * 10)", "double overflow: 1e+308 * 10"),
    ("1 + (2 + (x * 10)) / 3", "double overflow: 1e+308 * 10"),
    ("x / (x - x)", "division by zero: 1e+308 / 0"),
    ("1 / (1 / (x - x))", "division by zero: 1 / 0"),
    ("POW(10.0, 400)", "Floating point error in function: POW(10, 400)"),
    ("EXP(1000)", "Floating point error in function: EXP(1000)"),
]


@pytest.mark.parametrize(("expression", "message"), OVERFLOWS)
def test_an_overflow_is_an_error(shared: MemoryHost, expression: str, message: str) -> None:
    assert shared.error(f"SELECT {expression} FROM UNNEST([1e308]) AS x") == message


INFINITE = [
    (f"{INF} + 1", math.inf),
    (f"{INF} * -2", -math.inf),
    (f"1 / {INF}", 0.0),
    (f"IEEE_DIVIDE(1, 0) * 2 + {INF}", math.inf),
]


@pytest.mark.parametrize(("expression", "value"), INFINITE)
def test_an_infinite_operand_stays_infinite(
    shared: MemoryHost, expression: str, value: float
) -> None:
    assert shared.one(expression) == value


@pytest.mark.parametrize("expression", ["x + 1", "x / 0", "0 / x", "x * x - x"])
def test_null_stays_null_in_arithmetic(shared: MemoryHost, expression: str) -> None:
    text = f"SELECT {expression} FROM UNNEST([CAST(NULL AS FLOAT64)]) AS x"
    assert shared.rows(text) == [(None,)]


NAN_TESTS = [
    (f"{NAN} = {NAN}", False),
    (f"{NAN} != {NAN}", True),
    (f"{NAN} != 1", True),
    (f"{NAN} > 1", False),
    (f"{NAN} >= {NAN}", False),
    (f"1 < {NAN}", False),
    (f"{NAN} <= {NAN}", False),
    (f"{NAN} IN ({NAN}, 1)", False),
    (f"{NAN} NOT IN ({NAN}, 1)", True),
    (f"CASE {NAN} WHEN {NAN} THEN TRUE ELSE FALSE END", False),
    (f"({NAN}, 1) = ({NAN}, 1)", False),
    (f"{INF} = {INF}", True),
    (f"-{INF} < {INF}", True),
    (f"{NAN} = CAST(NULL AS FLOAT64)", None),
]


@pytest.mark.parametrize(("test", "holds"), NAN_TESTS)
def test_nan_compares_with_nothing(shared: MemoryHost, test: str, holds: bool | None) -> None:
    assert shared.one(test) is holds


def test_float_columns_still_join(shared: MemoryHost) -> None:
    text = "SELECT COUNT(*) FROM UNNEST([1.5, 2.5]) a JOIN UNNEST([2.5, 3.5]) b ON a = b"
    assert shared.rows(text) == [(1,)]


def test_one_random_number_stays_one_in_arithmetic(shared: MemoryHost) -> None:
    text = "SELECT COUNTIF(r * 2 - r - r != 0) FROM (SELECT RAND() * 8 AS r FROM UNNEST([1, 2, 3]))"
    assert shared.rows(text) == [(0,)]
