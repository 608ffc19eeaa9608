"""DuckDB tasks."""

import json
from pathlib import Path

import pytest

from mainstem.model.state import State
from tests.plugins.bench import Bench, task, written

QUERY, QUERIES = "jdbc.duckdb.Query", "jdbc.duckdb.Queries"
ROWS = "select * from (values (1, 'a', 1.50::decimal(5,2)), (2, null, null)) t(n, s, d) order by n"


def test_rows_are_fetched_as_asked(bench: Bench) -> None:
    found = bench.run(
        task(QUERY, "all", sql=ROWS, fetchType="FETCH"),
        task(QUERY, "one", sql=ROWS, fetchType="FETCH_ONE"),
        task(QUERY, "stored", sql=ROWS, fetchType="STORE"),
        task(QUERY, "old", sql=ROWS, fetchOne=True),
        task(QUERY, "none", sql=ROWS),
        task(QUERY, "empty", sql="select 1 where false", fetchType="FETCH_ONE"),
    )
    outputs = found.outputs
    assert outputs["all"]["rows"] == [{"n": 1, "s": "a", "d": 1.5}, {"n": 2, "s": None, "d": None}]
    assert outputs["all"]["size"] == 2
    assert outputs["one"]["row"] == outputs["old"]["row"] == {"n": 1, "s": "a", "d": 1.5}
    assert found.text(outputs["stored"]["uri"]).startswith('{n:1,s:"a"')
    assert "rows" not in outputs["none"]
    assert outputs["empty"] == {"size": 0}


def test_values_of_every_type_become_plain_ones(bench: Bench) -> None:
    sql = (
        "select date '2024-01-02' d, timestamp '2024-01-02 03:04:05' t, "
        "timestamptz '2024-01-02 03:04:05+00' z, interval 90 second i, [1, 2] l, {'a': 1} s, "
        "map {'k': 'v'} m, 'x'::blob b, uuid '00000000-0000-0000-0000-000000000001' u, "
        "12345678901234567890::hugeint h, 'nan'::double f, time '01:02:03' c"
    )
    found = bench.run(task(QUERY, sql=sql, fetchType="FETCH_ONE"))
    assert found.state is State.SUCCESS, found.errors
    row = found.outputs["t"]["row"]
    json.dumps(row, allow_nan=False)
    assert (row["d"], row["l"], row["s"], row["m"]) == ("2024-01-02", [1, 2], {"a": 1}, {"k": "v"})


def test_files_of_the_flow_are_read_by_name_and_results_written(bench: Bench) -> None:
    found = bench.run(
        written("n\n1\n2\n", extension=".csv"),
        task(
            QUERIES,
            inputFiles={"in.csv": "{{ outputs.file.uri }}"},
            outputFiles=["*.json"],
            sql="create table t as select * from read_csv('{{ workingDir }}/in.csv');"
            " copy t to 'out.json'; select sum(n) as total from read_csv('in.csv');",
            fetchType="FETCH_ONE",
        ),
    )
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs["t"]
    assert outputs["outputs"] == [{"row": {"total": 3}, "size": 1}]
    assert found.text(outputs["outputFiles"]["out.json"]) == '{"n":1}\n{"n":2}\n'
    assert not Path("out.json").exists()


def test_a_database_file_is_handed_on(bench: Bench) -> None:
    found = bench.run(
        task(QUERY, "make", sql="create table t as select 7 as n", outputDbFile=True),
        task(
            QUERY,
            "use",
            databaseUri="{{ outputs.make.databaseUri }}",
            sql="select n from t",
            fetchType="FETCH_ONE",
        ),
    )
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["use"]["row"] == {"n": 7}


def test_parameters_are_bound_and_never_pasted(bench: Bench) -> None:
    found = bench.run(
        task(
            QUERY,
            sql="select :word as w, :n::int + 1 as m",
            parameters={"word": "x'; drop table t --", "n": 4},
            fetchType="FETCH_ONE",
        )
    )
    assert found.outputs["t"]["row"] == {"w": "x'; drop table t --", "m": 5}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from nowhere", "nowhere"),
        ("selec 1", "syntax error"),
        ("-- nothing", "`sql` holds no statement"),
    ],
)
def test_an_error_has_the_words_of_the_database(bench: Bench, sql: str, said: str) -> None:
    found = bench.run(task(QUERY, sql=sql))
    assert found.state is State.FAILED
    assert said in found.errors


def test_a_running_query_ends_when_its_execution_is_killed(bench: Bench) -> None:
    sql = "select count(*) from range(100000000000) a, range(1000) b where a.range * b.range = -1"
    execution = bench.start(task("core.debug.Return", "first"), task(QUERY, sql=sql))
    bench.server.wait(
        execution.id,
        lambda found: bench.server.states(found).get("t") is State.RUNNING,
    )
    bench.app.executions.kill(execution.id)
    assert bench.ended(execution).state is State.KILLED
