"""SQLite tasks, and what the tasks and triggers of all databases have in common."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from demo import postgres
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from tests.plugins.bench import NAMESPACE, Bench, task, written

ROWS = '{n:1,s:"it\'s"}\n{n:2,s:null}\n{n:3,s:"c?%s"}\n'


def lite(kind: str, id_: str = "t", **properties: Any) -> dict[str, Any]:
    return task(f"jdbc.sqlite.{kind}", id_, **properties)


def test_statements_make_fill_and_read_a_database_that_is_kept(bench: Bench) -> None:
    found = bench.run(
        lite("Queries", "make", url="jdbc:sqlite:my.db", outputDbFile=True, fetchType="FETCH",
             sql="create table t (n integer, s text); insert into t values (1, 'a'), (2, null);"
                 "select * from t order by n; select count(*) as c from t where n > :least;",
             parameters={"least": 1}),
        lite("Query", "read", url="jdbc:sqlite:my.db", fetchType="STORE",
             sqliteFile="{{ outputs.make.databaseUri }}", sql="select * from t order by n"),
        lite("Query", "memory", sql="select sqlite_version() is not null as one",
             fetchType="FETCH_ONE"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs
    rows = [{"n": 1, "s": "a"}, {"n": 2, "s": None}]
    assert [item["rows"] for item in outputs["make"]["outputs"]] == [rows, [{"c": 1}]]
    assert found.text(outputs["read"]["uri"]) == '{n:1,s:"a"}\n{n:2,s:null}\n'
    assert outputs["memory"]["row"] == {"one": 1}


def test_all_statements_take_effect_or_none(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "whole.db"
    with sqlite3.connect(path) as made:
        made.execute("create table t (n integer primary key)")
    made.close()
    url = f"jdbc:sqlite:{path}"
    broken = bench.run(lite("Queries", url=url, sql="insert into t values (1); insert into t "
                            "values (1)"))  # fmt: skip
    assert broken.state is State.FAILED
    assert "UNIQUE constraint failed" in broken.errors
    halves = bench.run(lite("Queries", url=url, transaction=False,
                            sql="insert into t values (2); insert into t values (2)"))  # fmt: skip
    assert halves.state is State.FAILED
    vacuum = bench.run(lite("Queries", url=url, sql="vacuum; select n from t", fetchType="FETCH"))
    assert vacuum.outputs["t"]["outputs"][0]["rows"] == [{"n": 2}]


def test_rows_of_a_file_are_written_in_chunks(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    with sqlite3.connect(path) as made:
        made.execute('create table "odd name" (n integer, s text)')
    made.close()
    place = {"url": f"jdbc:sqlite:{path}", "from_": "{{ outputs.file.uri }}", "chunk": 2}
    found = bench.run(
        written(ROWS, extension=".ion"),
        lite("Batch", "all", **place, table="odd name"),
        lite("Batch", "some", **place, columns=["n"], sql='insert into "odd name" (n) values (?)'),
        lite("Query", "read", url=place["url"], sql='select * from "odd name"', fetchType="FETCH"),
    )
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["all"] == {"rowCount": 3, "updatedCount": 3}
    rows = [(row["n"], row["s"]) for row in found.outputs["read"]["rows"]]
    assert rows == [(1, "it's"), (2, None), (3, "c?%s"), (1, None), (2, None), (3, None)]


def test_a_batch_goes_into_postgresql_and_names_what_it_lacks(
    bench: Bench, database: postgres.Database
) -> None:
    address = f"jdbc:postgresql://{database.host}:{database.port}/{database.name}"
    place = {"url": address, "username": database.user, "password": database.password}
    rows = {**place, "from_": "{{ outputs.file.uri }}"}
    found = bench.run(
        written(ROWS, extension=".ion"),
        task("jdbc.postgresql.Query", "make", **place,
             sql="create table batch_rows (n int, s text)"),
        task("jdbc.postgresql.Batch", "whole", **rows, table="batch_rows"),
        task("jdbc.postgresql.Batch", "marks", **rows, columns=["n", "s"],
             sql="insert into batch_rows values (? * 10, ? || '100%?')"),
        task("jdbc.postgresql.Query", "read", **place, fetchType="FETCH",
             sql="select n, s from batch_rows order by n"),
        task("jdbc.postgresql.Batch", "none", **rows),
    )  # fmt: skip
    read = [(row["n"], row["s"]) for row in found.outputs["read"]["rows"]]
    assert read == [(1, "it's"), (2, None), (3, "c?%s"),
                    (10, "it's100%?"), (20, None), (30, "c?%s100%?")]  # fmt: skip
    assert "set `table`, or `sql`" in found.errors


def test_a_trigger_fires_for_rows_and_marks_them(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    with sqlite3.connect(path) as made:
        made.execute("create table todo (n integer, done integer default 0)")
        made.execute("insert into todo (n) values (7)")
    made.close()
    trigger = {
        "id": "watch", "type": "io.kestra.plugin.jdbc.sqlite.Trigger", "interval": "PT0.2S",
        "url": f"jdbc:sqlite:{path}", "sql": "select n from todo where done = 0",
        "afterSQL": "update todo set done = 1",
    }  # fmt: skip
    seen = task("core.debug.Return", "seen", format="{{ trigger.rows[0].n }}")
    flow = {"id": "on-rows-of-sqlite", "namespace": NAMESPACE, "tasks": [seen]}
    bench.app.flows.save(json.dumps({**flow, "triggers": [trigger]}))
    flow_id = FlowId(NAMESPACE, "on-rows-of-sqlite")
    first = bench.first_of(flow_id)
    assert first.outputs["seen"]["value"] == "7"
    with sqlite3.connect(path) as now:
        assert now.execute("select done from todo").fetchall() == [(1,)]
        now.execute("insert into todo (n) values (8)")
    now.close()
    assert bench.nth_of(flow_id, 2).outputs["seen"]["value"] == "8"
    bench.app.flows.delete(flow_id)


def test_an_address_of_another_database_is_refused(bench: Bench) -> None:
    found = bench.run(lite("Query", url="jdbc:mysql://x/y", sql="select 1"))
    assert "must look like jdbc:sqlite:" in found.errors
    outside = bench.run(lite("Query", url="jdbc:sqlite:../../other.db", sql="select 1"))
    assert "leaves the working directory" in outside.errors
