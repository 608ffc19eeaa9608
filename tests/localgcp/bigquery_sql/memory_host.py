"""A host of the SQL layer that keeps its catalog in memory and its data in a DuckDB of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from mainstem.localgcp.bigquery.errors import BigQueryError, duplicate
from mainstem.localgcp.bigquery.model import Dataset, DatasetRef, ExternalConfig, Table, TableRef
from mainstem.localgcp.bigquery.sql import macros
from mainstem.localgcp.bigquery.sql.defaults import duckdb_defaults
from mainstem.localgcp.bigquery.sql.host import Answer, JobRow, Routine, TableSize
from mainstem.localgcp.bigquery.sql.outcome import Request, Run
from mainstem.localgcp.bigquery.sql.physical import relation_sql
from mainstem.localgcp.bigquery.sql.run import run
from mainstem.localgcp.bigquery.sql.types import Field, literal, quote

START = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Catalog:
    datasets: dict[DatasetRef, Dataset] = field(default_factory=dict)
    tables: dict[TableRef, Table] = field(default_factory=dict)
    routines: dict[TableRef, Routine] = field(default_factory=dict)

    def copy(self) -> "Catalog":
        return Catalog(dict(self.datasets), dict(self.tables), dict(self.routines))


class MemoryHost:
    def __init__(self) -> None:
        self.cursor: Any = duckdb.connect()
        macros.install(self.cursor)
        self.cursor.execute("SET TimeZone = 'UTC'")
        self.project = "proj"
        self.default_dataset: DatasetRef | None = DatasetRef("proj", "ds")
        self.location = "US"
        self.catalog = Catalog()
        self.depth = 0
        self.files: dict[str, str] = {}
        self.detected: tuple[Field, ...] = ()
        with self.writing():
            self.create_dataset(Dataset(self.default_dataset, "US", START, START, ""))

    @contextmanager
    def reading(self) -> Iterator[None]:
        yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        if self.depth:
            yield
            return
        self.depth, before = 1, self.catalog.copy()
        self.cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            self.cursor.execute("COMMIT")
        except BaseException:
            self.cursor.execute("ROLLBACK")
            self.catalog = before
            raise
        finally:
            self.depth = 0

    def now(self) -> datetime:
        return START

    def dataset(self, ref: DatasetRef) -> Dataset | None:
        return self.catalog.datasets.get(ref)

    def datasets(self, project: str) -> Sequence[Dataset]:
        return [d for ref, d in sorted(self.catalog.datasets.items()) if ref.project == project]

    def table(self, ref: TableRef) -> Table | None:
        return self.catalog.tables.get(ref)

    def tables(self, ref: DatasetRef) -> Sequence[Table]:
        return [t for r, t in sorted(self.catalog.tables.items()) if r.dataset_ref == ref]

    def size(self, table: Table) -> TableSize:
        if not table.is_native:
            return TableSize(0, 0)
        count = self.cursor.execute(f"SELECT count(*) FROM {self.relation(table.ref)}").fetchone()
        return TableSize(count[0], count[0] * 8 * len(table.schema))

    def external_bytes(self, table: Table) -> int:
        assert table.external is not None
        return sum(Path(self.files[uri]).stat().st_size for uri in table.external.uris)

    def relation(self, ref: TableRef) -> str:
        return f"{quote(ref.dataset)}.{quote(ref.table)}"

    def external_relation(self, table: Table) -> str:
        assert table.external is not None
        paths = ", ".join(literal(self.files[uri]) for uri in table.external.uris)
        skip = table.external.csv.skip_leading_rows or 0
        kinds = ", ".join(f"{literal(f.name)}: {literal(f.physical_type())}" for f in table.schema)
        return (
            f'(SELECT * EXCLUDE (filename), filename AS "_FILE_NAME" FROM read_csv([{paths}], '
            f"skip={skip}, header=false, filename=true, columns={{{kinds}}}))"
        )

    def detect_schema(self, config: ExternalConfig) -> tuple[Field, ...]:
        return self.detected

    def create_dataset(self, dataset: Dataset) -> None:
        self.cursor.execute(f"CREATE SCHEMA {quote(dataset.ref.dataset)}")
        self.catalog.datasets[dataset.ref] = dataset

    def update_dataset(self, dataset: Dataset) -> None:
        self.catalog.datasets[dataset.ref] = dataset

    def drop_dataset(self, ref: DatasetRef) -> None:
        if self.tables(ref):
            raise BigQueryError("resourceInUse", f"Dataset {ref} is still in use")
        self.cursor.execute(f"DROP SCHEMA {quote(ref.dataset)}")
        del self.catalog.datasets[ref]

    def create_table(self, table: Table) -> None:
        if table.ref in self.catalog.tables:
            raise duplicate(f"Already Exists: Table {table.ref}")
        if table.is_native:
            by_time = table.time_partitioning
            unit = by_time.type if by_time is not None and by_time.field is None else None
            defaults = duckdb_defaults(table.schema)
            sql = relation_sql(
                self.relation(table.ref), table.schema, defaults, ingestion_unit=unit
            )
            self.cursor.execute(sql)
        self.catalog.tables[table.ref] = replace(table, created=START, modified=START)

    def update_table(self, table: Table) -> None:
        self.catalog.tables[table.ref] = table

    def drop_table(self, ref: TableRef) -> None:
        table = self.catalog.tables.pop(ref)
        if table.is_native:
            self.cursor.execute(f"DROP TABLE {self.relation(ref)}")

    def touch(self, ref: TableRef) -> None:
        assert ref in self.catalog.tables

    def routine(self, ref: TableRef) -> Routine | None:
        return self.catalog.routines.get(ref)

    def routines(self, ref: DatasetRef) -> Sequence[Routine]:
        return [r for key, r in self.catalog.routines.items() if key.dataset_ref == ref]

    def put_routine(self, routine: Routine) -> None:
        self.catalog.routines[routine.ref] = routine

    def drop_routine(self, ref: TableRef) -> None:
        del self.catalog.routines[ref]

    def jobs(self) -> Sequence[JobRow]:
        return [JobRow("job1", "proj", START, "QUERY", "DONE", "SELECT", "SELECT 1")]

    def keep_result(self, answer: Answer) -> object:
        return self.cursor.execute(answer.sql).fetchall()

    # ---- what tests say ---------------------------------------------------------------------

    def run(self, text: str, **request: Any) -> Run:
        return run(text, self, Request(**request))

    def rows(self, text: str, **request: Any) -> list[tuple[Any, ...]]:
        """The rows of a text's last query; its error is raised."""
        done = self.run(text, **request)
        if done.error is not None:
            raise done.error
        last = done.last_with_rows
        assert last is not None
        assert isinstance(last.result, list)
        return last.result

    def one(self, expression: str, **request: Any) -> Any:
        return self.rows(f"SELECT {expression}", **request)[0][0]

    def error(self, text: str, **request: Any) -> str:
        """What a text fails with."""
        done = self.run(text, **request)
        assert done.error is not None, f"it did not fail: {text}"
        return done.error.message

    def schema(self, text: str) -> list[tuple[str, str]]:
        done = self.run(text)
        if done.error is not None:
            raise done.error
        last = done.last_with_rows
        assert last is not None
        assert last.fields is not None
        return [(f.name, f.sql_type()) for f in last.fields]
