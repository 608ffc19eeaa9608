"""Which partitioning and clustering a schema allows; every way of creating a table asks here."""

from typing import Final

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import Kind, Table
from mainstem.localgcp.bigquery.sql.types import LEGACY_NAMES, Field

BY_TIME: Final = {
    "DATE": ("DAY", "MONTH", "YEAR"),
    "TIMESTAMP": ("HOUR", "DAY", "MONTH", "YEAR"),
    "DATETIME": ("HOUR", "DAY", "MONTH", "YEAR"),
}
CLUSTERABLE: Final = frozenset(
    {"INT64", "STRING", "BOOL", "DATE", "DATETIME", "TIMESTAMP", "NUMERIC", "BIGNUMERIC"}
)
MOST_PARTITIONS: Final = 10_000
MOST_CLUSTERED: Final = 4


def check_layout(table: Table) -> None:
    """Refuse a partitioning or clustering that BigQuery would refuse."""
    if table.kind not in (Kind.TABLE, Kind.MATERIALIZED_VIEW):
        return
    if table.time_partitioning is not None and table.range_partitioning is not None:
        raise invalid("Only one of timePartitioning and rangePartitioning can be set")
    _check_time(table)
    _check_range(table)
    _check_clustering(table)
    partitioned = table.time_partitioning or table.range_partitioning
    if table.require_partition_filter and not partitioned:
        raise invalid("require_partition_filter is only supported for partitioned tables")


def _field(table: Table, name: str) -> Field | None:
    return next((f for f in table.schema if f.name.casefold() == name.casefold()), None)


def _check_time(table: Table) -> None:
    by_time = table.time_partitioning
    if by_time is None or by_time.field is None:
        return
    column = _field(table, by_time.field)
    if column is None:
        raise invalid(
            "The field specified for partitioning cannot be found in the schema. "
            f"Invalid field: {by_time.field}."
        )
    if column.type not in BY_TIME or column.is_repeated:
        raise invalid(
            "The field specified for time partitioning can only be of type TIMESTAMP, DATE or "
            f"DATETIME. The type found is: {LEGACY_NAMES.get(column.type, column.type)}."
        )
    if by_time.type not in BY_TIME[column.type]:
        raise invalid(
            f"Cannot partition by {by_time.type} on the {column.type} field {column.name}"
        )


def _check_range(table: Table) -> None:
    by_range = table.range_partitioning
    if by_range is None:
        return
    column = _field(table, by_range.field)
    if column is None:
        raise invalid(
            "The field specified for partitioning cannot be found in the schema. "
            f"Invalid field: {by_range.field}."
        )
    if column.type != "INT64" or column.is_repeated:
        raise invalid(
            "The field specified for range partitioning can only be of type INTEGER. "
            f"The type found is: {LEGACY_NAMES.get(column.type, column.type)}."
        )
    if (by_range.end - by_range.start) // by_range.interval > MOST_PARTITIONS:
        raise invalid(f"Range partitioning cannot have more than {MOST_PARTITIONS} partitions")


def _check_clustering(table: Table) -> None:
    if len(table.clustering) > MOST_CLUSTERED:
        raise invalid(f"Clustering on more than {MOST_CLUSTERED} fields is not supported")
    for name in table.clustering:
        column = _field(table, name)
        if column is None:
            raise invalid(
                "The field specified for clustering cannot be found in the schema. "
                f"Invalid field: {name}."
            )
        if column.type not in CLUSTERABLE or column.is_repeated:
            raise invalid(f"Clustering is not supported on the {column.type} field {column.name}")
