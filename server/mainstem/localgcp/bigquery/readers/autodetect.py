"""Schemas that files suggest: names from a header, types from a sample, as autodetect does."""

import csv as csv_module
import gzip
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import duckdb

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import ExternalConfig
from mainstem.localgcp.bigquery.readers import columnar
from mainstem.localgcp.bigquery.readers.objects import SourceFile
from mainstem.localgcp.bigquery.readers.scan import json_structure
from mainstem.localgcp.bigquery.sql.types import NULLABLE, REPEATED, Field

SAMPLE_BYTES: Final = 1024 * 1024
SAMPLE_ROWS: Final = 500
DELIMITERS: Final = (",", "|", "\t", ";")
DAY: Final = r"\d{4}-\d{1,2}-\d{1,2}"
CLOCK: Final = r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
ZONE: Final = r" ?(Z|UTC|[+-]\d{1,2}(:?\d{2})?)"
PATTERNS: Final = (
    ("BOOL", re.compile(r"true|false", re.IGNORECASE)),
    ("INT64", re.compile(r"[+-]?\d{1,18}")),
    ("FLOAT64", re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")),
    ("DATE", re.compile(DAY)),
    ("TIME", re.compile(r"\d{1,2}:\d{2}:\d{2}(\.\d{1,6})?")),
    ("TIMESTAMP", re.compile(f"{DAY}[ T]{CLOCK}({ZONE})?")),
)
NAME_PREFIX: Final = {"INT64": "int64", "FLOAT64": "double"}
FROM_JSON: Final = {
    "BIGINT": "INT64",
    "UBIGINT": "INT64",
    "HUGEINT": "FLOAT64",
    "DOUBLE": "FLOAT64",
    "BOOLEAN": "BOOL",
    "NULL": "STRING",
}


@dataclass(frozen=True, slots=True)
class Detected:
    """The schema, and the configuration with what else was detected filled in."""

    schema: tuple[Field, ...]
    config: ExternalConfig


def detect(
    cursor: duckdb.DuckDBPyConnection, config: ExternalConfig, files: Sequence[SourceFile]
) -> Detected:
    match config.format:
        case "CSV":
            return _detect_csv(config, files)
        case "NEWLINE_DELIMITED_JSON":
            return Detected(_detect_json(cursor, files), config)
        case _:
            return Detected(columnar.detect(cursor, config, files), config)


def _detect_csv(config: ExternalConfig, files: Sequence[SourceFile]) -> Detected:
    text = _sample(files[0], "utf-8" if config.csv.encoding == "UTF-8" else "latin-1")
    delimiter = _delimiter(config, text)
    skipped = config.csv.skip_leading_rows
    rows = _rows(text, delimiter, config.csv.quote)[max((skipped or 0) - 1, 0) :]
    if not rows:
        raise invalid("Error while reading data, error message: Failed to detect schema: no rows.")
    nulls = {config.csv.null_marker or "", *config.csv.null_markers}
    has_header = skipped != 0 and _is_header(rows, asked=bool(skipped))
    body = rows[1:] if has_header or skipped else rows
    width = max(len(row) for row in rows)
    types = [_column_type([r[i] for r in body if i < len(r)], nulls) for i in range(width)]
    names = _header_names(rows[0]) if has_header else []
    names += [_made_up(types[index], index) for index in range(len(names), width)]
    schema = tuple(Field(name, kind) for name, kind in zip(names, types, strict=True))
    csv = replace(config.csv, delimiter=delimiter)
    if has_header and skipped is None:
        csv = replace(csv, skip_leading_rows=1)
    return Detected(schema, replace(config, csv=csv))


def _sample(file: SourceFile, encoding: str) -> str:
    """Whole lines from the start of the file."""
    with gzip.open(file.path, "rb") if file.is_gzip else file.path.open("rb") as opened:
        head = opened.read(SAMPLE_BYTES)
    if len(head) == SAMPLE_BYTES:
        head = head[: head.rfind(b"\n") + 1]
    return head.decode(encoding, "replace").removeprefix("\ufeff")


def _delimiter(config: ExternalConfig, text: str) -> str:
    if config.csv.delimiter != ",":
        return config.csv.delimiter
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=first.count) if "," not in first else ","


def _rows(text: str, delimiter: str, quote: str) -> list[list[str]]:
    reader = csv_module.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv_module.QUOTE_MINIMAL if quote else csv_module.QUOTE_NONE,
    )
    rows = []
    for row in reader:
        if row:
            rows.append(row)
        if len(rows) > SAMPLE_ROWS:
            break
    return rows


def _is_header(rows: Sequence[Sequence[str]], *, asked: bool) -> bool:
    """A first row of nothing but names, over rows that hold more than names.

    When rows are to be skipped the last of them counts as a header if it could be one.
    """
    first = rows[0]
    if len(rows) < 2 and not asked:
        return False
    if any(_value_type(cell) != "STRING" or not cell.strip() for cell in first):
        return False
    others = rows[1:SAMPLE_ROWS]
    return asked or any(_value_type(cell) != "STRING" for row in others for cell in row if cell)


def _value_type(text: str) -> str:
    return next((kind for kind, pattern in PATTERNS if pattern.fullmatch(text)), "STRING")


def _column_type(values: Sequence[str], nulls: set[str]) -> str:
    kinds = {_value_type(value) for value in values if value not in nulls}
    if not kinds:
        return "STRING"
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {"INT64", "FLOAT64"}:
        return "FLOAT64"
    return "TIMESTAMP" if kinds == {"DATE", "TIMESTAMP"} else "STRING"


def _header_names(cells: Sequence[str]) -> list[str]:
    names: list[str] = []
    for cell in cells:
        name = re.sub(r"[^\w]", "_", cell.strip())
        name = f"_{name}" if name[:1].isdigit() else name
        taken = {earlier.casefold() for earlier in names}
        suffix, unique = 1, name
        while unique.casefold() in taken:
            unique, suffix = f"{name}_{suffix}", suffix + 1
        names.append(unique)
    return names


def _made_up(kind: str, index: int) -> str:
    return f"{NAME_PREFIX.get(kind, kind.lower())}_field_{index}"


def _detect_json(
    cursor: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]
) -> tuple[Field, ...]:
    structure = json_structure(cursor, files)
    if not structure:
        raise invalid("Error while reading data, error message: Failed to detect schema: no rows.")
    values = _json_samples(files[0])
    return tuple(
        _json_field(key, inner, [v.get(key) for v in values]) for key, inner in structure.items()
    )


def _json_samples(file: SourceFile) -> list[Mapping[str, object]]:
    samples: list[Mapping[str, object]] = []
    for line in _sample(file, "utf-8").splitlines()[:SAMPLE_ROWS]:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            samples.append(value)
    return samples


def _json_field(name: str, structure: object, values: Sequence[object]) -> Field:
    if isinstance(structure, list):
        flat = [item for value in values if isinstance(value, list) for item in value]
        return replace(_json_field(name, structure[0], flat), mode=REPEATED)
    if isinstance(structure, Mapping):
        nested = [value for value in values if isinstance(value, dict)]
        members = tuple(
            _json_field(key, inner, [value.get(key) for value in nested])
            for key, inner in structure.items()
        )
        return Field(name, "STRUCT", NULLABLE, members)
    kind = FROM_JSON.get(str(structure), "STRING")
    if kind == "STRING":
        texts = [value for value in values if isinstance(value, str)]
        kind = _column_type(texts, {""}) if texts else "STRING"
        kind = "STRING" if kind in ("INT64", "FLOAT64", "BOOL") else kind
    return Field(name, kind)
