"""Anonymous result tables: the rows of queries that named no destination, for a day."""

import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from datetime import timedelta
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.database import Database
from mainstem.localgcp.bigquery.errors import not_found
from mainstem.localgcp.bigquery.model import Kind, Table, TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS, relation
from mainstem.localgcp.bigquery.sql.host import Answer
from mainstem.localgcp.bigquery.transaction import new_etag

LIFETIME: Final = timedelta(hours=24)
MOST_KEPT: Final = 2000


class Results:
    """Kept in memory and in the spill folder; they do not outlive the process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._tables: OrderedDict[TableRef, tuple[Table, int]] = OrderedDict()

    def keep(
        self, cursor: duckdb.DuckDBPyConnection, project: str, location: str, answer: Answer
    ) -> tuple[Table, int]:
        """Compute a query's rows into a new table; how many there are."""
        ref = TableRef(project, ANONYMOUS, f"anon{secrets.token_hex(16)}")
        counted = cursor.execute(f"CREATE TABLE {relation(ref)} AS {answer.sql}").fetchone()
        rows = int(counted[0]) if counted is not None else 0
        now = self._database.now()
        table = Table(
            ref, Kind.TABLE, location, answer.fields, now, now, new_etag(), expires=now + LIFETIME
        )
        with self._guard:
            self._tables[ref] = (table, rows)
        self._drop_old()
        return table, rows

    def find(self, ref: TableRef) -> Table | None:
        held = self._tables.get(ref)
        return None if held is None else held[0]

    def table(self, ref: TableRef) -> Table:
        found = self.find(ref)
        if found is None:
            raise not_found(f"Not found: Table {ref}")
        return found

    def drop(self, ref: TableRef) -> None:
        with self._guard:
            self._tables.pop(ref, None)
        with self._database.reading() as cursor, suppress(duckdb.Error):
            cursor.execute(f"DROP TABLE IF EXISTS {relation(ref)}")

    def _drop_old(self) -> None:
        now = self._database.now()
        while self._tables:
            ref, (table, _) = next(iter(self._tables.items()))
            expired = table.expires is not None and table.expires <= now
            if not expired and len(self._tables) <= MOST_KEPT:
                return
            self.drop(ref)
