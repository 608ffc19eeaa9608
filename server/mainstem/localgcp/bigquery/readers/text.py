"""CSV and newline-delimited JSON files as DuckDB relations of raw text, one row per record."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mainstem.localgcp.bigquery.model import CsvOptions, ExternalConfig
from mainstem.localgcp.bigquery.readers.objects import SourceFile, duckdb_path
from mainstem.localgcp.bigquery.sql.types import literal

LONGEST_JSON_LINE: Final = 16 * 1024 * 1024
FILE_COLUMN: Final = "filename"
DUCKDB_ENCODINGS: Final = {"UTF-8": "utf-8", "ISO-8859-1": "latin-1"}


def raw_name(index: int) -> str:
    """The name of a raw CSV column; never the user's, which could be anything."""
    return f"c{index}"


def csv_relation(
    config: ExternalConfig, files: Sequence[SourceFile], width: int, *, keeps_rejects: bool = False
) -> str:
    """The first `width` values of every record as text."""
    csv = config.csv
    columns = ", ".join(f"'{raw_name(index)}': 'VARCHAR'" for index in range(width))
    options = {
        "columns": f"{{{columns}}}",
        "delim": literal(csv.delimiter),
        "quote": literal(csv.quote),
        "escape": literal(csv.quote),
        "skip": str(csv.skip_leading_rows or 0),
        "nullstr": _null_strings(csv),
        "allow_quoted_nulls": "false",
        "encoding": literal(DUCKDB_ENCODINGS[csv.encoding]),
        "strict_mode": "false" if config.ignore_unknown_values else "true",
        "null_padding": "true" if csv.allow_jagged_rows else "false",
    }
    # DuckDB's parallel reader cannot pad short rows and follow quoted newlines at once.
    one_by_one = keeps_rejects or (csv.allow_jagged_rows and csv.allow_quoted_newlines)
    options["parallel"] = "false" if one_by_one else "true"
    if keeps_rejects:
        options |= {"ignore_errors": "true", "store_rejects": "true", "rejects_limit": "0"}
    return _read(files, options)


def json_relation(files: Sequence[SourceFile], *, in_order: bool = False) -> str:
    """Every line as the column `line`."""
    options = {
        "columns": "{'line': 'VARCHAR'}",
        "delim": literal("\x01"),
        "quote": "''",
        "escape": "''",
        "strict_mode": "false",
        "max_line_size": str(LONGEST_JSON_LINE),
        "parallel": "false" if in_order else "true",
    }
    return _read(files, options)


def _null_strings(csv: CsvOptions) -> str:
    if csv.null_markers:
        return f"[{', '.join(literal(marker) for marker in csv.null_markers)}]"
    return literal(csv.null_marker or "")


def _read(files: Sequence[SourceFile], options: dict[str, str]) -> str:
    """One relation over plain and compressed files alike."""
    common = {"auto_detect": "false", "header": "false", "filename": "true", **options}
    parts = []
    for is_gzip in (False, True):
        paths = [file.path for file in files if file.is_gzip is is_gzip]
        if paths:
            compression = literal("gzip" if is_gzip else "none")
            parts.append(_read_csv(paths, {**common, "compression": compression}))
    return parts[0] if len(parts) == 1 else f"({' UNION ALL '.join(f'FROM {p}' for p in parts)})"


def _read_csv(paths: Sequence[Path], options: dict[str, str]) -> str:
    listed = ", ".join(literal(duckdb_path(path)) for path in paths)
    spelled = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"read_csv([{listed}], {spelled})"
