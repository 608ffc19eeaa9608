"""OPTIONS (…): every known option is kept, every other one is refused by name."""

# writing SQL is what this package does; names are quoted by types.quote

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mainstem.localgcp.bigquery.model import (
    CsvOptions,
    Dataset,
    ExternalConfig,
    Labels,
    ParquetOptions,
    Table,
)
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.coercion import can_coerce, coerce
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.session import Session
from mainstem.localgcp.bigquery.sql.types import (
    BOOL,
    FLOAT64,
    INT64,
    STRING,
    TIMESTAMP,
    Type,
    array_of,
    struct_of,
)

STRINGS: Final = array_of(STRING)
PAIRS: Final = array_of(struct_of((("k", STRING), ("v", STRING))))
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Given:
    """An option with its value and where it is written."""

    value: Any  # what DuckDB gave for an expression of the option's type
    at: int


def read_options(
    session: Session, options: st.Options, known: Mapping[str, Type], what: str
) -> dict[str, Given]:
    """The values of options; an unknown one, or one given twice, is an error."""
    out: dict[str, Given] = {}
    for name, node in options:
        key = name.text.lower()
        if key not in known:
            raise SqlProblem(f"Unknown option: {name.text}" + _hint(what), name.at)
        if key in out:
            raise SqlProblem(f"Duplicate option specified for '{name.text}'", name.at)
        out[key] = Given(_evaluate(session, node, known[key], name.text), name.at)
    return out


def _hint(what: str) -> str:
    return f" (the local BigQuery emulator knows no such option of {what})"


def _evaluate(session: Session, node: tree.Expr, kind: Type, name: str) -> Any:
    value = session.value(node)
    if value.is_null:
        return None
    if value.type.is_array and value.sql.startswith("CAST([] AS "):
        return []
    if kind == PAIRS and value.type.is_array and value.type.of().is_struct:
        kind = array_of(struct_of((key, STRING) for key, _ in value.type.of().fields))
    if not can_coerce(value, kind):
        raise SqlProblem(f"Option {name} expects {kind}, not {value.type}", node.at)
    sql = coerce(value, kind).sql
    if kind == TIMESTAMP:
        sql = f"epoch_us({sql})"
    row = session.execute(f"SELECT {sql}").fetchone()
    return row[0] if row else None


def _labels(given: Given) -> Labels:
    pairs: list[tuple[str, str]] = []
    for item in given.value or ():
        key, value = item.values() if isinstance(item, dict) else item
        if not re.fullmatch(r"[\w-]{1,63}", key) or not re.fullmatch(r"[\w-]{0,63}", value):
            raise SqlProblem(f'Invalid label "{key}": "{value}"', given.at)
        pairs.append((key, value))
    return tuple(pairs)


def _moment(given: Given) -> datetime | None:
    if given.value is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=given.value)


# ---- tables -------------------------------------------------------------------------------

TABLE_OPTIONS: Final[dict[str, Type]] = {
    "expiration_timestamp": TIMESTAMP,
    "partition_expiration_days": FLOAT64,
    "require_partition_filter": BOOL,
    "friendly_name": STRING,
    "description": STRING,
    "labels": PAIRS,
    "default_rounding_mode": STRING,
    "max_staleness": STRING,
}
VIEW_OPTIONS: Final[dict[str, Type]] = {
    "expiration_timestamp": TIMESTAMP,
    "friendly_name": STRING,
    "description": STRING,
    "labels": PAIRS,
}
MATERIALIZED_OPTIONS: Final[dict[str, Type]] = {
    **VIEW_OPTIONS,
    "enable_refresh": BOOL,
    "refresh_interval_minutes": FLOAT64,
    "max_staleness": Type("INTERVAL"),
    "allow_non_incremental_definition": BOOL,
}
COLUMN_OPTIONS: Final[dict[str, Type]] = {"description": STRING, "rounding_mode": STRING}

