"""Streaming inserts: rows as JSON objects, checked one by one, visible when this returns."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
from pydantic import Field as Bound

from mainstem.localgcp.bigquery.destination import insert_rows
from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.jsoncells import NotJson, with_json_parsed
from mainstem.localgcp.bigquery.model import ExternalConfig, Kind, Table, TableRef
from mainstem.localgcp.bigquery.partitions import condition, split
from mainstem.localgcp.bigquery.readers.diagnosis import bad_lines
from mainstem.localgcp.bigquery.readers.objects import source_file
from mainstem.localgcp.bigquery.readers.scan import Source, scan_sql
from mainstem.localgcp.bigquery.warehouse import Warehouse
from mainstem.localgcp.bigquery.wire.base import OutputOnly, Refused, Wire

REMEMBERED_FOR: Final = timedelta(minutes=10)
MOST_REMEMBERED: Final = 100_000
STOPPED: Final = {"reason": "stopped", "location": "", "debugInfo": "", "message": ""}


class RowBody(Wire):
    json_: dict[str, object] = Bound(alias="json")
    insert_id: str | None = None


class InsertRequest(Wire):
    rows: tuple[RowBody, ...] = ()
    skip_invalid_rows: bool | None = None
    ignore_unknown_values: bool | None = None
    template_suffix: Refused = None
    trace_id: OutputOnly = None
    kind: OutputOnly = None


class InsertIds:
    """Rows that came lately, by table and insert id: a retried row is not added twice."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def is_fresh(self, table: str, insert_id: str | None, now: datetime) -> bool:
        if insert_id is None:
            return True
        seen = self._seen.get((table, insert_id))
        return seen is None or seen < now - REMEMBERED_FOR

    def remember(self, table: str, insert_ids: Sequence[str], now: datetime) -> None:
        with self._guard:
            for insert_id in insert_ids:
                self._seen[table, insert_id] = now
            while len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows go: a table, or one partition of it."""

    table: Table
    partition: str | None


def insert_all(
    warehouse: Warehouse, ids: InsertIds, ref: TableRef, request: InsertRequest
) -> list[dict[str, object]]:
    """Add the rows; what is wrong with which. One bad row stops all, unless told to skip it."""
    ref, partition = split(ref)
    table = _table(warehouse, ref)
    if partition is not None:
        condition(table, partition)
    if not request.rows:
        raise BigQueryError("invalid", "No rows present in the request.")
    now = warehouse.database.now()
    key = f"{ref}@{table.created.isoformat()}"
    fresh = [
        (index, row)
        for index, row in enumerate(request.rows)
        if ids.is_fresh(key, row.insert_id, now)
    ]
    bad = _insert(warehouse, Place(table, partition), [row.json_ for _, row in fresh], request)
    errors = [{"index": fresh[place][0], "errors": [error]} for place, error in sorted(bad.items())]
    if errors and not request.skip_invalid_rows:
        stopped = (index for place, (index, _) in enumerate(fresh) if place not in bad)
        errors += [{"index": index, "errors": [STOPPED]} for index in stopped]
        return sorted(errors, key=lambda entry: int(str(entry["index"])))
    added = (row.insert_id for place, (_, row) in enumerate(fresh) if place not in bad)
    ids.remember(key, [insert_id for insert_id in added if insert_id is not None], now)
    return errors


def _table(warehouse: Warehouse, ref: TableRef) -> Table:
    table = warehouse.database.catalog(ref.project).table(ref, warehouse.database.now())
    if table.kind is not Kind.TABLE:
        raise invalid(f"Cannot add rows to a table of type {table.kind}.")
    return table


def _insert(
    warehouse: Warehouse, place: Place, rows: Sequence[dict[str, object]], request: InsertRequest
) -> dict[int, dict[str, str]]:
    """Bad rows by their place, with what is wrong; the good ones are added as asked."""
    if not rows:
        return {}
    table = place.table
    bad: dict[int, dict[str, str]] = {}
    good: dict[int, object] = {}
    for number, row in enumerate(rows):
        try:
            good[number] = with_json_parsed(row, table.schema)
        except NotJson as problem:
            bad[number] = _error(problem.field, str(problem))
    if not good:
        return bad
    path = warehouse.scratch / f"insert-{secrets.token_hex(8)}"
    try:
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in good.values()))
        config = ExternalConfig(
            (), "NEWLINE_DELIMITED_JSON", ignore_unknown_values=bool(request.ignore_unknown_values)
        )
        source = Source(config, table.schema, (source_file(path, None),))
        skips = bool(request.skip_invalid_rows)
        found = _insert_file(warehouse, place, source, skips=skips, stops=bool(bad) and not skips)
    finally:
        path.unlink(missing_ok=True)
    places = list(good)
    return bad | {places[line]: error for line, error in found.items()}


def _insert_file(
    warehouse: Warehouse, place: Place, source: Source, *, skips: bool, stops: bool
) -> dict[int, dict[str, str]]:
    table = place.table
    with warehouse.database.writing(table.ref.project) as transaction:
        transaction.catalog.table(table.ref, transaction.now)
        bad = {
            line.ordinal - 1: _error(line.field, line.message)
            for line in bad_lines(transaction.cursor, source)
        }
        if skips or not (bad or stops):
            query = scan_sql(transaction.cursor, source, skips_bad=bool(bad))
            names = [field.name for field in source.schema]
            insert_rows(transaction, table, names, query, place.partition)
    return bad


def _error(field: str, message: str) -> dict[str, str]:
    return {"reason": "invalid", "location": field, "debugInfo": "", "message": message}
