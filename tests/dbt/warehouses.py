"""Warehouses with generated trips in them, loaded with the statements of our own flows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg
import yaml

from demo import postgres
from demo.taxi_data import COLUMNS, TripFile, write

REPOSITORY = Path(__file__).parents[2]
PROJECT = REPOSITORY / "dbt" / "taxi"
DBT = Path(sys.executable).parent / "dbt"
ROWS = 2000


class Warehouse(Protocol):
    """What the tests need of a warehouse: `columns` tells the names and their descriptions."""

    target: str
    profiles: Path

    @property
    def env(self) -> Mapping[str, str]: ...
    def load(self, trips: TripFile, file: Path) -> None: ...
    def execute(self, statement: str) -> None: ...
    def query(self, question: str) -> list[tuple[Any, ...]]: ...
    def columns(self, relation: str) -> Mapping[str, str | None]: ...


@dataclass
class DuckDB:
    """One file; no server, so each question opens and closes it, as dbt wants to."""

    path: Path
    target: str = "duckdb"
    profiles: Path = PROJECT / "profiles"

    @property
    def env(self) -> Mapping[str, str]:
        return {"DBT_DUCKDB_PATH": str(self.path)}

    def load(self, trips: TripFile, file: Path) -> None:
        types = "{'ehail_fee': 'double', 'VendorID': 'varchar'}"
        rows = f"select *, md5(concat_ws('|', {', '.join(COLUMNS[trips.taxi])})) as unique_row_id"
        rows += f", '{trips.name}' as filename from read_csv('{file}', types={types})"
        if trips.taxi == "yellow":
            rows = rows.replace("'ehail_fee': 'double', ", "")
        self.execute(f"create table if not exists {trips.taxi}_tripdata as {rows} limit 0")
        unique = "qualify row_number() over (partition by unique_row_id) = 1"
        self.execute(f"insert into {trips.taxi}_tripdata {rows} {unique}")

    def execute(self, statement: str) -> None:
        with duckdb.connect(str(self.path)) as database:
            database.execute(statement)

    def query(self, question: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path), read_only=True) as database:
            return database.execute(question).fetchall()

    def columns(self, relation: str) -> Mapping[str, str | None]:
        question = "select column_name, comment from duckdb_columns() where table_name = "
        return dict(self.query(f"{question}'{relation}'"))


@dataclass
class PostgreSQL:
    """A server of its own, filled by the very statements of `flows/taxi/postgres_taxi.yaml`."""

    database: postgres.Database
    target: str = "postgres"
    profiles: Path = PROJECT / "profiles"

    @property
    def env(self) -> Mapping[str, str]:
        return {
            "DBT_POSTGRES_PORT": str(self.database.port),
            "DBT_POSTGRES_USER": self.database.user,
            "DBT_POSTGRES_PASSWORD": self.database.password,
            "DBT_DATABASE": self.database.name,
            "DBT_SCHEMA": "public",
        }

    def load(self, trips: TripFile, file: Path) -> None:
        table = f"public.{trips.taxi}_tripdata"
        names = {"table": table, "staging_table": f"{table}_staging", "file": trips.name}
        columns = ", ".join(flow_task("postgres_taxi", f"{trips.taxi}_copy_in")["columns"])
        with psycopg.connect(self.database.url) as connection, connection.cursor() as cursor:
            cursor.execute(flow_sql("postgres_taxi", f"{trips.taxi}_create_tables", names).encode())
            copy = f"copy {table}_staging ({columns}) from stdin with (format csv, header)"
            with cursor.copy(copy.encode()) as channel:
                channel.write(file.read_bytes())
            cursor.execute(flow_sql("postgres_taxi", f"{trips.taxi}_merge", names).encode())

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute(statement.encode())

    def query(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(question.encode()).fetchall()

    def columns(self, relation: str) -> Mapping[str, str | None]:
        described = "select attname, col_description(attrelid, attnum) from pg_attribute "
        return dict(
            self.query(f"{described} where attrelid = 'public.{relation}'::regclass and attnum > 0")
        )


def flow_task(flow: str, task_id: str) -> dict[str, Any]:
    """A task of one of our flows, wherever it is nested."""
    source = (REPOSITORY / "flows" / "taxi" / f"{flow}.yaml").read_text()
    waiting: list[Any] = [yaml.safe_load(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and node.get("id") == task_id:
            return node
        if isinstance(node, dict | list):
            waiting.extend(node.values() if isinstance(node, dict) else node)
    raise LookupError(f"{flow} has no task {task_id}")


def flow_sql(flow: str, task_id: str, names: Mapping[str, str]) -> str:
    """The task's statement with its variables filled in."""
    text: str = flow_task(flow, task_id)["sql"]
    return re.sub(r"\{\{ render\(vars\.(\w+)\) \}\}", lambda match: names[match[1]], text)


@dataclass(frozen=True)
class Build:
    """What one run of dbt came to."""

    exit_code: int
    text: str
    results: Sequence[Mapping[str, Any]]

    def of_kind(self, kind: str) -> list[Mapping[str, Any]]:
        return [result for result in self.results if result["unique_id"].startswith(f"{kind}.")]

    @property
    def failed(self) -> set[str]:
        bad = ("error", "fail", "runtime error")
        return {
            result["unique_id"].split(".")[2] for result in self.results if result["status"] in bad
        }


def dbt(warehouse: Warehouse, folder: Path, *arguments: str) -> Build:
    command: list[str | Path] = [DBT, "--quiet", *arguments, "--project-dir", PROJECT]
    command += ["--profiles-dir", warehouse.profiles, "--target", warehouse.target]
    command += ["--target-path", folder / "target", "--log-path", folder / "logs"]
    done = subprocess.run(
        [str(part) for part in command],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **warehouse.env},
        capture_output=True,
        text=True,
        check=False,
    )
    results = folder / "target" / "run_results.json"
    found = json.loads(results.read_text())["results"] if results.exists() else []
    return Build(done.returncode, done.stdout + done.stderr, found)


def load_months(warehouse: Warehouse, folder: Path, *months: str) -> None:
    for taxi in COLUMNS:
        for month in months:
            trips = TripFile(taxi, month, ROWS)
            warehouse.load(trips, write(trips, folder / trips.name))
