"""Structs without names, and arrays that may not be stored."""

import pytest

from tests.localgcp.bigquery_sql.memory_host import MemoryHost

POINT = {
    "name": "p",
    "parameterType": {
        "type": "STRUCT",
        "structTypes": [
            {"name": "x", "type": {"type": "INT64"}},
            {"name": "y", "type": {"type": "STRING"}},
        ],
    },
    "parameterValue": {"structValues": {"x": {"value": "1"}, "y": {"value": "a"}}},
}


@pytest.mark.parametrize(
    "source",
    [
        "UNNEST([STRUCT(1, 2.0, 'x')])",
        "UNNEST([(1, 2.0, 'x')])",
        "UNNEST([STRUCT<INT64, FLOAT64, STRING>(1, 2.0, 'x')])",
        "(SELECT AS STRUCT 1, 2.0, 'x')",
    ],
)
def test_anonymous_members_are_columns_of_their_own(shared: MemoryHost, source: str) -> None:
    assert shared.rows(f"SELECT * FROM {source}") == [(1, 2.0, "x")]


@pytest.mark.parametrize("written", ["(@p.x, @p.y)", "( @p.x, @p.y )"])
def test_a_tuple_takes_no_names_from_its_values(shared: MemoryHost, written: str) -> None:
    rows = shared.rows(f"SELECT {written}", parameters=[POINT])
    assert rows == [({"_field_1": 1, "_field_2": "a"},)]


def test_a_written_struct_takes_names_from_its_values(shared: MemoryHost) -> None:
    assert shared.rows("SELECT STRUCT(@p.x, @p.y)", parameters=[POINT]) == [({"x": 1, "y": "a"},)]


@pytest.mark.parametrize(
    "value",
    [
        "[1, NULL]",
        "(SELECT ARRAY_AGG(a) FROM UNNEST([1, NULL]) a)",
        "STRUCT([1, NULL] AS inner_one)",
        "[STRUCT([1] AS z), STRUCT([1, NULL] AS z)]",
    ],
)
def test_a_null_array_element_cannot_be_written(bq: MemoryHost, value: str) -> None:
    words = "Array cannot have a null element; error in writing field x"
    assert bq.error(f"SELECT {value} AS x") == words
    assert bq.error(f"CREATE TABLE t AS SELECT {value} AS x") == words


def test_a_null_array_element_cannot_be_inserted(bq: MemoryHost) -> None:
    assert bq.run("CREATE TABLE t (x ARRAY<INT64>)").error is None
    for statement in (
        "INSERT INTO t VALUES ([1, NULL])",
        "INSERT INTO t SELECT ARRAY_AGG(a) FROM UNNEST([1, NULL]) a",
    ):
        assert "error in writing field x" in bq.error(statement)
    assert bq.run("INSERT INTO t VALUES ([1, 2])").error is None
    assert bq.error("UPDATE t SET x = [NULL] WHERE TRUE").startswith("Array cannot have a null")
    assert bq.rows("SELECT x FROM t") == [([1, 2],)]


def test_a_null_array_element_may_be_computed_with(shared: MemoryHost) -> None:
    assert shared.one("ARRAY_LENGTH([1, NULL])") == 2
    assert shared.one("[1, NULL][OFFSET(1)]") is None


def test_a_null_struct_is_an_array_element_too(shared: MemoryHost) -> None:
    text = "SELECT [STRUCT(1 AS a), NULL] AS x"
    assert shared.error(text) == "Array cannot have a null element; error in writing field x"