Change = Callable[[Table, Given], Table]


def _partition_days(table: Table, given: Given) -> Table:
    if table.time_partitioning is None:
        raise SqlProblem(
            "partition_expiration_days can only be set on a table partitioned by time", given.at
        )
    after = None if given.value is None else int(given.value * DAY_MS)
    return replace(table, time_partitioning=replace(table.time_partitioning, expiration_ms=after))


def _rounding(table: Table, given: Given) -> Table:
    if given.value not in (None, "ROUND_HALF_AWAY_FROM_ZERO", "ROUNDING_MODE_UNSPECIFIED"):
        raise refused(f"default_rounding_mode {given.value}", given.at)
    return replace(table, default_rounding_mode=given.value)


def _refresh_minutes(table: Table, given: Given) -> Table:
    interval = None if given.value is None else int(given.value * 60_000)
    return replace(table, refresh_interval_ms=interval)


_CHANGES: Final[dict[str, Change]] = {
    "expiration_timestamp": lambda table, given: replace(table, expires=_moment(given)),
    "partition_expiration_days": _partition_days,
    "require_partition_filter": lambda table, given: replace(
        table, require_partition_filter=bool(given.value)
    ),
    "friendly_name": lambda table, given: replace(table, friendly_name=given.value),
    "description": lambda table, given: replace(table, description=given.value),
    "labels": lambda table, given: replace(table, labels=_labels(given)),
    "default_rounding_mode": _rounding,
    "max_staleness": lambda table, given: replace(
        table, max_staleness=None if given.value is None else str(given.value)
    ),
    "enable_refresh": lambda table, given: replace(table, enable_refresh=given.value),
    "refresh_interval_minutes": _refresh_minutes,
    # Every refresh of this emulator is a whole recomputation, so both answers hold.
    "allow_non_incremental_definition": lambda table, given: table,
}


def with_options(
    session: Session, table: Table, options: st.Options, known: Mapping[str, Type]
) -> Table:
    """A table with options set; an option given as NULL is cleared."""
    for name, given in read_options(session, options, known, str(table.kind)).items():
        table = _CHANGES[name](table, given)
    return table


# ---- datasets -----------------------------------------------------------------------------

DATASET_OPTIONS: Final[dict[str, Type]] = {
    "location": STRING,
    "friendly_name": STRING,
    "description": STRING,
    "labels": PAIRS,
    "default_table_expiration_days": FLOAT64,
    "default_partition_expiration_days": FLOAT64,
    "max_time_travel_hours": INT64,
    "storage_billing_model": STRING,
    "is_case_insensitive": BOOL,
}


def _days_ms(given: Given) -> int | None:
    return None if given.value is None else int(given.value * DAY_MS)


_DATASET_CHANGES: Final[dict[str, Callable[[Dataset, Given], Dataset]]] = {
    "location": lambda dataset, given: replace(dataset, location=given.value),
    "friendly_name": lambda dataset, given: replace(dataset, friendly_name=given.value),
    "description": lambda dataset, given: replace(dataset, description=given.value),
    "labels": lambda dataset, given: replace(dataset, labels=_labels(given)),
    "default_table_expiration_days": lambda dataset, given: replace(
        dataset, default_table_expiration_ms=_days_ms(given)
    ),
    "default_partition_expiration_days": lambda dataset, given: replace(
        dataset, default_partition_expiration_ms=_days_ms(given)
    ),
    "max_time_travel_hours": lambda dataset, given: replace(
        dataset, max_time_travel_hours=given.value
    ),
    "storage_billing_model": lambda dataset, given: replace(
        dataset, storage_billing_model=given.value
    ),
    "is_case_insensitive": lambda dataset, given: _case_insensitive(dataset, given),
}


def _case_insensitive(dataset: Dataset, given: Given) -> Dataset:
    if given.value:
        raise refused("case-insensitive datasets", given.at)
    return dataset


