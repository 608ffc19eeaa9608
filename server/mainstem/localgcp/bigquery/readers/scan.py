"""Files as a typed DuckDB relation: the same SQL serves load jobs and external tables."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import ExternalConfig
from mainstem.localgcp.bigquery.readers import columnar
from mainstem.localgcp.bigquery.readers.jsonvalues import (
    JsonColumn,
    Structure,
    split,
    top_level,
    unknown_paths,
)
from mainstem.localgcp.bigquery.readers.objects import SourceFile
from mainstem.localgcp.bigquery.readers.scalars import SENTINEL, parse, refusal
from mainstem.localgcp.bigquery.readers.text import (
    FILE_COLUMN,
    csv_relation,
    json_relation,
    raw_name,
)
from mainstem.localgcp.bigquery.sql.types import Field, literal, quote

WELL_FORMED: Final = "coalesce(json_type(TRY_CAST(line AS JSON)) = 'OBJECT', false)"


@dataclass(frozen=True, slots=True)
class Source:
    """What to read: how it is written, what it should hold, and where it is."""

    config: ExternalConfig
    schema: tuple[Field, ...]
    files: tuple[SourceFile, ...]
    storage_root: Path | None = None
    """The folder whose paths are gs:// URIs; None for an upload."""


def scan_sql(cursor: duckdb.DuckDBPyConnection, source: Source, *, skips_bad: bool = False) -> str:
    """A query whose columns are the schema's and then `_FILE_NAME`.

    Without `skips_bad` the first bad record stops it; with it bad records are left out.
    """
    match source.config.format:
        case "CSV":
            return _csv_scan(source, skips_bad=skips_bad)
        case "NEWLINE_DELIMITED_JSON":
            return _json_scan(cursor, source, skips_bad=skips_bad)
        case _:
            values = columnar.column_values(cursor, source.config, source.schema, source.files)
            return _select(source, values, columnar.relation(source.files))


def csv_bad(index: int, field: Field, *, newlines_allowed: bool) -> str:
    """Whether the raw value of a CSV column is one that BigQuery refuses."""
    raw = raw_name(index)
    if field.type == "STRING" and field.max_length is None:
        unparsed = "false"
    else:
        unparsed = f"({parse(raw, field)}) IS NULL"
    tests = [f"{raw} IS NOT NULL AND {unparsed}"]
    if not newlines_allowed:
        tests.append(f"contains({raw}, chr(10))")
    if field.is_required:
        tests.append(f"{raw} IS NULL")
    return f"coalesce({' OR '.join(f'({test})' for test in tests)}, false)"


def _csv_scan(source: Source, *, skips_bad: bool) -> str:
    config, schema = source.config, source.schema
    _check_flat(schema)
    relation = csv_relation(config, source.files, len(schema), keeps_rejects=skips_bad)
    newlines = config.csv.allow_quoted_newlines
    if skips_bad:
        bad = [csv_bad(i, field, newlines_allowed=newlines) for i, field in enumerate(schema)]
        values = [parse(raw_name(index), field) for index, field in enumerate(schema)]
        return _select(source, values, relation, keeping_good(bad))
    values = [_csv_value(i, field, newlines_allowed=newlines) for i, field in enumerate(schema)]
    return _select(source, values, relation)


def _csv_value(index: int, field: Field, *, newlines_allowed: bool) -> str:
    raw = raw_name(index)
    wrong = refusal(f"coalesce({raw}, 'null')", field, index)
    branches = []
    if field.is_required:
        branches.append(f"WHEN {raw} IS NULL THEN {wrong}")
    if field.type == "STRING" and not newlines_allowed:
        branches.append(f"WHEN contains({raw}, chr(10)) THEN {wrong}")
    if field.type == "STRING" and field.max_length is None:
        return f"CASE {' '.join(branches)} ELSE {raw} END" if branches else raw
    parsed = f"coalesce({parse(raw, field)}, {wrong})"
    return f"CASE {' '.join(branches)} WHEN {raw} IS NULL THEN NULL ELSE {parsed} END"


def _check_flat(schema: Sequence[Field]) -> None:
    for field in schema:
        if field.is_repeated or field.type == "STRUCT":
            raise invalid(
                f"Cannot load CSV data with a repeated field. Field: {field.name}"
                if field.is_repeated
                else f"Cannot load CSV data with a nested schema. Field: {field.name}"
            )


