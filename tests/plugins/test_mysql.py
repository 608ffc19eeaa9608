"""MySQL tasks: the address, and a real MariaDB where one is installed."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from mainstem.errors import InvalidInput
from mainstem.model.state import State
from mainstem.plugins.jdbc.mysql import parse_url
from tests.localgcp.bigquery.harness import free_port
from tests.plugins.bench import Bench, task, written

PASSWORD = "a-password-of-mysql"


def test_an_address_is_read() -> None:
    found = parse_url("jdbc:mysql://u:p%40ss@db.test:3307/shop?useSSL=true&serverTimezone=UTC")
    assert found == {"host": "db.test", "port": 3307, "database": "shop", "user": "u",
                     "password": "p@ss", "sslmode": "REQUIRED"}  # fmt: skip
    assert parse_url("jdbc:mariadb://h")["port"] == 3306


@pytest.mark.parametrize(
    ("url", "said"),
    [("jdbc:postgresql://h/d", "jdbc:mysql://host"), ("jdbc:mysql://h/d?magic=1", "`magic`")],
)
def test_what_an_address_cannot_say_is_refused(url: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_url(url)


def test_a_server_that_is_not_there_is_named(bench: Bench) -> None:
    found = bench.run(task("jdbc.mysql.Query", url="jdbc:mysql://127.0.0.1:1/d", username="u",
                           password=PASSWORD, sql="select 1"))  # fmt: skip
    assert "cannot connect to MySQL at 127.0.0.1:1/d as u: 2003" in found.errors
    assert PASSWORD not in "\n".join(found.logs)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    if not all(map(shutil.which, ("mariadbd", "mariadb-install-db", "my_print_defaults"))):
        pytest.skip("MariaDB's server and client programs are not installed")
    folder = tmp_path_factory.mktemp("mariadb")
    port = free_port()
    place = [f"--datadir={folder / 'data'}"]
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", "--user=root",
         "--auth-root-authentication-method=normal", "--skip-test-db", *place],
        check=True, capture_output=True,
    )  # fmt: skip
    process = subprocess.Popen(
        ["mariadbd", "--no-defaults", "--user=root", *place, f"--port={port}",
         "--bind-address=127.0.0.1", f"--socket={folder / 's'}", "--local-infile=1",
         f"--pid-file={folder / 'pid'}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        connection = _connected(port)
        with connection, connection.cursor() as cursor:
            cursor.execute("create database shop")
            cursor.execute("create user 'app'@'%%' identified by %s", [PASSWORD])
            cursor.execute("grant all on shop.* to 'app'@'%'")
        yield {"url": f"jdbc:mysql://127.0.0.1:{port}/shop", "username": "app",
               "password": PASSWORD}  # fmt: skip
    finally:
        process.terminate()
        process.wait(30)


def _connected(port: int) -> pymysql.Connection:
    for _ in range(600):
        try:
            return pymysql.connect(host="127.0.0.1", port=port, user="root")
        except pymysql.OperationalError:
            threading.Event().wait(0.1)
    raise AssertionError("MariaDB did not start")


def sql(kind: str, id_: str, **properties: Any) -> dict[str, Any]:
    return task(f"jdbc.mysql.{kind}", id_, **properties)


@pytest.mark.slow
def test_a_real_database_is_filled_and_read(bench: Bench, server: dict[str, Any]) -> None:
    found = bench.run(
        written("n,s\n1,one\n2,two\n", extension=".csv"),
        written('{n:3,s:"it\'s 100%"}\n{n:4,s:null}\n', "rows", extension=".ion"),
        sql("Queries", "make", **server,
            sql="create table t (n int, s varchar(20), d decimal(5,2) default 1.5, "
                "at datetime default '2024-01-02 03:04:05'); select 1 as a; select 2 as b",
            fetchType="FETCH"),
        sql("Query", "load", **server, inputFile="{{ outputs.file.uri }}",
            sql="load data local infile '{{ inputFile }}' into table t "
                "fields terminated by ',' lines terminated by '\\n' ignore 1 rows (n, s)"),
        sql("Batch", "batch", **server, from_="{{ outputs.rows.uri }}", table="t"),
        sql("Query", "read", **server, fetchType="FETCH", parameters={"least": 0},
            sql="select * from t where n > :least and s is not null or n = 4 order by n"),
        sql("Query", "stored", **server, fetchType="STORE", sql="select n from t order by n"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs
    assert [item["rows"] for item in outputs["make"]["outputs"]] == [[{"a": 1}], [{"b": 2}]]
    assert (outputs["load"]["size"], outputs["batch"]["updatedCount"]) == (2, 2)
    rows = outputs["read"]["rows"]
    assert [(row["n"], row["s"]) for row in rows] == [
        (1, "one"), (2, "two"), (3, "it's 100%"), (4, None),
    ]  # fmt: skip
    assert rows[0]["d"] == 1.5
    assert found.text(outputs["stored"]["uri"]) == "{n:1}\n{n:2}\n{n:3}\n{n:4}\n"


@pytest.mark.slow
def test_only_the_file_of_the_task_is_sent(bench: Bench, server: dict[str, Any]) -> None:
    bench.run(sql("Query", "make", **server, sql="create table stolen (line text)"))
    theft = "load data local infile '/etc/passwd' into table stolen"
    found = bench.run(
        written("x"),
        sql("Query", "with-file", **server, inputFile="{{ outputs.file.uri }}", sql=theft),
    )
    assert found.state is State.FAILED
    assert "may read `{{ inputFile }}` only" in found.errors
    without = bench.run(sql("Query", "without", **server, sql=theft))
    assert without.state is State.FAILED
    left = bench.run(sql("Query", "t", **server, sql="select * from stolen", fetchType="FETCH"))
    assert left.outputs["t"]["rows"] == []


@pytest.mark.slow
def test_a_failed_statement_undoes_the_others(bench: Bench, server: dict[str, Any]) -> None:
    bench.run(sql("Query", "make", **server, sql="create table u (n int primary key)"))
    broken = bench.run(
        sql("Queries", "t", **server, sql="insert into u values (1); insert into u values (1)")
    )
    assert "1062: Duplicate entry" in broken.errors
    left = bench.run(sql("Query", "t", **server, sql="select * from u", fetchType="FETCH"))
    assert left.outputs["t"]["rows"] == []
