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


@pytest.mark.parametrize("step", NESTED)
def test_a_deep_expression_grows_with_its_text_only(shared: MemoryHost, step: str) -> None:
    inner = "x"
    for _ in range(5 if step.count("{0}") > 1 else 12):
        inner = step.format(inner)
    text = f"SELECT {inner} AS y FROM UNNEST([1.0, 4.0]) x GROUP BY y"
    sql = Analyzer(Context(Surroundings(shared))).query(parse_query(text), None).sql
    assert len(sql) < 40 * len(text) + 10_000
    assert shared.run(text).error is None
