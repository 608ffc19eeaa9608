"""Query parameters: the REST API's values to typed DuckDB SQL."""

from collections.abc import Mapping, Sequence

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.sql.constants import BadConstant, typed_constant
from mainstem.localgcp.bigquery.sql.types import (
    SchemaError,
    Type,
    array_of,
    kind_of,
    member_name,
    quote,
    struct_of,
)
from mainstem.localgcp.bigquery.sql.values import Value

Resource = Mapping[str, object]


def read_parameters(
    parameters: Sequence[Resource],
) -> tuple[dict[str, Value], tuple[Value, ...]]:
    """Named and positional parameters; a request holds one kind only."""
    named: dict[str, Value] = {}
    positional: list[Value] = []
    for resource in parameters:
        kind = _type(_mapping(resource, "parameterType"))
        sql = _value(resource.get("parameterValue"), kind)
        value = Value(sql, kind, is_parameter=True)
        name = resource.get("name")
        if name:
            named[str(name)] = value
        else:
            positional.append(value)
    if named and positional:
        raise invalid("Query parameters must be all named or all positional", "queryParameters")
    return named, tuple(positional)


def _mapping(resource: Resource, key: str) -> Resource:
    value = resource.get(key)
    if not isinstance(value, Mapping):
        raise invalid(f"Query parameter without {key}", "queryParameters")
    return value


def _type(resource: Resource) -> Type:
    name = str(resource.get("type") or "").upper()
    if name == "ARRAY":
        return array_of(_type(_mapping(resource, "arrayType")))
    if name in ("STRUCT", "RECORD"):
        members = resource.get("structTypes")
        if not isinstance(members, Sequence) or isinstance(members, str):
            raise invalid("STRUCT parameter without structTypes", "queryParameters")
        return struct_of((str(m.get("name") or ""), _type(_mapping(m, "type"))) for m in members)
    try:
        return Type(kind_of(name))
    except SchemaError as error:
        raise invalid(f"Query parameter: {error}", "queryParameters") from None


def _value(resource: object, kind: Type) -> str:
    if not isinstance(resource, Mapping):
        return f"CAST(NULL AS {kind.duckdb()})"
    if kind.is_array:
        return _array(resource, kind)
    if kind.is_struct:
        return _struct(resource, kind)
    text = resource.get("value")
    if text is None:
        return f"CAST(NULL AS {kind.duckdb()})"
    return _scalar(text, kind)


def _array(resource: Resource, kind: Type) -> str:
    items = resource.get("arrayValues")
    if items is None:
        # The client sends nothing for an empty array; BigQuery takes both as empty.
        return f"CAST([] AS {kind.duckdb()})"
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise invalid("arrayValues must be a list", "queryParameters")
    values = ", ".join(_value(item, kind.of()) for item in items)
    return f"CAST([{values}] AS {kind.duckdb()})"


def _struct(resource: Resource, kind: Type) -> str:
    given = resource.get("structValues")
    if not isinstance(given, Mapping):
        return f"CAST(NULL AS {kind.duckdb()})"
    members = (
        f"{quote(member_name(kind, index))} := {_value(given.get(name), inner)}"
        for index, (name, inner) in enumerate(kind.fields)
    )
    return f"struct_pack({', '.join(members)})"


def _scalar(text: object, kind: Type) -> str:
    shown = str(text).lower() if isinstance(text, bool) else str(text)
    if kind.kind == "BYTES":
        return f"from_base64('{shown}')" if _is_base64(shown) else _refuse(shown, kind)
    if kind.kind == "FLOAT64" and shown.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return f"CAST('{shown}' AS DOUBLE)"
    try:
        return typed_constant(kind, shown)
    except BadConstant:
        return _refuse(shown, kind)


def _refuse(text: str, kind: Type) -> str:
    raise invalid(f"Invalid value for type {kind}: {text}", "queryParameters")


def _is_base64(text: str) -> bool:
    return all(char.isalnum() or char in "+/=-_" for char in text)
