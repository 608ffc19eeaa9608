"""Translations stay small, however deeply calls are nested."""

import pytest

from mainstem.localgcp.bigquery.sql.analyze_query import Analyzer
from mainstem.localgcp.bigquery.sql.context import Context, Surroundings
from mainstem.localgcp.bigquery.sql.parse_query import parse_query
from tests.localgcp.bigquery_sql.memory_host import MemoryHost

NESTED = [
    "(1.0 / (1.0 + {0}))",
    "SQRT(POW({0}, 2))",
    "SAFE_DIVIDE({0}, 1 + {0} * 0)",
    "CAST(CAST({0} AS STRING) AS FLOAT64)",
    "GREATEST({0}, 1)",
]


def nested(step: str, depth: int) -> str:
    inner = "x"
    for _ in range(depth):
        inner = step.format(inner)
    return f"SELECT {inner} AS y FROM UNNEST([1.0, 4.0]) x GROUP BY y"


@pytest.mark.parametrize("step", NESTED)
def test_a_deep_expression_grows_with_its_text_only(shared: MemoryHost, step: str) -> None:
    """Twice as deep, the translation has about as many characters for each of the text."""
    depth = 3 if step.count("{0}") > 1 else 6

    def share(text: str) -> float:
        context = Context(Surroundings(shared))
        return len(Analyzer(context).query(parse_query(text), None).sql) / len(text)

    assert share(nested(step, 2 * depth)) < 2 * share(nested(step, depth))
    assert shared.run(nested(step, depth)).error is None
