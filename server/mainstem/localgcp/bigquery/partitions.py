"""Partition decorators: `table$20240131` names one partition of a table."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.model import Table, TableRef, TimePartitioning
from mainstem.localgcp.bigquery.names import relation
from mainstem.localgcp.bigquery.sql.physical import PARTITION_TIME
from mainstem.localgcp.bigquery.sql.types import literal, quote

NULL: Final = "__NULL__"
OUTSIDE: Final = "__UNPARTITIONED__"
FORMATS: Final = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
_UNIT_BY_LENGTH: Final = {10: "HOUR", 8: "DAY", 6: "MONTH", 4: "YEAR"}
_LENGTH: Final = {unit: length for length, unit in _UNIT_BY_LENGTH.items()}


def split(ref: TableRef) -> tuple[TableRef, str | None]:
    """The table, and the partition that its name is decorated with."""
    name, mark, partition = ref.table.partition("$")
    return (replace(ref, table=name), partition) if mark else (ref, None)


def label_sql(table: Table) -> str | None:
    """DuckDB SQL for the partition id of a row, NULL for `__NULL__`; None where there are none."""
    by_time, by_range = table.time_partitioning, table.range_partitioning
    if by_time is not None:
        return f"strftime({quote(by_time.field or PARTITION_TIME)}, '{FORMATS[by_time.type]}')"
    if by_range is None:
        return None
    column, first, step = quote(by_range.field), by_range.start, by_range.interval
    return (
        f"CASE WHEN {column} IS NULL THEN NULL WHEN {column} < {first} OR {column} >= "
        f"{by_range.end} THEN '{OUTSIDE}' ELSE CAST({first} + (({column} - {first}) "
        f"// {step}) * {step} AS VARCHAR) END"
    )


def condition(table: Table, partition: str) -> str:
    """DuckDB SQL that is true for the rows of a partition; raises for what is no partition."""
    label = label_sql(table)
    if label is None:
        raise invalid(
            "Cannot read partition information from a table that is not partitioned: "
            f"{table.ref}${partition}"
        )
    if partition == NULL:
        return f"{label} IS NULL"
    by_time, by_range = table.time_partitioning, table.range_partitioning
    if partition != OUTSIDE and by_time is not None:
        start_of(partition, by_time.type)
    if partition != OUTSIDE and by_range is not None:
        is_edge = re.fullmatch(r"-?\d+", partition) is not None
        value = int(partition) if is_edge else by_range.end
        in_range = by_range.start <= value < by_range.end
        if not in_range or (value - by_range.start) % by_range.interval:
            raise _bad(partition, "the start of a range of the table")
    return f"coalesce({label}, '{NULL}') = {literal(partition)}"


def start_of(partition: str, unit: str) -> datetime:
    """The moment at which a partition by time begins."""
    form = FORMATS[unit].replace("%Y", "YYYY").replace("%m", "MM").replace("%d", "DD")
    expected = f"{form.replace('%H', 'HH')} for a table partitioned by {unit}"
    if not re.fullmatch(rf"\d{{{_LENGTH[unit]}}}", partition):
        raise _bad(partition, expected)
    try:
        return datetime.strptime(partition, FORMATS[unit]).replace(tzinfo=UTC)
    except ValueError:
        raise _bad(partition, expected) from None


def unit_of(partition: str) -> TimePartitioning:
    """How a table is partitioned that is made for a decorated name: by ingestion time."""
    unit = _UNIT_BY_LENGTH.get(len(partition), "DAY")
    start_of(partition, unit)
    return TimePartitioning(unit)


def rows_of(table: Table, partition: str | None) -> str:
    """What stands in FROM for a table, or for one partition of it."""
    whole = relation(table.ref)
    return (
        whole
        if partition is None
        else (f"(SELECT * FROM {whole} WHERE {condition(table, partition)})")
    )


def ingestion_start(table: Table, partition: str) -> str | None:
    """What `_PARTITIONTIME` becomes for rows put into a partition; None where a column decides."""
    by_time = table.time_partitioning
    if by_time is None or by_time.field is not None:
        return None
    if partition == NULL:
        return "NULL::TIMESTAMPTZ"
    moment = start_of(partition, by_time.type)
    return f"TIMESTAMPTZ {literal(moment.isoformat())}"


def misplaced(table: Table, partition: str) -> BigQueryError:
    return invalid(
        f"Some rows belong to different partitions rather than destination partition "
        f"{table.ref.table}${partition}"
    )


def _bad(partition: str, expected: str) -> BigQueryError:
    return invalid(f"Invalid partition decorator ${partition}: it must be {expected}.")
