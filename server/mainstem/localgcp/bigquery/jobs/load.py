"""Load jobs: files, from storage or from the request itself, into a table, whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mainstem.localgcp.bigquery.destination import Target, insert_rows, prepare
from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.jobs.job import Output
from mainstem.localgcp.bigquery.jobs.location import check_location
from mainstem.localgcp.bigquery.jobs.runner import Running
from mainstem.localgcp.bigquery.model import ExternalConfig, Table
from mainstem.localgcp.bigquery.names import check_column
from mainstem.localgcp.bigquery.readers import autodetect
from mainstem.localgcp.bigquery.readers.diagnosis import (
    PREFIX,
    BadRecords,
    find_bad_records,
    too_many,
)
from mainstem.localgcp.bigquery.readers.objects import SourceFile, find_objects, source_file
from mainstem.localgcp.bigquery.readers.scalars import SENTINEL
from mainstem.localgcp.bigquery.readers.scan import ScanFailed, Source, scan_sql
from mainstem.localgcp.bigquery.sql.types import REQUIRED, Field
from mainstem.localgcp.bigquery.transaction import Transaction
from mainstem.localgcp.bigquery.warehouse import Warehouse
from mainstem.localgcp.bigquery.wire.jobs import LoadBody

TEXT_FORMATS = ("CSV", "NEWLINE_DELIMITED_JSON")


@dataclass(frozen=True, slots=True)
class Load:
    """A load job as it was asked for; `upload` is the file that came with the request."""

    target: Target
    config: ExternalConfig
    schema: tuple[Field, ...]
    upload: Path | None = None


def load_of(body: LoadBody, target: Target, upload: Path | None) -> Load:
    schema = () if body.schema_ is None else body.schema_.read()
    return Load(target, body.config(is_upload=upload is not None), schema, upload)


def run_load(warehouse: Warehouse, running: Running, load: Load) -> Output:
    """Read, check, write, in one transaction; bad records beyond the limit undo all of it."""
    try:
        return _load(warehouse, running, load)
    finally:
        if load.upload is not None:
            load.upload.unlink(missing_ok=True)


def _load(warehouse: Warehouse, running: Running, load: Load) -> Output:
    check_location(warehouse, running, load.target.ref.dataset_ref)
    files = _files(warehouse, load)
    attempt = _Attempt(warehouse, running.cursor, load, files)
    bad = BadRecords(0, ())
    try:
        rows = attempt.run(skips_bad=False)
    except (duckdb.Error, ScanFailed) as problem:
        running.check_stopped()
        bad = attempt.diagnose(problem)
        rows = attempt.run(skips_bad=True)
    return _output(warehouse, load, files, rows, bad)


class _Attempt:
    """One try at a load; what it found out about the source outlives its failure."""

    def __init__(
        self,
        warehouse: Warehouse,
        cursor: duckdb.DuckDBPyConnection,
        load: Load,
        files: tuple[SourceFile, ...],
    ) -> None:
        self._warehouse = warehouse
        self._cursor = cursor
        self._load = load
        self._files = files
        self._source: Source | None = None

    def run(self, *, skips_bad: bool) -> int:
        load, ref = self._load, self._load.target.ref
        with self._warehouse.database.writing(ref.project, self._cursor) as transaction:
            self._source = source_for(self._warehouse, transaction, load, self._files)
            return insert_source(transaction, load, self._source, skips_bad=skips_bad)

    def diagnose(self, problem: Exception) -> BadRecords:
        """The bad records, if they are few enough to leave out; an error otherwise."""
        source = self._source
        if source is None or source.config.format not in TEXT_FORMATS:
            raise refusal(problem) from problem
        bad = find_bad_records(self._cursor, source)
        if bad.count == 0:
            raise refusal(problem) from problem
        if bad.count > source.config.max_bad_records:
            raise too_many(source, bad)
        return bad


def source_for(
    warehouse: Warehouse, transaction: Transaction, load: Load, files: tuple[SourceFile, ...]
) -> Source:
    """How the files are read; the table is made or changed for them first."""
    held = transaction.catalog.find_table(load.target.ref, transaction.now)
    schema, config = _schema(transaction.cursor, load, files, held)
    for field in schema:
        check_column(field.name)
    table = prepare(transaction, load.target, schema)
    root = None if load.upload is not None else warehouse.storage.root
    return Source(config, _as_stored(table, schema), files, root)


def insert_source(transaction: Transaction, load: Load, source: Source, *, skips_bad: bool) -> int:
    """Add what the files hold to the table."""
    table = transaction.catalog.table(load.target.ref, transaction.now)
    names = [field.name for field in source.schema]
    query = scan_sql(transaction.cursor, source, skips_bad=skips_bad)
    return insert_rows(transaction, table, names, query, load.target.partition)


def refusal(problem: Exception) -> BigQueryError:
    """DuckDB's own words where ours have none, without its hints about DuckDB options."""
    text = str(problem).split("\n", maxsplit=1)[0].partition(": ")[2] or str(problem)
    return invalid(f"{PREFIX}{text.removeprefix(SENTINEL)}")


def _output(
    warehouse: Warehouse, load: Load, files: Sequence[SourceFile], rows: int, bad: BadRecords
) -> Output:
    catalog = warehouse.database.catalog(load.target.ref.project)
    table = catalog.table(load.target.ref, warehouse.database.now())
    size = sum(file.size for file in files)
    statistics = {
        "inputFiles": str(len(files)),
        "inputFileBytes": str(size),
        "outputRows": str(rows),
        "outputBytes": str(warehouse.sizes.of(table).bytes),
        "badRecords": str(bad.count),
    }
    return Output({"load": statistics}, size, load.target.ref, warnings=bad.errors)


def _files(warehouse: Warehouse, load: Load) -> tuple[SourceFile, ...]:
    if load.upload is not None:
        return (source_file(load.upload, None),)
    return find_objects(warehouse.storage, load.config.uris)


def _schema(
    cursor: duckdb.DuckDBPyConnection,
    load: Load,
    files: Sequence[SourceFile],
    held: Table | None,
) -> tuple[tuple[Field, ...], ExternalConfig]:
    """The schema of the job, of the table or of the files, in this order."""
    replaces = load.target.replaces_table
    if load.schema:
        return load.schema, load.config
    wants_detection = load.config.autodetect or load.config.format not in TEXT_FORMATS
    if held is not None and held.schema and not (replaces and wants_detection):
        if load.config.format in TEXT_FORMATS and not load.config.autodetect:
            return held.schema, load.config
        found = autodetect.detect(cursor, load.config, files)
        return _by_table(held, found.schema), found.config
    if not wants_detection:
        raise invalid("No schema specified on job or table.")
    found = autodetect.detect(cursor, load.config, files)
    return found.schema, found.config


def _by_table(held: Table, found: Sequence[Field]) -> tuple[Field, ...]:
    """Detected columns that the table has are read as what the table has."""
    own = {field.name.casefold(): field for field in held.schema}
    named = {field.name.casefold() for field in found}
    missing = [f for f in held.schema if f.mode == REQUIRED and f.name.casefold() not in named]
    if missing:
        raise invalid(
            f"{PREFIX}Required field {missing[0].name} of table {held.ref} is not in the data"
        )
    return tuple(own.get(field.name.casefold(), field) for field in found)


def _as_stored(table: Table, schema: Sequence[Field]) -> tuple[Field, ...]:
    """The columns in the order of the data, typed and spelled as the table keeps them."""
    own = {field.name.casefold(): field for field in table.schema}
    return tuple(own[field.name.casefold()] for field in schema)
