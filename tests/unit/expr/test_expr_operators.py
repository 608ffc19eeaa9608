"""Operators: precedence, truth, equality, order, arithmetic, membership, ranges, coalescing."""

from decimal import Decimal

import pytest

from mainstem.expr import Float32
from tests.unit.expr.rendering import fault, value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("missing ?? 'b' | upper", "B"),
        ("'a' ~ 'b' | upper", "AB"),
        ("'a' | upper ?? 'x'", "A"),
        ("'a' + 'b' | upper", "aB"),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 2 - 3", "5"),
        ("2 * 3 % 4", "2"),
        ("1 + 1 == 2 and 3 > 2", "true"),
        ("false and false or true", "true"),
        ("true or false and false", "true"),
        ("not true or true", "true"),
        ("-2 + 3", "1"),
        ("- 2 | abs", "2"),
        ("not false", "true"),
        ("+5", "5"),
        ("1 < 2 ? 'a' : 'b'", "a"),
        ("false ? 1 : true ? 2 : 3", "2"),
        ("(false ? 1 : 2) ~ 'x'", "2x"),
        ("'a' ~ 1 ~ null ~ true", "a1true"),
        ("[1,2] contains 1 and 'abc' contains 'b'", "true"),
        ("a is not defined and b is null", "true"),
        ("b is not  null", "false"),
        ("missing ?? missing2 ?? 'c'", "c"),
        ("b ?? 'null falls through'", "null falls through"),
        ("b ??? 'null stays'", ""),
        ("missing ??? 'undefined'", "undefined"),
        ("m.x ?? 'attribute'", "attribute"),
        ("m[missing].y ?? 'key'", "key"),
        ("2 equals 2", "true"),
    ],
)
def test_operators_bind_as_the_dialect_says(expression: str, expected: str) -> None:
    assert value(expression, b=None, m={}) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("7 % 3", "1"),
        ("-7 % 3", "-1"),
        ("7 / 2.0", "3.5"),
        ("7.5 % 2", "1.5"),
        ("1.0 / 0", "Infinity"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("f + 1", "2.5"),
        ("d + 1", "2.10"),
        ("d / 3", "0.3666666666666666666666666666666667"),
        ("'a' + 1", "a1"),
        ("1 + 'a'", "1a"),
        ("'a' + null", "anull"),
        ("[1] + 2", "[1,2]"),
        ("[1] + [2, 3]", "[1,2,3]"),
        ("[1, 2, 1] - 1", "[2,1]"),
        ("[1, 2, 1] - [1]", "[2]"),
        ("9223372036854775807 + 1", "9223372036854775808"),
    ],
)
def test_arithmetic_keeps_the_width_of_its_numbers(expression: str, expected: str) -> None:
    assert value(expression, f=Float32(1.5), d=Decimal("1.10")) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 == 1.0", "true"),
        ("1 == '1'", "false"),
        ("1 != '1'", "true"),
        ("1 == true", "false"),
        ("null == null", "true"),
        ("null == false", "false"),
        ("[1, 2] == l", "true"),
        ("{'a': 1} == m", "true"),
        ("d == 1.5", "true"),
        ("1 < null", "false"),
        ("null >= 1", "false"),
        ("2 > 1.5", "true"),
        ("d <= 1.5", "true"),
        ("[1, 2] contains [1, 2]", "true"),
        ("[1, 2] contains [1, 3]", "false"),
        ("[1] contains true", "false"),
        ("m contains 'a'", "true"),
        ("m contains 'b'", "false"),
        ("null contains 'b'", "false"),
        ("'a1' contains 1", "true"),
    ],
)
def test_values_compare_by_their_meaning(expression: str, expected: str) -> None:
    assert value(expression, l=[1, 2], m={"a": 1}, d=Decimal("1.50")) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1..4", "[1,2,3,4]"),
        ("3..1", "[]"),
        ("'a'..'d'", '["a","b","c","d"]'),
        ("range(1, 7, 3)", "[1,4,7]"),
        ("range(3, 1, -1)", "[3,2,1]"),
        ("range(start=1, end=2)", "[1,2]"),
        ("max(1, 3, 2)", "3"),
        ("min(2, 1.5)", "1.5"),
    ],
)
def test_ranges_include_both_ends(expression: str, expected: str) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("'x'", "y"), ("''", "n"), ("0", "n"), ("0.5", "y"), ("true", "y"), ("null", "n")],
)
def test_a_ternary_takes_null_and_emptiness_for_false(expression: str, expected: str) -> None:
    assert value(f"{expression} ? 'y' : 'n'") == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'a' < 'b'", "needs numbers but got text"),
        ("'4' * 2", "needs numbers but got text"),
        ("null + 1", "needs numbers but got null"),
        ("true + 1", "got a boolean"),
        ("1 / 0", "Division by zero"),
        ("1 % 0", "Division by zero"),
        ("null and true", "`and` needs a boolean"),
        ("false or null", "`or` needs a boolean"),
        ("not null", "`not` needs a boolean"),
        ("[1] and true", "got a list"),
        ("1 contains 1", "`contains` needs text, a list or a map"),
        ("range(1, 2, 0)", "must not be 0"),
        ("'ab'..'c'", "single characters"),
        ("d / 0", "no result"),
    ],
)
def test_what_an_operator_cannot_do_is_said(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}", d=Decimal(1))


def test_the_right_side_is_evaluated_only_if_needed() -> None:
    assert value("true or missing") == "true"
    assert value("false and missing") == "false"
    assert value("1 ?? missing") == "1"
    assert value("null contains missing") == "false"