def with_dataset_options(session: Session, dataset: Dataset, options: st.Options) -> Dataset:
    for name, given in read_options(session, options, DATASET_OPTIONS, "datasets").items():
        dataset = _DATASET_CHANGES[name](dataset, given)
    return dataset


# ---- external tables ----------------------------------------------------------------------

EXTERNAL_OPTIONS: Final[dict[str, Type]] = {
    "format": STRING,
    "uris": STRINGS,
    "allow_jagged_rows": BOOL,
    "allow_quoted_newlines": BOOL,
    "compression": STRING,
    "decimal_target_types": STRINGS,
    "description": STRING,
    "encoding": STRING,
    "enable_list_inference": BOOL,
    "enum_as_string": BOOL,
    "expiration_timestamp": TIMESTAMP,
    "field_delimiter": STRING,
    "friendly_name": STRING,
    "ignore_unknown_values": BOOL,
    "labels": PAIRS,
    "max_bad_records": INT64,
    "null_marker": STRING,
    "null_markers": STRINGS,
    "preserve_ascii_control_characters": BOOL,
    "quote": STRING,
    "skip_leading_rows": INT64,
    "source_column_match": STRING,
}
_FORMATS: Final = {
    "CSV": "CSV",
    "JSON": "NEWLINE_DELIMITED_JSON",
    "NEWLINE_DELIMITED_JSON": "NEWLINE_DELIMITED_JSON",
    "PARQUET": "PARQUET",
    "AVRO": "AVRO",
    "ORC": "ORC",
}
_CSV_NAMES: Final = {
    "field_delimiter": "delimiter",
    "quote": "quote",
    "skip_leading_rows": "skip_leading_rows",
    "null_marker": "null_marker",
    "allow_jagged_rows": "allow_jagged_rows",
    "allow_quoted_newlines": "allow_quoted_newlines",
    "encoding": "encoding",
    "preserve_ascii_control_characters": "preserve_ascii_control_characters",
    "source_column_match": "source_column_match",
}
_DELIMITERS: Final = {"\\t": "\t", "tab": "\t"}


def external_config(given: Mapping[str, Given], *, is_detected: bool, at: int) -> ExternalConfig:
    """What to read and how, from the options of CREATE EXTERNAL TABLE."""
    if "format" not in given or not given["format"].value:
        raise SqlProblem("Option format must be specified for an external table", at)
    written = str(given["format"].value).upper()
    if written not in _FORMATS:
        raise refused(f"external tables of format {written}", given["format"].at)
    uris = given["uris"].value if "uris" in given else None
    if not uris:
        raise SqlProblem("Option uris must be specified for an external table", at)
    return ExternalConfig(
        uris=tuple(uris),
        format=_FORMATS[written],
        csv=_csv_options(given),
        parquet=ParquetOptions(
            _flag(given, "enum_as_string"), _flag(given, "enable_list_inference")
        ),
        autodetect=is_detected,
        ignore_unknown_values=_flag(given, "ignore_unknown_values"),
        max_bad_records=int(_value(given, "max_bad_records") or 0),
        compression=str(_value(given, "compression") or "NONE").upper(),
        decimal_target_types=tuple(_value(given, "decimal_target_types") or ()),
    )


def _csv_options(given: Mapping[str, Given]) -> CsvOptions:
    values = {
        field: given[name].value
        for name, field in _CSV_NAMES.items()
        if name in given and given[name].value is not None
    }
    if "delimiter" in values:
        values["delimiter"] = _DELIMITERS.get(values["delimiter"], values["delimiter"])
    markers = _value(given, "null_markers")
    return CsvOptions(**values, null_markers=tuple(markers or ()))


def _value(given: Mapping[str, Given], name: str) -> Any:
    return given[name].value if name in given else None


def _flag(given: Mapping[str, Given], name: str) -> bool:
    return bool(_value(given, name))
