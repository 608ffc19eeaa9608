"""The DuckDB relation behind a native table: what its columns are and what they refuse."""

from collections.abc import Iterable, Mapping

from mainstem.localgcp.bigquery.sql.types import Field, quote

PARTITION_TIME = "_PARTITIONTIME"


def column_sql(column: Field, default: str | None = None) -> str:
    """One column definition; `default` is DuckDB SQL (see `defaults.duckdb_default`)."""
    parts = [quote(column.name), column.physical_type()]
    if default is not None:
        parts.append(f"DEFAULT ({default})")
    if column.is_required:
        parts.append("NOT NULL")
    if column.max_length is not None and not column.is_repeated:
        size = "octet_length" if column.type == "BYTES" else "length"
        parts.append(f"CHECK ({size}({quote(column.name)}) <= {column.max_length})")
    return " ".join(parts)


def relation_sql(
    relation: str,
    columns: Iterable[Field],
    defaults: Mapping[str, str],
    *,
    ingestion_unit: str | None = None,
) -> str:
    """CREATE TABLE for a relation; `ingestion_unit` (HOUR, DAY, …) adds `_PARTITIONTIME`."""
    parts = [column_sql(column, defaults.get(column.name)) for column in columns]
    if ingestion_unit is not None:
        parts.append(
            f"{quote(PARTITION_TIME)} TIMESTAMP WITH TIME ZONE "
            f"DEFAULT (date_trunc('{ingestion_unit.lower()}', now()))"
        )
    if not parts:
        # DuckDB has no table without columns; this one is never shown.
        parts.append('"_empty" BOOLEAN')
    return f"CREATE TABLE {relation} ({', '.join(parts)})"
