"""Text to BigQuery values in DuckDB SQL: NULL, or an error, where BigQuery could not parse."""

from collections.abc import Callable
from typing import Final

from mainstem.localgcp.bigquery.sql.types import DUCKDB_NAMES, Field, literal

NUMBER: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
FLOAT: Final = NUMBER + r"|[+-]?(?i:inf|infinity|nan)"
DAY: Final = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
CLOCK: Final = r"[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{0,6})?)?"
ZONE: Final = r" ?(Z|z|UTC|[+-][0-9]{1,2}(:?[0-9]{2})?|[A-Za-z_]+(/[A-Za-z_+\-0-9]+){1,2})"

TRUE_WORDS: Final = "('true', 't', 'yes', 'y', '1')"
FALSE_WORDS: Final = "('false', 'f', 'no', 'n', '0')"


def _guarded(pattern: str, kind: str) -> Callable[[str], str]:
    """Cast what matches the pattern; everything else is NULL."""

    def parse(text: str) -> str:
        cast = f"TRY_CAST({text} AS {DUCKDB_NAMES[kind]})"
        return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN {cast} END"

    return parse


def _bool(text: str) -> str:
    return (
        f"CASE WHEN lower({text}) IN {TRUE_WORDS} THEN true "
        f"WHEN lower({text}) IN {FALSE_WORDS} THEN false END"
    )


def _timestamp(text: str) -> str:
    # DuckDB wants two digits in an offset's hour; "+5" is rewritten only where it occurs.
    spelled = rf"regexp_replace({text}, '(:[0-9.]+) ?([+-])([0-9])$', '\1\2' || '0\3')"
    pattern = literal(f"{DAY}([ Tt]{CLOCK}({ZONE})?)?")
    cast = f"TRY_CAST({spelled} AS TIMESTAMP WITH TIME ZONE)"
    return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN {cast} END"


PARSERS: Final[dict[str, Callable[[str], str]]] = {
    "STRING": lambda text: text,
    "INT64": _guarded("[+-]?[0-9]+", "INT64"),
    "FLOAT64": _guarded(FLOAT, "FLOAT64"),
    "NUMERIC": _guarded(NUMBER, "NUMERIC"),
    "BIGNUMERIC": _guarded(NUMBER, "BIGNUMERIC"),
    "BOOL": _bool,
    "BYTES": lambda text: f"TRY(from_base64({text}))",
    "DATE": _guarded(DAY, "DATE"),
    "TIME": _guarded(CLOCK, "TIME"),
    "DATETIME": _guarded(f"{DAY}([ Tt]{CLOCK})?", "DATETIME"),
    "TIMESTAMP": _timestamp,
    "JSON": lambda text: f"CASE WHEN json_valid({text}) THEN {text}::JSON END",
    "INTERVAL": lambda text: f"TRY_CAST({text} AS INTERVAL)",
}


def parse(text: str, column: Field) -> str:
    """The column's value from a text expression; NULL where the text is not one."""
    parsed = PARSERS[column.type](text)
    if column.max_length is not None:
        size = "octet_length" if column.type == "BYTES" else "length"
        return f"CASE WHEN {size}({parsed}) <= {column.max_length} THEN {parsed} END"
    if column.precision is not None:
        return f"TRY_CAST({parsed} AS {column.physical_type().removesuffix('[]')})"
    return parsed


def refusal(text: str, column: Field, position: int) -> str:
    """DuckDB SQL that stops the query in BigQuery's words."""
    before = literal("Could not parse '")
    after = literal(f"' as {column.type} for field {column.name} (position {position})")
    kind = f"{column.physical_type().removesuffix('[]')}"
    return f"CAST(error({literal(SENTINEL)} || {before} || {text} || {after}) AS {kind})"


SENTINEL: Final = "bigquery-read-error: "
"""How a refusal of ours is told from an error of DuckDB's own."""
