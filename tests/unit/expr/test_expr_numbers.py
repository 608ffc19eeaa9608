"""Numbers: their Java text, `number`, `numberFormat`, `abs` and class names."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from mainstem.expr import ZULU, BigInteger, Float32, Long
from tests.unit.expr.rendering import fault, value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (1.0, "1.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (9999999.0, "9999999.0"),
        (0.001, "0.001"),
        (0.00012, "1.2E-4"),
        (-0.0, "-0.0"),
        (1e300, "1.0E300"),
        (100.0, "100.0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Float32(1.123), "1.123"),
        (Float32(0.1), "0.1"),
        (Float32(16777216), "1.6777216E7"),
        (Float32(1e-5), "1.0E-5"),
        (Float32(3.4028235e38), "3.4028235E38"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1.10"), "1.10"),
        (2**70, "1180591620717411303424"),
    ],
)
def test_numbers_print_as_java_prints_them(number: object, text: str) -> None:
    assert value("n", n=number) == text


@pytest.mark.parametrize(
    ("expression", "expected", "kind"),
    [
        ("'12' | number", "12", "Integer"),
        ("'2147483648' | number", "2147483648", "Long"),
        ("'9223372036854775808' | number", "9223372036854775808", "BigInteger"),
        ("'12.3' | number", "12.3", "Float"),
        ("'12.345678901' | number", "12.345678901", "Double"),
        ("'1.23456789012345678' | number", "1.23456789012345678", "BigDecimal"),
        ("'1e3' | number", "1000.0", "Float"),
        ("'1e400' | number | numberFormat('0E0')", "1E400", "String"),
        ("'0x1F' | number", "31", "Integer"),
        ("'12L' | number", "12", "Long"),
        ("'1.5d' | number", "1.5", "Double"),
        ("'1.5f' | number", "1.5", "Float"),
        ("'12' | number('INT')", "12", "Integer"),
        ("'12' | number('LONG')", "12", "Long"),
        ("'12' | number('FLOAT')", "12.0", "Float"),
        ("'12' | number(type='DOUBLE')", "12.0", "Double"),
        ("'12.50' | number('BIGDECIMAL')", "12.50", "BigDecimal"),
        ("'12' | number('BIGINTEGER')", "12", "BigInteger"),
        ("-3 | abs", "3", "Long"),
        ("1", "1", "Long"),
        ("'a' ~ 1", "a1", "String"),
        ("1 < 2", "true", "Boolean"),
        ("1.5", "1.5", "Double"),
    ],
)
def test_number_reads_text_into_the_smallest_type(
    expression: str, expected: str, kind: str
) -> None:
    assert value(expression) == expected
    if kind != "Long" or "abs" not in expression:
        assert value(f"({expression}) | className").endswith(f".{kind}")


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        (1, "java.lang.Integer"),
        (2**40, "java.lang.Long"),
        (2**70, "java.math.BigInteger"),
        (Long(1), "java.lang.Long"),
        (BigInteger(1), "java.math.BigInteger"),
        (1.5, "java.lang.Double"),
        (Float32(1), "java.lang.Float"),
        (Decimal(1), "java.math.BigDecimal"),
        ("x", "java.lang.String"),
        (False, "java.lang.Boolean"),
        (datetime(2024, 1, 1, tzinfo=UTC), "java.time.Instant"),
        (datetime(2024, 1, 1, tzinfo=ZULU), "java.time.ZonedDateTime"),
        (datetime(2024, 1, 1), "java.time.LocalDateTime"),  # noqa: DTZ001
        (date(2024, 1, 1), "java.time.LocalDate"),
        (time(1), "java.time.LocalTime"),
        (timedelta(1), "java.time.Duration"),
        ([], "java.util.ArrayList"),
        ({}, "java.util.LinkedHashMap"),
    ],
)
def test_class_name_gives_the_java_name_of_the_kind(variable: object, name: str) -> None:
    assert value("v | className", v=variable) == name


@pytest.mark.parametrize(
    ("number", "pattern", "expected"),
    [
        (1234.567, "#.##", "1234.57"),
        (1.5, "#.##", "1.5"),
        (1.0, "#.##", "1"),
        (0.5, "#.##", "0.5"),
        (0.5, ".##", ".5"),
        (7, ".##", "7.0"),
        (0.005, "0.00", "0.01"),
        (0.015, "0.00", "0.01"),
        (0.005, "0%", "0%"),
        (1234, "##0.##E0", "1.234E3"),
        (1234.5, "", "1,234.5"),
        (0, "00.###E00", "00E00"),
        (0.5, "0.00", "0.50"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (1234567, "#,###", "1,234,567"),
        (0.125, "0.00", "0.12"),
        (0.135, "0.00", "0.14"),
        (2.5, "0", "2"),
        (3.5, "0", "4"),
        (-1234.5, "#,##0.00", "-1,234.50"),
        (-5, "0;(0)", "(5)"),
        (0.256, "0%", "26%"),
        (0.256, "#0.0%", "25.6%"),
        (0.0256, "0.0‰", "25.6‰"),
        (5, "000", "005"),
        (5, "'#'0", "#5"),
        (5, "0 'o''clock'", "5 o'clock"),
        (5, "$0.00 USD", "$5.00 USD"),
        (12345, "0.###E0", "1.234E4"),
        (12345, "00.###E0", "12.345E3"),
        (12345, "##0.#####E0", "12.345E3"),
        (0.00012345, "0.00E00", "1.23E-04"),
        (0, "#", "0"),
        (0, "#.##", "0"),
        (-0.4, "0", "-0"),
        (10**20, "#,##0", "100,000,000,000,000,000,000"),
        (Decimal("1.005"), "0.00", "1.00"),
        (Float32(1.232654), "#.##", "1.23"),
        (float("inf"), "0", "∞"),
        (5, "#.", "5."),
    ],
)
def test_number_format_follows_decimal_format(number: object, pattern: str, expected: str) -> None:
    assert value("n | numberFormat(p)", n=number, p=pattern) == expected


def test_number_format_without_a_pattern_groups_and_keeps_three_decimals() -> None:
    assert value("1234.5678 | numberFormat") == "1,234.568"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1 | number", "`number` needs text but got a number"),
        ("'x' | number", "The text is not a number"),
        ("'1.5' | number('INT')", "not an integer"),
        ("'3000000000' | number('INT')", "doesn't fit into INT"),
        ("'x' | number('DOUBLE')", "not a number of type DOUBLE"),
        ("'x' | abs", "`abs` needs numbers"),
        ("null | abs", "can't be applied to null"),
        ("'x' | numberFormat('0')", "needs numbers"),
        ("1 | numberFormat('0#')", "wrong order"),
        ("1 | numberFormat('0 0')", "two places"),
        ('1 | numberFormat("\'0")', "never closed"),
        ("x * x", "grew too large"),
    ],
)
def test_misused_numbers_are_faults(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}", x=2**600)
