"""PostgreSQL tasks against a real server."""

from typing import Any

import psycopg
import pytest

from demo.postgres import Database
from mainstem.model.state import State
from tests.plugins.bench import Bench, Outcome, task, written

QUERY, QUERIES = "jdbc.postgresql.Query", "jdbc.postgresql.Queries"


class Sql:
    """Tasks with the connection filled in, and a look at the tables from outside."""

    def __init__(self, bench: Bench, database: Database) -> None:
        self.bench = bench
        self.database = database

    def task(self, kind: str, id_: str = "t", **properties: Any) -> dict[str, Any]:
        database = self.database
        given = {
            "url": f"jdbc:postgresql://{database.host}:{database.port}/{database.name}",
            "username": database.user,
            "password": database.password,
        }
        return task(kind, id_, **{**given, **properties})

    def run(self, kind: str, **properties: Any) -> Outcome:
        return self.bench.run(self.task(kind, **properties))

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(question.encode()).fetchall()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def sql(bench: Bench, database: Database) -> Sql:
    found = Sql(bench, database)
    found.execute("drop table if exists t; create table t (n int primary key, s text)")
    return found


def test_a_query_fetches_rows_of_every_type(sql: Sql) -> None:
    found = sql.run(
        QUERY,
        sql="select 1::bigint n, 1.50::numeric d, 'x' s, null e, date '2024-01-02' as d8, "
        "array[1, 2] l, '{\"a\": 1}'::jsonb j, interval '90 seconds' i, true b, "
        "timestamptz '2024-01-02 03:04:05+00' z, '\\x01'::bytea raw",
        fetchType="FETCH_ONE",
    )
    assert found.state is State.SUCCESS, found.errors
    row = found.outputs["t"]["row"]
    assert (row["n"], row["d"], row["s"], row["e"], row["b"]) == (1, 1.5, "x", None, True)
    assert (row["d8"], row["l"], row["j"]) == ("2024-01-02", [1, 2], {"a": 1})


def test_a_large_result_is_stored_without_being_held(sql: Sql) -> None:
    found = sql.run(QUERY, sql="select * from generate_series(1, 20000) n", fetchType="STORE")
    assert found.outputs["t"]["size"] == 20000
    assert found.text(found.outputs["t"]["uri"]).count("\n") == 20000


def test_a_change_tells_how_many_rows_it_touched(sql: Sql) -> None:
    found = sql.run(QUERY, sql="insert into t values (1, '100%'), (2, ':x')")
    assert found.outputs["t"] == {"size": 2}
    assert "INFO 2 rows affected" in found.logs


def test_named_parameters_are_bound_beside_percent_signs(sql: Sql) -> None:
    sql.execute("insert into t values (1, '100%'), (2, 'x')")
    found = sql.run(
        QUERY,
        sql="select n from t where s like '%\\%' and n = :n::int and 5 % 2 = 1",
        parameters={"n": 1},
        fetchType="FETCH",
    )
    assert found.outputs["t"]["rows"] == [{"n": 1}], found.errors


def test_several_statements_are_one_transaction(sql: Sql) -> None:
    found = sql.run(QUERIES, sql="insert into t values (1); insert into t values (1);")
    assert found.state is State.FAILED
    assert "duplicate key value" in found.errors
    assert sql.ask("select * from t") == []


def test_without_a_transaction_each_statement_stays(sql: Sql) -> None:
    statements = "insert into t values (1); insert into t values (1); insert into t values (2);"
    found = sql.run(QUERIES, sql=statements, transaction=False)
    assert found.state is State.FAILED
    assert sql.ask("select n from t") == [(1,)]


def test_queries_give_an_output_for_each_result(sql: Sql) -> None:
    found = sql.run(
        QUERIES,
        sql="insert into t values (1, ';'); select n from t; select 'b' as s;",
        fetchType="FETCH",
    )
    assert [item["rows"] for item in found.outputs["t"]["outputs"]] == [[{"n": 1}], [{"s": "b"}]]


