"""Stored tables in FROM: native, external, views, wildcards and their pseudo columns."""

# writing SQL is what this package does; names are quoted by types.quote

from dataclasses import replace
from typing import Final

from mainstem.localgcp.bigquery.model import DatasetRef, Kind, Table, TableRef
from mainstem.localgcp.bigquery.sql.context import Context
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.tree import Path
from mainstem.localgcp.bigquery.sql.types import (
    DATE,
    STRING,
    TIMESTAMP,
    Field,
    Type,
    literal,
    quote,
)
from mainstem.localgcp.bigquery.sql.values import Column, Origin, Scan, Value

PARTITION_TIME: Final = "_PARTITIONTIME"


def table_ref(path: Path, context: Context) -> TableRef:
    """The table a path of one to three names means."""
    names = [name.text for name in path.names]
    host = context.host
    if len(names) == 3:
        return TableRef(names[0], names[1], names[2])
    if len(names) == 2:
        return TableRef(host.project, names[0], names[1])
    if len(names) > 3:
        raise SqlProblem(f'Invalid project ID or table name "{path}"', path.at)
    if host.default_dataset is None:
        raise SqlProblem(
            f'Table "{path}" must be qualified with a dataset (e.g. dataset.table)', path.at
        )
    default = host.default_dataset
    return TableRef(default.project, default.dataset, names[0])


def find_table(ref: TableRef, context: Context, at: int | None) -> Table:
    """The table, or BigQuery's words for its absence."""
    table = context.host.table(ref)
    if table is not None:
        return table
    raise missing(ref, context, at)


def missing(ref: TableRef, context: Context, at: int | None) -> SqlProblem:
    location = context.host.location
    if context.host.dataset(DatasetRef(ref.project, ref.dataset)) is None:
        message = (
            f"Not found: Dataset {ref.project}:{ref.dataset} was not found in location {location}"
        )
    else:
        message = f"Not found: Table {ref} was not found in location {location}"
    return SqlProblem(message, at, "notFound")


def stored_columns(scan: Scan, alias: str) -> tuple[Column, ...]:
    """A table's columns and pseudo columns under a DuckDB alias."""
    columns = [
        Column(member.name, column_value(member, f"{alias}.{quote(member.name)}", scan))
        for member in scan.table.schema
    ]
    return (*columns, *_pseudo_columns(scan, alias))


def column_value(member: Field, sql: str, scan: Scan) -> Value:
    """A stored column as queries see it: NUMERIC(p, s) widens to NUMERIC."""
    kind = member.value_type()
    if member.has_parameters:
        sql = f"CAST({sql} AS {kind.duckdb()})"
    return Value(sql, kind, origin=Origin(scan, member.name.casefold()))


def _pseudo_columns(scan: Scan, alias: str) -> list[Column]:
    table = scan.table
    out: list[Column] = []
    partitioning = table.time_partitioning
    if table.kind is Kind.EXTERNAL:
        out.append(_pseudo("_FILE_NAME", f'{alias}."_FILE_NAME"', STRING, scan))
    if partitioning is not None and partitioning.field is None:
        time = f"{alias}.{quote(PARTITION_TIME)}"
        out.append(_pseudo(PARTITION_TIME, time, TIMESTAMP, scan))
        if partitioning.type == "DAY":
            day = f"CAST(timezone('UTC', {time}) AS DATE)"
            out.append(_pseudo("_PARTITIONDATE", day, DATE, scan))
    return out


def _pseudo(name: str, sql: str, kind: Type, scan: Scan) -> Column:
    return Column(name, Value(sql, kind, origin=Origin(scan, name.casefold())), is_hidden=True)


def relation_sql(table: Table, context: Context) -> str:
    """What stands in FROM for a native or external table."""
    if table.kind is Kind.EXTERNAL:
        context.is_stable = False
        return context.host.external_relation(table)
    return context.host.relation(table.ref)


# ---- wildcard tables ----------------------------------------------------------------------


def wildcard_tables(ref: TableRef, context: Context, at: int) -> list[Table]:
    """The native tables whose names begin with the wildcard's prefix."""
    prefix = ref.table[:-1]
    if "*" in prefix:
        raise SqlProblem(f"Invalid table name: {ref.table}", at)
    dataset = DatasetRef(ref.project, ref.dataset)
    if context.host.dataset(dataset) is None:
        raise missing(ref, context, at)
    found = [
        table
        for table in context.host.tables(dataset)
        if table.ref.table.startswith(prefix) and table.kind is Kind.TABLE
    ]
    if not found:
        raise SqlProblem(f"{ref} does not match any table.", at)
    return found


