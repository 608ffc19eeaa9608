"""DuckDB's errors in BigQuery's words."""

import re
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid_query

_RAISED: Final = re.compile(r"~bq~(.*)' to INT64", re.DOTALL)
_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), message)
    for pattern, message in (
        (r"NOT NULL constraint failed: \S+?\.([^.\s]+)\s*$",
         "Required field {0} cannot be null"),
        (r"NOT NULL constraint failed: (\S+)", "Required field {0} cannot be null"),
        (r'CHECK constraint failed .*CHECK\(\(?(\w+)\("?(\w+)"?\)? *<= (\d+)',
         "Field {1}: value has a maximum length of {2}"),
        (r"CHECK constraint failed", "A value exceeds the maximum length of its field"),
        (r"More than one row returned by a subquery",
         "Scalar subquery produced more than one element"),
        (r"Overflow in (\w+) of INT64 \((\S+) (\S+) (\S+)\)", "int64 overflow: {1} {2} {3}"),
        (r"Type INT128 with value (\S+) can't be cast", "int64 overflow: {0}"),
        (r"Overflow in (\w+) of DECIMAL", "numeric overflow in {0}"),
        (r'Casting value "([^"]*)" to type DECIMAL\((\d+),(\d+)\) failed',
         "Value {0} has more digits than NUMERIC({1}, {2}) allows"),
        (r"Could not cast value (\S+) to DECIMAL", "numeric out of range: {0}"),
        (r"value (\S+) can't be cast because the value is out of", "Value {0} is out of range"),
        (r"Unknown TimeZone '([^']*)'", "Invalid time zone: {0}"),
        (r"Division by zero in expression \((\S+) % (\S+)\)", "division by zero: MOD({0}, {1})"),
        (r"Date out of range: (\S+)", "Input calculates to invalid date: {0}"),
        (r"Invalid Input Error: (missing [^:]*: .*|invalid perl operator.*|no argument for rep.*)",
         "Cannot parse regular expression: {0}"),
    )
)  # fmt: skip


def explain(error: duckdb.Error) -> BigQueryError:
    """What BigQuery would say where DuckDB said this."""
    text = str(error)
    raised = _RAISED.search(text)
    if raised is not None:
        return invalid_query(raised.group(1))
    for pattern, message in _RULES:
        match = pattern.search(text)
        if match is not None:
            return invalid_query(message.format(*match.groups()))
    return invalid_query(_plain(text))


def _plain(text: str) -> str:
    """DuckDB's message without its picture of our SQL."""
    first = text.split("\n\nLINE ", 1)[0].split("\n\nCandidate", 1)[0]
    return re.sub(r"^[A-Za-z ]+ Error: ", "", first).strip()