def test_after_sql_belongs_to_the_transaction(sql: Sql) -> None:
    found = sql.run(QUERY, sql="insert into t values (1)", afterSQL="insert into t values (1)")
    assert found.state is State.FAILED
    assert sql.ask("select * from t") == []


@pytest.mark.parametrize("kind", [QUERY, QUERIES])
def test_a_wrong_password_says_so_without_showing_it(sql: Sql, kind: str) -> None:
    found = sql.run(kind, sql="insert into t values (1)", password="n0t-the-password")
    assert found.state is State.FAILED
    assert "password authentication failed" in found.errors
    assert "n0t-the-password" not in "".join(found.logs)
    assert sql.ask("select * from t") == []


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"url": "jdbc:mysql://h/d"}, "must look like jdbc:postgresql://"),
        ({"url": "jdbc:postgresql://127.0.0.1:9/d"}, "127.0.0.1"),
        ({"sql": "select * from nowhere"}, 'relation "nowhere" does not exist'),
        ({"sql": "selec 1"}, "syntax error"),
        ({"sql": "select 1/0"}, "division by zero"),
    ],
)
def test_an_error_says_what_is_wrong(sql: Sql, properties: dict[str, str], said: str) -> None:
    found = sql.run(QUERY, **{"sql": "select 1", **properties})
    assert found.state is State.FAILED
    assert said in found.errors


CSV = 'n,s\n1,one\n2,"two, too"\n3,\n'
COPY = {"table": "t", "columns": ["n", "s"], "format": "CSV", "header": True}


def test_a_file_is_copied_in_and_out(sql: Sql) -> None:
    found = sql.bench.run(
        written(CSV, extension=".csv"),
        sql.task("jdbc.postgresql.CopyIn", "in", from_="{{ outputs.file.uri }}", **COPY),
        sql.task("jdbc.postgresql.CopyOut", "out", **COPY),
        sql.task(
            "jdbc.postgresql.CopyOut",
            "some",
            sql="select s from t where n = 2;",
            format="CSV",
            delimiter="|",
        ),
    )
    assert found.state is State.SUCCESS, found.errors
    assert sql.ask("select * from t order by n") == [(1, "one"), (2, "two, too"), (3, None)]
    assert found.outputs["in"] == {"rowCount": 3}
    assert found.text(found.outputs["out"]["uri"]) == CSV
    assert found.text(found.outputs["some"]["uri"]) == "two, too\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("n,s\n1,one\n2\n", 'missing data for column "s"'),
        ("n,s\n1,one\n2,b,c\n", "extra data after last expected column"),
        ("n,s\n1,one\nx,b\n", "invalid input syntax for type integer"),
        ("n,s\n1,one\n1,again\n", "duplicate key value"),
    ],
)
def test_a_bad_line_says_where_it_is_and_nothing_is_copied(
    sql: Sql, content: str, said: str
) -> None:
    found = sql.bench.run(
        written(content),
        sql.task("jdbc.postgresql.CopyIn", from_="{{ outputs.file.uri }}", **COPY),
    )
    assert found.state is State.FAILED
    assert said in found.errors
    assert "line 3" in found.errors
    assert sql.ask("select * from t") == []


def test_a_table_of_another_name_cannot_be_smuggled_in(sql: Sql) -> None:
    found = sql.run("jdbc.postgresql.CopyOut", table="t; drop table t")
    assert "is not a name" in found.errors


def test_a_running_query_is_cancelled_when_its_execution_is_killed(sql: Sql) -> None:
    execution = sql.bench.start(sql.task(QUERY, sql="select pg_sleep(600)"))
    sql.bench.server.wait(
        execution.id, lambda found: sql.bench.server.states(found).get("t") is State.RUNNING
    )
    sql.bench.app.executions.kill(execution.id)
    assert sql.bench.ended(execution).state is State.KILLED
    assert sql.ask("select 1 from pg_stat_activity where query like '%pg_sleep(600)' "
                   "and state = 'active'") == []  # fmt: skip