def wildcard_sql(tables: list[Table], prefix: str, context: Context) -> tuple[str, Table]:
    """The union of the tables in the newest one's schema, with `_TABLE_SUFFIX`."""
    newest = max(tables, key=lambda table: (table.created, table.ref.table))
    partitions = newest.time_partitioning is not None and newest.time_partitioning.field is None
    parts: list[str] = []
    for table in tables:
        known = {member.name.casefold(): member for member in table.schema}
        columns = [_wildcard_column(member, known) for member in newest.schema]
        if partitions:
            columns.append(quote(PARTITION_TIME))
        suffix = literal(table.ref.table[len(prefix) :])
        columns.append(f'{suffix} AS "_TABLE_SUFFIX"')
        parts.append(f"SELECT {', '.join(columns)} FROM {context.host.relation(table.ref)}")
    return f"({' UNION ALL '.join(parts)})", replace(newest, require_partition_filter=False)


def _wildcard_column(member: Field, known: dict[str, Field]) -> str:
    present = known.get(member.name.casefold())
    kind = member.value_type().duckdb()
    source = quote(present.name) if present is not None else "NULL"
    return f"CAST({source} AS {kind}) AS {quote(member.name)}"


def suffix_column(scan: Scan, alias: str) -> Column:
    return _pseudo("_TABLE_SUFFIX", f'{alias}."_TABLE_SUFFIX"', STRING, scan)


# ---- what a query costs and needs ---------------------------------------------------------

_FIXED_BYTES: Final = {
    "INT64": 8, "FLOAT64": 8, "NUMERIC": 16, "BIGNUMERIC": 32, "BOOL": 1, "DATE": 8,
    "DATETIME": 8, "TIME": 8, "TIMESTAMP": 8, "INTERVAL": 16,
}  # fmt: skip


LEAST_BILLED: Final = 10 * 1024 * 1024


def billed(total: int) -> int:
    """Bytes billed: whole mebibytes, at least ten of them when anything is read."""
    return 0 if total == 0 else max(LEAST_BILLED, -(-total // 1048576) * 1048576)


def estimated_bytes(scans: list[Scan], context: Context) -> int:
    """Bytes a query is billed for: the columns it names, of all rows of each table."""
    widest: dict[TableRef, tuple[Scan, set[str]]] = {}
    for scan in scans:
        if scan.table.is_native or scan.table.kind is Kind.EXTERNAL:
            _, columns = widest.setdefault(scan.table.ref, (scan, set()))
            columns |= scan.columns
    return sum(_scan_bytes(scan, columns, context) for scan, columns in widest.values())


def _scan_bytes(scan: Scan, columns: set[str], context: Context) -> int:
    if scan.table.kind is Kind.EXTERNAL:
        return _external_bytes(scan.table, len(columns - {"_file_name"}), context)
    size = context.host.size(scan.table)
    fixed = {m.name.casefold(): _FIXED_BYTES.get(m.type, 0) for m in scan.table.schema
             if not m.is_repeated}  # fmt: skip
    known = {name: width for name, width in fixed.items() if width}
    loose = [m for m in scan.table.schema if m.name.casefold() not in known]
    rest = max(size.bytes - size.rows * sum(known.values()), 0)
    total = 0
    for name in columns:
        if name in known or name.startswith("_partition"):
            total += size.rows * known.get(name, 8)
        elif loose:
            total += rest // len(loose)
    return total


def _external_bytes(table: Table, columns: int, context: Context) -> int:
    """An estimate from the files: text is read whole, Parquet by its columns' even share."""
    size = context.host.external_bytes(table)
    assert table.external is not None
    if table.external.format == "PARQUET" and table.schema:
        return size * min(columns, len(table.schema)) // len(table.schema)
    return size


def check_partition_filters(scans: list[Scan]) -> None:
    """Refuse to read a table that demands a partition filter without one."""
    for scan in scans:
        if scan.table.require_partition_filter and not scan.is_filtered:
            columns = "', '".join(sorted(_filter_names(scan.table)))
            raise SqlProblem(
                f"Cannot query over table '{scan.ref.project}.{scan.ref.dataset}.{scan.ref.table}' "
                f"without a filter over column(s) '{columns}' that can be used for partition "
                "elimination",
                scan.at,
            )


def _filter_names(table: Table) -> list[str]:
    partitioning = table.time_partitioning
    if partitioning is not None:
        if partitioning.field is not None:
            return [partitioning.field]
        return [PARTITION_TIME, "_PARTITION_LOAD_TIME", "_PARTITIONDATE"]
    return [table.range_partitioning.field] if table.range_partitioning is not None else []
