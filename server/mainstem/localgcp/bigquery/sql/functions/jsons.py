"""JSON: paths, extraction and BigQuery's own JSON text of values."""

import re
from typing import Final

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.binding import once_value
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler, Invocation, signatures
from mainstem.localgcp.bigquery.sql.types import (
    BOOL,
    JSON,
    STRING,
    Type,
    array_of,
    literal,
    member_name,
)
from mainstem.localgcp.bigquery.sql.values import Value

_STEP = re.compile(
    r"""\.(?P<bare>[A-Za-z_$\-][\w$\-]*)|\[(?P<index>\d+)\]|\.?\[?'(?P<single>(?:[^'\\]|\\.)*)'\]"""
    r"""|\[?\.?"(?P<double>(?:[^"\\]|\\.)*)"\]?|\.(?P<number>\d+)"""
)


def duckdb_path(path: str, call: Invocation) -> str:
    """A JSONPath as DuckDB writes it; anything beyond members and positions is refused."""
    if not path.startswith("$"):
        raise call.problem("JSONPath must start with '$'")
    at, out = 1, "$"
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise call.problem(f"Unsupported operator in JSONPath: {path[at:]}")
        if match.group("index") is not None:
            out += f"[{match.group('index')}]"
        else:
            groups = ("bare", "single", "double", "number")
            name = next(match.group(g) for g in groups if match.group(g) is not None)
            out += '."' + name.replace('"', '\\"') + '"'
        at = match.end()
    return literal(out)


def _source(call: Invocation) -> tuple[str, bool]:
    """The JSON to read, and whether it came as JSON rather than as text."""
    value = call.value(0)
    if value.type == JSON:
        return value.sql, True
    text = call.typed(0, STRING).sql
    return once_value(text, lambda name: f"bq_valid_json({name})"), False


def _path(call: Invocation) -> str:
    if call.count == 1:
        return "'$'"
    return duckdb_path(call.text(1, "JSONPath"), call)


def _query(call: Invocation) -> Value:
    call.expect(1, 2)
    source, is_json = _source(call)
    found = f"json_extract({source}, {_path(call)})"
    if is_json:
        return Value(found, JSON)
    return Value(once_value(found, lambda name: f"bq_json_text_or_null({name})"), STRING)


def _value(call: Invocation) -> Value:
    call.expect(1, 2)
    source, _ = _source(call)
    found = f"json_extract({source}, {_path(call)})"
    return Value(once_value(found, lambda name: f"bq_json_scalar({name})"), STRING)


def _query_array(call: Invocation) -> Value:
    call.expect(1, 2)
    source, is_json = _source(call)
    items = f"bq_json_items(json_extract({source}, {_path(call)}))"
    if is_json:
        return Value(items, array_of(JSON))
    return Value(f"CAST({items} AS VARCHAR[])", array_of(STRING))


def _value_array(call: Invocation) -> Value:
    call.expect(1, 2)
    source, _ = _source(call)
    items = f"bq_json_items(json_extract({source}, {_path(call)}))"
    return Value(f"bq_json_scalars({items})", array_of(STRING))


# ---- writing ------------------------------------------------------------------------------

_WRITTEN: Final = {
    "INT64": "bq_json_int({0})",
    "FLOAT64": "bq_json_float({0})",
    "NUMERIC": "bq_decimal_text({0})",
    "BIGNUMERIC": "bq_decimal_text({0})",
    "BOOL": "CAST({0} AS VARCHAR)",
    "STRING": "bq_json_string({0})",
    "BYTES": "bq_json_string(to_base64({0}))",
    "DATE": "bq_json_string(CAST({0} AS VARCHAR))",
    "TIME": "bq_json_string(bq_time_text({0}))",
    "DATETIME": "bq_json_string(replace(bq_datetime_text({0}), ' ', 'T'))",
    "TIMESTAMP": "bq_json_string(replace(bq_datetime_text(timezone('UTC', {0})), ' ', 'T') || 'Z')",
    "JSON": "CAST({0} AS VARCHAR)",
    "INTERVAL": "bq_json_string(bq_interval_text({0}))",
}


def written(sql: str, kind: Type) -> str:
    """A value as JSON text the way TO_JSON_STRING writes it."""
    if kind.is_array:
        items = f"list_transform({sql}, lambda _j: {written('_j', kind.of())})"
        # list_transform keeps the order; array_to_string joins without a NULL, as none is left.
        return f"COALESCE('[' || array_to_string({items}, ',') || ']', '[]')"
    if kind.is_struct:
        members = []
        for index, (name, inner) in enumerate(kind.fields):
            key = literal(member_name(kind, index))
            text = written(f"struct_extract({sql}, {key})", inner)
            shown = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '":'
            members.append(f"{literal(shown)} || {text}")
        body = " || ',' || ".join(members) if members else "''"
        return f"CASE WHEN {sql} IS NULL THEN 'null' ELSE '{{' || {body} || '}}' END"
    return f"COALESCE({_WRITTEN[kind.kind].format(sql)}, 'null')"


