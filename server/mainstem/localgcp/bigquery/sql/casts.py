"""CAST and SAFE_CAST: BigQuery's text forms, roundings and refusals."""

from typing import Final

from mainstem.localgcp.bigquery.sql.binding import once_value
from mainstem.localgcp.bigquery.sql.types import Type, literal, member_name, quote
from mainstem.localgcp.bigquery.sql.values import Value

# Templates give NULL where the cast fails: SAFE_CAST is the template, CAST complains about NULL.
_SAFE: Final[dict[tuple[str, str], str]] = {
    ("STRING", "INT64"): "bq_text_to_int({0})",
    ("STRING", "FLOAT64"): "bq_text_to_float({0})",
    ("STRING", "NUMERIC"): "bq_text_to_numeric({0})",
    ("STRING", "BIGNUMERIC"): "bq_text_to_bignumeric({0})",
    ("STRING", "BOOL"): "bq_text_to_bool({0})",
    ("STRING", "DATE"): "bq_text_to_date({0})",
    ("STRING", "DATETIME"): "bq_text_to_datetime({0})",
    ("STRING", "TIMESTAMP"): "bq_text_to_timestamp({0})",
    ("STRING", "TIME"): "bq_text_to_time({0})",
    ("FLOAT64", "INT64"): "TRY_CAST(round({0}) AS BIGINT)",
    ("FLOAT64", "NUMERIC"): "TRY_CAST({0} AS DECIMAL(38,9))",
    ("FLOAT64", "BIGNUMERIC"): "TRY_CAST({0} AS DECIMAL(38,18))",
    ("NUMERIC", "INT64"): "TRY_CAST({0} AS BIGINT)",
    ("BIGNUMERIC", "INT64"): "TRY_CAST({0} AS BIGINT)",
    ("BIGNUMERIC", "NUMERIC"): "TRY_CAST({0} AS DECIMAL(38,9))",
    ("BYTES", "STRING"): "bq_bytes_to_text({0})",
    ("NUMERIC", "BIGNUMERIC"): "TRY_CAST({0} AS DECIMAL(38,18))",
    ("INT64", "BIGNUMERIC"): "TRY_CAST({0} AS DECIMAL(38,18))",
}
_TOTAL: Final[dict[tuple[str, str], str]] = {
    ("INT64", "FLOAT64"): "CAST({0} AS DOUBLE)",
    ("INT64", "NUMERIC"): "CAST({0} AS DECIMAL(38,9))",
    ("INT64", "BOOL"): "({0} <> 0)",
    ("INT64", "STRING"): "CAST({0} AS VARCHAR)",
    ("NUMERIC", "FLOAT64"): "CAST({0} AS DOUBLE)",
    ("BIGNUMERIC", "FLOAT64"): "CAST({0} AS DOUBLE)",
    ("NUMERIC", "STRING"): "bq_decimal_text({0})",
    ("BIGNUMERIC", "STRING"): "bq_decimal_text({0})",
    ("FLOAT64", "STRING"): "bq_float_text({0})",
    ("BOOL", "INT64"): "CAST({0} AS BIGINT)",
    ("BOOL", "STRING"): "CAST({0} AS VARCHAR)",
    ("STRING", "BYTES"): "encode({0})",
    ("DATE", "STRING"): "CAST({0} AS VARCHAR)",
    ("DATE", "DATETIME"): "CAST({0} AS TIMESTAMP)",
    ("DATE", "TIMESTAMP"): "CAST({0} AS TIMESTAMPTZ)",
    ("DATETIME", "DATE"): "CAST({0} AS DATE)",
    ("DATETIME", "TIME"): "CAST({0} AS TIME)",
    ("DATETIME", "TIMESTAMP"): "timezone('UTC', {0})",
    ("DATETIME", "STRING"): "bq_datetime_text({0})",
    ("TIME", "STRING"): "bq_time_text({0})",
    ("TIMESTAMP", "DATE"): "CAST(timezone('UTC', {0}) AS DATE)",
    ("TIMESTAMP", "DATETIME"): "timezone('UTC', {0})",
    ("TIMESTAMP", "TIME"): "CAST(timezone('UTC', {0}) AS TIME)",
    ("TIMESTAMP", "STRING"): "bq_timestamp_text({0})",
    ("INTERVAL", "STRING"): "bq_interval_text({0})",
}
_COMPLAINTS: Final[dict[str, str]] = {
    "INT64": "Bad int64 value: ",
    "FLOAT64": "Bad double value: ",
    "NUMERIC": "Invalid NUMERIC value: ",
    "BIGNUMERIC": "Invalid BIGNUMERIC value: ",
    "BOOL": "Bad bool value: ",
    "DATE": "Invalid date: ",
    "DATETIME": "Invalid datetime string ",
    "TIMESTAMP": "Invalid timestamp: ",
    "TIME": "Invalid time string ",
    "STRING": "Invalid UTF-8 in bytes ",
}


def can_cast(source: Type, target: Type) -> bool:
    """Whether an explicit cast exists between two types."""
    if source == target:
        return True
    if source.is_array and target.is_array:
        return can_cast(source.of(), target.of())
    if source.is_struct and target.is_struct:
        return len(source.fields) == len(target.fields) and all(
            can_cast(a, b) for (_, a), (_, b) in zip(source.fields, target.fields, strict=True)
        )
    pair = (source.kind, target.kind)
    return pair in _SAFE or pair in _TOTAL


def cast(value: Value, target: Type, *, is_safe: bool) -> str:
    """The DuckDB SQL of a cast for which `can_cast` holds."""
    if value.is_null:
        return f"CAST(NULL AS {target.duckdb()})"
    if value.type.duckdb() == target.duckdb():
        return value.sql
    return once_value(
        value.sql, lambda name: _cast(Value(name, value.type), target, is_safe=is_safe)
    )


def _cast(value: Value, target: Type, *, is_safe: bool) -> str:
    source = value.type
    if source.is_array:
        inner = cast(Value("_e", source.of()), target.of(), is_safe=is_safe)
        return f"list_transform({value.sql}, lambda _e: {inner})"
    if source.is_struct:
        return _cast_struct(value, target, is_safe=is_safe)
    pair = (source.kind, target.kind)
    if pair in _TOTAL:
        return _TOTAL[pair].format(value.sql)
    attempt = _SAFE[pair].format(value.sql)
    return attempt if is_safe else complain(value, attempt, target)


def complain(value: Value, attempt: str, target: Type) -> str:
    """An attempt that must not be NULL unless the value is."""
    shown = _shown(value)
    message = f"{literal(_COMPLAINTS[target.kind])} || {shown}"
    failure = f"CAST(CAST(bq_raise({message}) AS VARCHAR) AS {target.duckdb()})"
    return f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE COALESCE({attempt}, {failure}) END"


def _shown(value: Value) -> str:
    if value.type.kind == "STRING":
        return value.sql
    return f"CAST({value.sql} AS VARCHAR)"


def _cast_struct(value: Value, target: Type, *, is_safe: bool) -> str:
    members = []
    for index, (_, wanted) in enumerate(target.fields):
        key = literal(member_name(value.type, index))
        member = Value(f"struct_extract({value.sql}, {key})", value.type.fields[index][1])
        cast_member = cast(member, wanted, is_safe=is_safe)
        members.append(f"{quote(member_name(target, index))} := {cast_member}")
    packed = f"struct_pack({', '.join(members)})"
    return f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {packed} END"
