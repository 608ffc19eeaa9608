"""Queries: FROM, grouping, windows, set operations, and how their mistakes are named."""

from datetime import date

import pytest

from tests.localgcp.bigquery_sql.memory_host import MemoryHost

QUERIES: list[tuple[str, list[tuple[object, ...]]]] = [
    ("SELECT x FROM UNNEST([3, NULL, 1]) x ORDER BY x", [(None,), (1,), (3,)]),
    ("SELECT x FROM UNNEST([3, NULL, 1]) x ORDER BY x DESC", [(3,), (1,), (None,)]),
    ("SELECT x FROM UNNEST([3, NULL, 1]) x ORDER BY x NULLS LAST", [(1,), (3,), (None,)]),
    ("SELECT x, o FROM UNNEST(['a', 'b']) x WITH OFFSET o ORDER BY o", [("a", 0), ("b", 1)]),
    ("SELECT x, offset FROM UNNEST(['a']) x WITH OFFSET", [("a", 0)]),
    ("SELECT * FROM UNNEST([STRUCT(1 AS a, 'x' AS b), (2, 'y')]) WHERE a > 1", [(2, "y")]),
    ("SELECT * FROM UNNEST([(1, 2), (3, 4)])", [(1, 2), (3, 4)]),
    (
        "SELECT t.a, x FROM (SELECT [1, 2] AS a) t, t.a AS x ORDER BY x",
        [([1, 2], 1), ([1, 2], 2)],
    ),
    (
        "SELECT k, y FROM UNNEST([STRUCT(1 AS k, [5] AS v), (2, [])]) LEFT JOIN UNNEST(v) y "
        "ORDER BY k",
        [(1, 5), (2, None)],
    ),
    ("SELECT * EXCEPT (a) REPLACE (b + 1 AS b) FROM (SELECT 1 a, 2 b)", [(3,)]),
    (
        "SELECT x, COUNT(*) AS n FROM UNNEST([1, 2, 2]) x GROUP BY x ORDER BY n DESC",
        [(2, 2), (1, 1)],
    ),
    (
        "SELECT MOD(x, 2) AS k, SUM(x) FROM UNNEST([1, 2, 3]) x GROUP BY k HAVING SUM(x) > 2",
        [(1, 4)],
    ),
    ("SELECT x, COUNT(*) FROM UNNEST([1, 1]) x GROUP BY ALL", [(1, 2)]),
    (
        "SELECT x, GROUPING(x) AS g, COUNT(*) FROM UNNEST([1]) x GROUP BY ROLLUP(x) ORDER BY g",
        [(1, 0, 1), (None, 1, 1)],
    ),
    (
        "SELECT ARRAY_AGG(DISTINCT x IGNORE NULLS ORDER BY x DESC LIMIT 2) "
        "FROM UNNEST([1, 3, 2, 2, NULL]) x",
        [([3, 2],)],
    ),
    ("SELECT STRING_AGG(x, '-' ORDER BY x) FROM UNNEST(['b', 'a', NULL]) x", [("a-b",)]),
    (
        "SELECT COUNTIF(x > 1), LOGICAL_AND(x > 0), ANY_VALUE(x HAVING MAX x), MAX_BY(x, -x) "
        "FROM UNNEST([1, 2]) x",
        [(1, True, 2, 1)],
    ),
    ("SELECT APPROX_QUANTILES(x, 2) FROM UNNEST([1, 2, 3]) x", [([1, 2, 3],)]),
    (
        "SELECT APPROX_TOP_COUNT(x, 1) FROM UNNEST(['a', 'b', 'b']) x",
        [([{"value": "b", "count": 2}],)],
    ),
    ("SELECT SUM(x), AVG(x) FROM UNNEST(CAST([] AS ARRAY<INT64>)) x", [(None, None)]),
    (
        "SELECT x FROM UNNEST([1, 2, 3]) x QUALIFY ROW_NUMBER() OVER (ORDER BY x DESC) = 1",
        [(3,)],
    ),
    (
        "SELECT x, SUM(x) OVER w FROM UNNEST([1, 2]) x WINDOW w AS (ORDER BY x) ORDER BY x",
        [(1, 1), (2, 3)],
    ),
    (
        "SELECT x, LAG(x) OVER (ORDER BY x), LAST_VALUE(x IGNORE NULLS) OVER (ORDER BY x ROWS "
        "BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM UNNEST([1, 2]) x ORDER BY 1",
        [(1, None, 2), (2, 1, 2)],
    ),
    (
        "SELECT * FROM (SELECT 'a' k, 1 v UNION ALL SELECT 'b', 2) "
        "PIVOT (SUM(v) AS s FOR k IN ('a', 'b' AS bb))",
        [(1, 2)],
    ),
    (
        "SELECT * FROM (SELECT 1 AS id, 10 AS q1, 20 AS q2) UNPIVOT (v FOR q IN (q1, q2)) "
        "ORDER BY v",
        [(1, 10, "q1"), (1, 20, "q2")],
    ),
    (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 4) "
        "SELECT SUM(n) FROM r",
        [(10,)],
    ),
    ("SELECT 1 AS a UNION ALL SELECT NULL UNION ALL SELECT 2.5 ORDER BY a",
     [(None,), (1.0,), (2.5,)]),
    ("(SELECT 1 UNION ALL SELECT 2) EXCEPT DISTINCT SELECT 2", [(1,)]),
    ("SELECT x, a.x AS ax FROM (SELECT 1 x) a FULL JOIN (SELECT 2 x) b USING (x) ORDER BY 1",
     [(1, 1), (2, None)]),
    ("SELECT t FROM (SELECT 1 AS a) t", [({"a": 1},)]),
    ("SELECT AS STRUCT 1 AS a, 2 AS b", [(1, 2)]),
    (
        "SELECT ARRAY_AGG(t ORDER BY a DESC LIMIT 1)[OFFSET(0)].* FROM "
        "UNNEST([STRUCT(1 AS a, 'x' AS b), (2, 'y')]) t",
        [(2, "y")],
    ),
    ("SELECT AS VALUE STRUCT(1 AS a)", [(1,)]),
    ("SELECT UPPER(Col) FROM (SELECT 'a' AS cOL)", [("A",)]),
    ("SELECT a.b.c FROM (SELECT STRUCT(STRUCT(1 AS c) AS b) AS a)", [(1,)]),
    ("SELECT EXISTS(SELECT 1 FROM UNNEST([1]) y WHERE y = x) FROM UNNEST([1, 2]) x ORDER BY x",
     [(True,), (False,)]),
    ("SELECT COUNT(*) FROM UNNEST([1, 2]) TABLESAMPLE SYSTEM (100 PERCENT)", [(2,)]),
    ("SELECT DATE_TRUNC(d, MONTH) AS d, COUNT(*) FROM UNNEST([DATE '2024-01-05']) d GROUP BY d",
     [(date(2024, 1, 1), 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), QUERIES, ids=[query[0] for query in QUERIES])
def test_a_query_gives_what_bigquery_gives(
    shared: MemoryHost, sql: str, rows: list[tuple[object, ...]]
) -> None:
    assert shared.rows(sql) == rows


def test_columns_without_a_name_are_numbered(shared: MemoryHost) -> None:
    assert shared.schema("SELECT 1, 2 AS x, 3") == [
        ("f0_", "INT64"),
        ("x", "INT64"),
        ("f1_", "INT64"),
    ]


MISTAKES = [
    ("SELECT abd FROM (SELECT 1 AS abcd)", "Unrecognized name: abd; Did you mean abcd? at [1:8]"),
    ("SELECT t.zz FROM (SELECT 1 AS a) t", "Name zz not found inside t at [1:10]"),
    (
        "SELECT x FROM (SELECT 1 x) a, (SELECT 2 x) b",
        "Column name x is ambiguous at [1:8]",
    ),
    (
        "SELECT x, y FROM UNNEST([STRUCT(1 AS x, 2 AS y)]) GROUP BY x",
        "SELECT list expression references column y which is neither grouped nor aggregated at "
        "[1:11]",
    ),
    (
        "SELECT 1 FROM UNNEST([1]) x WHERE SUM(x) > 1",
        "Aggregate function SUM not allowed in WHERE clause at [1:35]",
    ),
    ("SELECT SUM(SUM(x)) FROM UNNEST([1]) x", "Aggregations of aggregations are not allowed at "
     "[1:12]"),
    (
        "SELECT 1 UNION ALL SELECT 1, 2",
        "Queries in UNION ALL have mismatched column count; query 1 has 1 column, query 2 has 2 "
        "columns at [1:10]",
    ),
    (
        "SELECT 1 UNION ALL SELECT 'a'",
        "Column 1 in UNION ALL has incompatible types: INT64, STRING at [1:10]",
    ),
    (
        "SELECT 1 AS a, 2 AS a",
        "Duplicate column names in the result are not supported. Found duplicate(s): a",
    ),
    ("SELECT FROM t", "Syntax error: Unexpected keyword FROM at [1:8]"),
    ("SELECT 1 SELECT 2", "Syntax error: Expected end of input but got keyword SELECT at [1:10]"),
    (
        "SELECT 1\nUNION SELECT 2",
        "Syntax error: Expected keyword ALL or keyword DISTINCT but got keyword SELECT at [2:7]",
    ),
    ("SELECT 'abc", "Syntax error: Unclosed string literal at [1:8]"),
    ("SELECT * FROM nods.t", "Not found: Dataset proj:nods was not found in location US at "
     "[1:15]"),
    ("SELECT * FROM nope", "Not found: Table proj:ds.nope was not found in location US at [1:15]"),
    ("SELECT ROW_NUMBER()", "Analytic function ROW_NUMBER cannot be called without an OVER clause "
     "at [1:8]"),
    ("SELECT @p", "Query parameter 'p' not found at [1:8]"),
    ("FROM t", "The local BigQuery emulator does not support queries that begin with FROM at "
     "[1:1]"),
    ("SELECT 1 FROM UNNEST([1]) x NATURAL JOIN UNNEST([1]) y",
     "The local BigQuery emulator does not support NATURAL JOIN at [1:29]"),
    ("SELECT 1 WHERE TRUE", "Query without FROM clause cannot have a WHERE clause at [1:16]"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_place(shared: MemoryHost, sql: str, message: str) -> None:
    assert shared.error(sql) == message


def scalar(kind: str, value: object, name: str | None = None) -> dict[str, object]:
    return {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}


def test_named_parameters_have_their_types(shared: MemoryHost) -> None:
    parameters = [
        scalar("STRING", "a", "s"),
        scalar("DATE", "2024-01-01", "d"),
        {
            "name": "xs",
            "parameterType": {"type": "ARRAY", "arrayType": {"type": "INT64"}},
            "parameterValue": {"arrayValues": [{"value": "1"}, {"value": "2"}]},
        },
        {
            "name": "r",
            "parameterType": {
                "type": "STRUCT",
                "structTypes": [{"name": "x", "type": {"type": "INT64"}}],
            },
            "parameterValue": {"structValues": {"x": {"value": "7"}}},
        },
    ]
    sql = "SELECT @s, FORMAT_DATE('%Y', @d), 2 IN UNNEST(@xs), @r.x, @S"
    assert shared.rows(sql, parameters=parameters) == [("a", "2024", True, 7, "a")]


def test_positional_parameters_are_taken_in_order(shared: MemoryHost) -> None:
    parameters = [scalar("INT64", "5"), scalar("STRING", None)]
    assert shared.rows("SELECT ? + 1, ?", parameters=parameters) == [(6, None)]


def test_too_few_positional_parameters_are_refused(shared: MemoryHost) -> None:
    message = shared.error("SELECT ?, ?", parameters=[scalar("INT64", "5")])
    assert message == "Query has 2 positional parameters but 1 values were given"