def written_value(value: Value) -> str:
    return once_value(value.sql, lambda name: written(name, value.type))


def _to_json_string(call: Invocation) -> Value:
    call.expect(1, 2)
    text = written_value(call.value(0))
    if call.count == 2:
        pretty = call.typed(1, BOOL).sql
        return Value(f"CASE WHEN {pretty} THEN json_pretty({text}) ELSE {text} END", STRING)
    return Value(text, STRING)


def _to_json(call: Invocation) -> Value:
    call.expect(1, 2)
    if call.count == 2:
        node = call.node.arguments[1]
        if not isinstance(node, tree.NamedArgument) or (
            node.name.text.lower() != "stringify_wide_numbers"
        ):
            raise call.no_match()
        raise call.problem("The local BigQuery emulator does not support stringify_wide_numbers")
    value = call.value(0)
    text = written_value(value).replace("bq_json_int(", "bq_json_number(")
    return Value(f"CAST({text} AS JSON)", JSON)


def _parse(call: Invocation) -> Value:
    call.expect(1, 2)
    if call.count == 2:
        node = call.node.arguments[1]
        mode = node.value if isinstance(node, tree.NamedArgument) else None
        if not isinstance(mode, tree.Literal) or mode.value not in ("exact", "round"):
            raise call.no_match()
    text = call.typed(0, STRING).sql
    return Value(once_value(text, _parsed), JSON)


def _parsed(text: str) -> str:
    failure = f"CAST(bq_raise_text(concat('Invalid input: ', {text})) AS JSON)"
    return (
        f"CASE WHEN {text} IS NULL THEN NULL WHEN json_valid({text}) THEN json({text}) "
        f"ELSE {failure} END"
    )


def _converted(name: str, kind: str) -> Handler:
    return signatures(f"JSON -> {kind}: bq_json_to_{name}({{0}})")


def _lax(template: str, kind: str) -> Handler:
    return signatures(f"JSON -> {kind}: {template}")


def _json_object(call: Invocation) -> Value:
    if call.count % 2:
        raise call.no_match()
    members: list[str] = []
    for index in range(0, call.count, 2):
        key, value = call.typed(index, STRING), call.value(index + 1)
        members.append(f"bq_json_string({key.sql}) || ':' || {written_value(value)}")
    body = " || ',' || ".join(members) if members else "''"
    return Value(f"CAST('{{' || {body} || '}}' AS JSON)", JSON)


def _json_array(call: Invocation) -> Value:
    items = [written_value(value) for value in call.values()]
    body = " || ',' || ".join(items) if items else "''"
    return Value(f"CAST('[' || {body} || ']' AS JSON)", JSON)


FUNCTIONS: Final[dict[str, Handler]] = {
    "JSON_QUERY": _query,
    "JSON_EXTRACT": _query,
    "JSON_VALUE": _value,
    "JSON_EXTRACT_SCALAR": _value,
    "JSON_QUERY_ARRAY": _query_array,
    "JSON_EXTRACT_ARRAY": _query_array,
    "JSON_VALUE_ARRAY": _value_array,
    "JSON_EXTRACT_STRING_ARRAY": _value_array,
    "TO_JSON_STRING": _to_json_string,
    "TO_JSON": _to_json,
    "PARSE_JSON": _parse,
    "JSON_TYPE": signatures("JSON -> STRING: bq_json_type({0})"),
    "JSON_KEYS": signatures("JSON -> ARRAY<STRING>: list_sort(json_keys({0}))"),
    "JSON_OBJECT": _json_object,
    "JSON_ARRAY": _json_array,
    "INT64": _converted("int", "INT64"),
    "FLOAT64": _converted("float", "FLOAT64"),
    "DOUBLE": _converted("float", "FLOAT64"),
    "BOOL": _converted("bool", "BOOL"),
    "LAX_INT64": _lax("TRY_CAST(TRY_CAST(bq_json_scalar({0}) AS DOUBLE) AS BIGINT)", "INT64"),
    "LAX_FLOAT64": _lax("TRY_CAST(bq_json_scalar({0}) AS DOUBLE)", "FLOAT64"),
    "LAX_BOOL": _lax("bq_text_to_bool(bq_json_scalar({0}))", "BOOL"),
    "LAX_STRING": _lax("bq_json_scalar({0})", "STRING"),
}
