"""LOAD DATA and EXPORT DATA for one query job."""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from mainstem.localgcp.bigquery.destination import Target
from mainstem.localgcp.bigquery.jobs.extract import Extract, export_rows
from mainstem.localgcp.bigquery.jobs.load import (
    TEXT_FORMATS,
    Load,
    insert_source,
    refusal,
    source_for,
)
from mainstem.localgcp.bigquery.model import TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS
from mainstem.localgcp.bigquery.readers.diagnosis import find_bad_records, too_many
from mainstem.localgcp.bigquery.readers.objects import find_objects
from mainstem.localgcp.bigquery.readers.scan import ScanFailed, Source
from mainstem.localgcp.bigquery.sql.host import Answer, FilesToLoad, RowsToExport
from mainstem.localgcp.bigquery.transaction import Transaction
from mainstem.localgcp.bigquery.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class StorageWork:
    """Implements the SQL layer's `FileWork`; `scanned` learns what was read, for errors."""

    warehouse: Warehouse
    cursor: duckdb.DuckDBPyConnection
    project: str
    writer: Callable[[str], Transaction]
    scanned: dict[TableRef, Source]

    def load(self, wanted: FilesToLoad) -> int:
        table = wanted.table
        transaction = self.writer(table.ref.project)
        target = Target(
            ref=table.ref,
            write="WRITE_TRUNCATE" if wanted.overwrites else "WRITE_APPEND",
            time_partitioning=table.time_partitioning,
            range_partitioning=table.range_partitioning,
            require_partition_filter=table.require_partition_filter,
            clustering=table.clustering,
            description=table.description,
            friendly_name=table.friendly_name,
            labels=table.labels,
        )
        load = Load(target, wanted.config, table.schema)
        files = find_objects(self.warehouse.storage, wanted.config.uris)
        source: Source | None = None
        try:
            source = source_for(self.warehouse, transaction, load, files)
            self.scanned[table.ref] = source
            skips_bad = self._skips_bad(source)
            return insert_source(transaction, load, source, skips_bad=skips_bad)
        except ScanFailed as problem:
            if source is None:
                raise refusal(problem) from problem
            raise too_many(source, find_bad_records(self.cursor, source)) from None
        except duckdb.Error as problem:
            raise refusal(problem) from problem

    def _skips_bad(self, source: Source) -> bool:
        """Whether records are left out; more of them than allowed is an error."""
        if not source.config.max_bad_records or source.config.format not in TEXT_FORMATS:
            return False
        bad = find_bad_records(self.cursor, source)
        if bad.count > source.config.max_bad_records:
            raise too_many(source, bad)
        return bad.count > 0

    def export(self, answer: Answer, wanted: RowsToExport) -> None:
        extract = Extract(
            TableRef(self.project, ANONYMOUS, ""), None, (wanted.uri,), wanted.format,
            wanted.compression, wanted.delimiter, wanted.header,
        )  # fmt: skip
        export_rows(self.warehouse, self.cursor, answer, extract, overwrites=wanted.overwrites)