def json_structure(cursor: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]) -> Structure:
    """Every key at every level of all well-formed lines."""
    found = cursor.execute(
        "SELECT json_group_structure(CAST(line AS JSON)) "
        f"FROM (SELECT line FROM {json_relation(files)} WHERE {WELL_FORMED})"
    ).fetchone()
    read = json.loads(found[0]) if found is not None and found[0] is not None else {}
    return read if isinstance(read, dict) else {}


def json_columns(
    cursor: duckdb.DuckDBPyConnection, source: Source
) -> tuple[Structure, list[JsonColumn]]:
    structure = json_structure(cursor, source.files)
    return structure, top_level(structure, "r", source.schema)


def split_lines(relation: str, structure: Structure) -> str:
    """A relation with each line's keys as JSON values in `r`."""
    row = split("line", structure) if structure else "[]::JSON[]"
    return (
        f"(SELECT CASE WHEN {WELL_FORMED} THEN {row} END AS r, line, {FILE_COLUMN} "
        f"FROM {relation} WHERE trim(line) <> '')"
    )


def _json_scan(cursor: duckdb.DuckDBPyConnection, source: Source, *, skips_bad: bool) -> str:
    structure, columns = json_columns(cursor, source)
    relation = split_lines(json_relation(source.files), structure)
    unknown = unknown_paths(structure, source.schema)
    if unknown and not source.config.ignore_unknown_values and not skips_bad:
        raise ScanFailed(f"No such field: {'.'.join(unknown[0])}.")
    if skips_bad:
        bad = json_bad_tests(source, structure, columns)
        return _select(source, [c.lenient for c in columns], relation, keeping_good(bad))
    values = [_json_value(column, index) for index, column in enumerate(columns)]
    return _select(source, values, relation)


def json_bad_tests(
    source: Source, structure: Structure, columns: Sequence[JsonColumn]
) -> list[str]:
    """Why a line may be bad: malformed, unknown keys, then one test per column."""
    tests = [f"NOT ({WELL_FORMED})"]
    if not source.config.ignore_unknown_values:
        tests += [
            f"coalesce({_path_exists(path)}, false)"
            for path in unknown_paths(structure, source.schema)
        ]
    for column in columns:
        missing = f" OR ({column.lenient}) IS NULL" if column.field.is_required else ""
        tests.append(f"coalesce({column.bad}{missing}, false)")
    return tests


def keeping_good(tests: Sequence[str]) -> str:
    """A filter that tries the tests in order: later ones may rely on earlier ones."""
    return f"CASE {' '.join(f'WHEN {test} THEN false' for test in tests)} ELSE true END"


def _path_exists(path: Sequence[str]) -> str:
    return f"json_exists(line, {literal('$' + ''.join(f'.{_path_key(key)}' for key in path))})"


def _path_key(key: str) -> str:
    return '"' + key.replace('"', '\\"') + '"'


def _json_value(column: JsonColumn, index: int) -> str:
    wrong = f"{SENTINEL}Could not parse line as JSON"
    value = column.value
    if column.field.is_required:
        missing = literal(f"{SENTINEL}Missing required field: {column.field.name}.")
        kind = column.field.physical_type()
        value = f"coalesce({value}, CAST(error({missing}) AS {kind}))"
    if index:
        return value
    kind = column.field.physical_type()
    return f"CASE WHEN r IS NULL THEN CAST(error({literal(wrong)}) AS {kind}) ELSE {value} END"


def _select(source: Source, values: Sequence[str], relation: str, keep: str = "true") -> str:
    columns = [
        f"{value} AS {quote(field.name)}"
        for value, field in zip(values, source.schema, strict=True)
    ]
    where = "" if keep == "true" else f" WHERE {keep}"
    return f"SELECT {', '.join([*columns, file_name_sql(source)])} FROM {relation}{where}"


def file_name_sql(source: Source) -> str:
    """The `_FILE_NAME` pseudo column."""
    if source.storage_root is None:
        return 'NULL::VARCHAR AS "_FILE_NAME"'
    start = len(str(source.storage_root)) + 2
    return f"'gs://' || substr({FILE_COLUMN}, {start}) AS \"_FILE_NAME\""


class ScanFailed(Exception):
    """A scan cannot succeed as asked; the message is BigQuery's without its place."""
