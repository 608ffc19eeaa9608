"""Which records of a failed scan are bad: what is wrong with each, and where in the file."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, cast

import duckdb

from mainstem.localgcp.bigquery.errors import BigQueryError, ErrorProto
from mainstem.localgcp.bigquery.readers.jsonvalues import unknown_paths
from mainstem.localgcp.bigquery.readers.objects import SourceFile
from mainstem.localgcp.bigquery.readers.scan import (
    Source,
    csv_bad,
    json_bad_tests,
    json_columns,
    split_lines,
)
from mainstem.localgcp.bigquery.readers.text import csv_relation, json_relation, raw_name
from mainstem.localgcp.bigquery.sql.types import Field

PREFIX: Final = "Error while reading data, error message: "
MOST_REPORTED: Final = 100


@dataclass(frozen=True, slots=True)
class BadRecords:
    """How many records are bad, and the first of them in words."""

    count: int
    errors: tuple[ErrorProto, ...]


def find_bad_records(cursor: duckdb.DuckDBPyConnection, source: Source) -> BadRecords:
    """Read every file again, slowly, in order, one by one."""
    count, errors = 0, []
    for file in source.files:
        single = replace(source, files=(file,))
        is_csv = source.config.format == "CSV"
        bad = _bad_csv(cursor, single, file) if is_csv else _bad_json(cursor, single, file)
        count += len(bad)
        errors += [_proto(message, file) for _, message in sorted(bad)[:MOST_REPORTED]]
    return BadRecords(count, tuple(errors[:MOST_REPORTED]))


def too_many(source: Source, bad: BadRecords) -> BigQueryError:
    """The error that a read with more bad records than allowed ends with."""
    kind = "CSV" if source.config.format == "CSV" else "JSON"
    message = (
        f"{PREFIX}{kind} processing encountered too many errors, giving up. "
        f"Rows: {bad.count}; errors: {bad.count}; max bad: {source.config.max_bad_records}; "
        "error percent: 0"
    )
    return BigQueryError("invalid", message, stream=bad.errors)


def _proto(message: str, file: SourceFile) -> ErrorProto:
    if file.uri is None:
        return ErrorProto("invalid", f"{PREFIX}{message}")
    return ErrorProto("invalid", f"{PREFIX}{message} File: {file.uri}", file.uri)


def _bad_csv(
    cursor: duckdb.DuckDBPyConnection, source: Source, file: SourceFile
) -> list[tuple[int, str]]:
    """Bad records as (byte offset, message)."""
    newlines = source.config.csv.allow_quoted_newlines
    tests = [
        csv_bad(index, field, newlines_allowed=newlines)
        for index, field in enumerate(source.schema)
    ]
    raws = [raw_name(index) for index in range(len(source.schema))]
    relation = csv_relation(source.config, source.files, len(source.schema), keeps_rejects=True)
    values = _first_bad(cursor, relation, tests, raws)
    rejected = {offset: _structure_message(r, offset, source) for offset, r in _rejects(cursor)}
    readable = [offset for offset in _record_starts(source, file) if offset not in rejected]
    bad = list(rejected.items())
    for ordinal, column, raw in values:
        offset = readable[ordinal - 1] if ordinal <= len(readable) else 0
        bad.append((offset, _value_message(source.schema[column], column, raw, offset)))
    return bad


def _first_bad(
    cursor: duckdb.DuckDBPyConnection, relation: str, tests: Sequence[str], raws: Sequence[str]
) -> list[tuple[int, int, str | None]]:
    """For every bad record its ordinal, the first test that fails, and the text that failed."""
    which = " ".join(f"WHEN {test} THEN {index}" for index, test in enumerate(tests))
    text = " ".join(f"WHEN {test} THEN {raw}" for test, raw in zip(tests, raws, strict=True))
    cursor.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    return cursor.execute(
        f"SELECT n, bad, raw FROM (SELECT row_number() OVER () AS n, CASE {which} END AS bad, "
        f"CASE {text} END AS raw FROM {relation}) WHERE bad IS NOT NULL ORDER BY n"
    ).fetchall()


def _rejects(cursor: duckdb.DuckDBPyConnection) -> list[tuple[int, tuple[str, int]]]:
    """Records that could not be split into columns: offset, kind, columns found."""
    try:
        rows = cursor.execute(
            "SELECT line_byte_position - 1, error_type::VARCHAR, "
            "try_cast(regexp_extract(error_message, 'Found: (\\d+)', 1) AS INTEGER) "
            "FROM reject_errors ORDER BY line_byte_position DESC, byte_position DESC"
        ).fetchall()
    except duckdb.CatalogException:
        return []
    return [(offset, (kind, found or 0)) for offset, kind, found in rows]


def _structure_message(reject: tuple[str, int], offset: int, source: Source) -> str:
    kind, found = reject
    match kind:
        case "TOO MANY COLUMNS":
            return f"Too many values in row starting at position: {offset}."
        case "MISSING COLUMNS":
            return (
                f"CSV table references column position {len(source.schema) - 1}, but line "
                f"starting at position:{offset} contains only {found} columns."
            )
        case "UNQUOTED VALUE":
            return (
                'Data between close double quote (") and field separator; '
                f"row starting at position: {offset}."
            )
        case _:
            return f"Bad character (ASCII 0) or encoding in row starting at position: {offset}."


def _value_message(field: Field, position: int, raw: str | None, offset: int) -> str:
    if raw is None:
        return (
            f"Required column value for column index: {position} ({field.name}) is missing in "
            f"row starting at position: {offset}"
        )
    if field.type == "STRING" and "\n" in raw:
        return (
            'Missing close double quote (") character; set allowQuotedNewlines to load values '
            f"that hold line breaks; row starting at position: {offset}."
        )
    return (
        f"Could not parse '{raw[:200]}' as {field.type} for field {field.name} "
        f"(position {position}) starting at location {offset}  with message 'Unable to parse'"
    )


@dataclass(frozen=True, slots=True)
class BadLine:
    """One line of JSON: which, of which field, and what is wrong with it."""

    ordinal: int
    field: str
    message: str


def bad_lines(cursor: duckdb.DuckDBPyConnection, source: Source) -> list[BadLine]:
    """The bad lines of one file; blank lines do not count."""
    structure, columns = json_columns(cursor, source)
    tests = json_bad_tests(source, structure, columns)
    labels = [("", "Parser terminated before end of string")]
    if not source.config.ignore_unknown_values:
        paths = unknown_paths(structure, source.schema)
        labels += [(".".join(path), f"No such field: {'.'.join(path)}.") for path in paths]
    raws = ["line"] * len(labels) + [column.raw for column in columns]
    relation = split_lines(json_relation(source.files, in_order=True), structure)
    bad = []
    for ordinal, test, raw in _first_bad(cursor, relation, tests, raws):
        if test < len(labels):
            bad.append(BadLine(ordinal, *labels[test]))
        else:
            field = source.schema[test - len(labels)]
            bad.append(BadLine(ordinal, field.name, _json_message(field, raw)))
    return bad


def _bad_json(
    cursor: duckdb.DuckDBPyConnection, source: Source, file: SourceFile
) -> list[tuple[int, str]]:
    starts = list(_line_starts(file))
    bad = []
    for line in bad_lines(cursor, source):
        offset = starts[line.ordinal - 1] if line.ordinal <= len(starts) else 0
        place = f"JSON processing encountered an error in row starting at position {offset}: "
        bad.append((offset, place + line.message))
    return bad


def _json_message(field: Field, raw: str | None) -> str:
    if raw is None:
        return f"Missing required field: {field.name}."
    if field.is_repeated and not raw.startswith("["):
        return f"Array specified for non-repeated field or scalar for repeated field: {field.name}."
    return (
        f"Could not convert value to {field.type.lower()}. Field: {field.name}; Value: {raw[:200]}"
    )


def _open(file: SourceFile) -> BinaryIO:
    """The file's text, decompressed; whoever asks closes it."""
    if file.is_gzip:
        return cast("BinaryIO", gzip.open(file.path, "rb"))
    return file.path.open("rb")


def _line_starts(file: SourceFile) -> Iterator[int]:
    """The byte offset of every line that is not blank."""
    offset = 0
    with _open(file) as lines:
        for line in lines:
            if line.strip():
                yield offset
            offset += len(line)


def _record_starts(source: Source, file: SourceFile) -> Iterator[int]:
    """The byte offset of every CSV record after the skipped lines."""
    quote = source.config.csv.quote.encode()
    skipped = source.config.csv.skip_leading_rows or 0
    offset, is_open = 0, False
    with _open(file) as lines:
        for number, line in enumerate(lines, start=1):
            if not is_open and number > skipped and line.strip(b"\r\n"):
                yield offset
            if quote and number > skipped:
                is_open ^= line.count(quote) % 2 == 1
            offset += len(line)
