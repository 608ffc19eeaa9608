"""Parquet files: the columns come by name, their types have to fit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import duckdb

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import ExternalConfig
from mainstem.localgcp.bigquery.readers.objects import SourceFile, duckdb_path
from mainstem.localgcp.bigquery.sql.types import (
    DuckType,
    Field,
    SchemaError,
    field_from_duckdb,
    literal,
    quote,
)

FITS = {
    "FLOAT64": {"INT64", "NUMERIC"},
    "NUMERIC": {"INT64", "BIGNUMERIC"},
    "BIGNUMERIC": {"INT64", "NUMERIC"},
    "TIMESTAMP": {"DATETIME"},
    "DATETIME": {"TIMESTAMP"},
    "STRING": {"BYTES", "JSON"},
    "BYTES": {"STRING"},
    "JSON": {"STRING"},
}
"""Which types of a file may become which type of a table, besides its own."""


def relation(files: Sequence[SourceFile]) -> str:
    listed = ", ".join(literal(duckdb_path(file.path)) for file in files)
    return f"read_parquet([{listed}], filename = true, union_by_name = true)"


def detect(
    cursor: duckdb.DuckDBPyConnection, config: ExternalConfig, files: Sequence[SourceFile]
) -> tuple[Field, ...]:
    """The schema that the files carry."""
    cursor.execute(f"SELECT * EXCLUDE (filename) FROM {relation(files)} LIMIT 0")
    try:
        return tuple(
            _as_bigquery(field_from_duckdb(name, cast("DuckType", kind)), config)
            for name, kind, *_ in cursor.description or ()
        )
    except SchemaError as problem:
        raise invalid(f"Error while reading data, error message: {problem}") from None


def _as_bigquery(field: Field, config: ExternalConfig) -> Field:
    """Without list inference BigQuery shows Parquet's three-level lists as they are written."""
    if field.type in ("NUMERIC", "BIGNUMERIC"):
        field = replace(field, type=_decimal_target(field.type, config))
    if field.type == "STRUCT":
        members = tuple(_as_bigquery(member, config) for member in field.fields)
        field = replace(field, fields=members)
    if not field.is_repeated or config.parquet.enable_list_inference:
        return field
    element = replace(field, name="element", mode="NULLABLE")
    inner = Field("list", "STRUCT", "REPEATED", (element,))
    return Field(field.name, "STRUCT", fields=(inner,))


def _decimal_target(found: str, config: ExternalConfig) -> str:
    """The first listed type that holds the decimal, as decimalTargetTypes asks."""
    targets = config.decimal_target_types
    if not targets or found in targets:
        return found
    if found == "NUMERIC" and "BIGNUMERIC" in targets:
        return "BIGNUMERIC"
    return "STRING" if "STRING" in targets else found


def column_values(
    cursor: duckdb.DuckDBPyConnection,
    config: ExternalConfig,
    schema: Sequence[Field],
    files: Sequence[SourceFile],
) -> list[str]:
    """One expression over the files' relation for each column of the schema."""
    cursor.execute(f"SELECT * EXCLUDE (filename) FROM {relation(files)} LIMIT 0")
    raw: dict[str, tuple[str, Any]] = {
        name.casefold(): (name, kind) for name, kind, *_ in cursor.description or ()
    }
    values = [_column(field, raw.pop(field.name.casefold(), None), config) for field in schema]
    if raw and not config.ignore_unknown_values:
        unknown = next(iter(raw.values()))[0]
        raise invalid(f"Error while reading data, error message: No such field: {unknown}.")
    return values


def _column(field: Field, found: tuple[str, Any] | None, config: ExternalConfig) -> str:
    kind = field.physical_type()
    if found is None:
        if field.is_required:
            raise invalid(
                f"Error while reading data, error message: Required field {field.name} is missing"
            )
        return f"CAST(NULL AS {kind})"
    name, duck = found
    plain = field_from_duckdb(name, duck)
    actual = _as_bigquery(plain, config)
    source = quote(name)
    if plain.is_repeated and not actual.is_repeated:
        if _is_wrapped(field):
            wrap = "lambda e: struct_pack(element := e)"
            source = f"struct_pack(list := list_transform({source}, {wrap}))"
        else:
            actual = plain
    _check_fit(field, actual)
    return _cast(source, field, actual)


def _is_wrapped(field: Field) -> bool:
    return field.type == "STRUCT" and [m.name for m in field.fields] == ["list"]


def _cast(source: str, field: Field, actual: Field) -> str:
    kind = field.physical_type()
    if not field.is_repeated and (field.type, actual.type) == ("STRING", "BYTES"):
        return f"decode({source})"
    if not field.is_repeated and (field.type, actual.type) == ("BYTES", "STRING"):
        return f"encode({source})"
    value = f"CAST({source} AS {kind})"
    return f"coalesce({value}, CAST([] AS {kind}))" if field.is_repeated else value


def _check_fit(field: Field, actual: Field) -> None:
    same = field.type == actual.type or actual.type in FITS.get(field.type, ())
    if not same or field.is_repeated != actual.is_repeated:
        raise invalid(
            f"Error while reading data, error message: Column {field.name} has type "
            f"{_shown(actual)} which does not match the target type {_shown(field)}."
        )
    by_name = {member.name.casefold(): member for member in actual.fields}
    for member in field.fields:
        if member.name.casefold() in by_name:
            _check_fit(member, by_name[member.name.casefold()])


def _shown(field: Field) -> str:
    return f"ARRAY<{field.type}>" if field.is_repeated else field.type
