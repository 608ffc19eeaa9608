"""Which type values take together, and how a value becomes another type without being told."""

from collections.abc import Sequence
from typing import Final

from mainstem.localgcp.bigquery.sql.binding import once_value
from mainstem.localgcp.bigquery.sql.constants import typed_constant
from mainstem.localgcp.bigquery.sql.types import (
    INT64,
    STRING,
    Type,
    array_of,
    literal,
    member_name,
    quote,
)
from mainstem.localgcp.bigquery.sql.values import Value

NUMERIC_ORDER: Final = ("INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64")
FROM_TEXT: Final = frozenset({"DATE", "DATETIME", "TIME", "TIMESTAMP", "INTERVAL"})
COERCES: Final = {
    "INT64": frozenset({"NUMERIC", "BIGNUMERIC", "FLOAT64"}),
    "NUMERIC": frozenset({"BIGNUMERIC", "FLOAT64"}),
    "BIGNUMERIC": frozenset({"FLOAT64"}),
    "DATE": frozenset({"DATETIME"}),
}


def coercion_cost(value: Value, target: Type) -> int | None:
    """How far a value is from a type: 0 is the type itself, None is out of reach."""
    if value.is_null:
        return 1
    source = value.type
    if source == target or source.duckdb() == target.duckdb():
        return 0
    if source.is_array and target.is_array:
        inner = Value("", source.of(), value.constant, is_parameter=value.is_parameter)
        return coercion_cost(inner, target.of())
    if source.is_struct and target.is_struct:
        return _struct_cost(value, target)
    if target.kind in COERCES.get(source.kind, ()):
        return 2 + NUMERIC_ORDER.index(target.kind) if target.is_numeric else 2
    return _flexible_cost(value, target)


def _flexible_cost(value: Value, target: Type) -> int | None:
    if not value.is_flexible:
        return None
    if value.type.kind == "STRING" and target.kind in FROM_TEXT:
        return 3
    if value.type.kind == "FLOAT64" and target.kind in ("NUMERIC", "BIGNUMERIC"):
        return 4
    if value.type.kind == "STRING" and target.kind == "BYTES" and value.constant is not None:
        return 5
    return None


def _struct_cost(value: Value, target: Type) -> int | None:
    if len(value.type.fields) != len(target.fields):
        return None
    total = 0
    for member, (_, wanted) in zip(_members(value), target.fields, strict=True):
        cost = coercion_cost(member, wanted)
        if cost is None:
            return None
        total += cost
    return total


def _members(value: Value) -> tuple[Value, ...]:
    """The members of a struct, as they were written if that is known."""
    if value.members is not None:
        return value.members
    return tuple(Value("", kind, value.constant) for _, kind in value.type.fields)


def can_coerce(value: Value, target: Type) -> bool:
    return coercion_cost(value, target) is not None


def coerce(value: Value, target: Type) -> Value:
    """A value that `can_coerce`, as the target type."""
    if value.is_null:
        return Value(f"CAST(NULL AS {target.duckdb()})", target, is_null=True)
    if value.type.duckdb() == target.duckdb():
        return Value(value.sql, target, value.constant, origin=value.origin, flow=value.flow)
    if value.constant is not None and value.type == STRING:
        return Value(typed_constant(target, value.constant), target)
    if value.members is not None and target.is_struct:
        return _rebuilt(value.members, target)
    if value.type.is_array or value.type.is_struct:
        sql = once_value(value.sql, lambda name: _nested(Value(name, value.type), target))
        return Value(sql, target)
    if value.type == STRING:
        return Value(f"CAST({value.sql} AS {target.duckdb()})", target)
    if value.constant is not None and value.type.is_numeric:
        return Value(f"CAST({value.constant} AS {target.duckdb()})", target, value.constant)
    return Value(f"CAST({value.sql} AS {target.duckdb()})", target)


def _rebuilt(members: Sequence[Value], target: Type) -> Value:
    """A written struct with each member coerced on its own."""
    coerced = tuple(
        coerce(member, wanted) for member, (_, wanted) in zip(members, target.fields, strict=True)
    )
    inner = ", ".join(
        f"{quote(member_name(target, index))} := {member.sql}"
        for index, member in enumerate(coerced)
    )
    return Value(f"struct_pack({inner})", target, members=coerced)


def _nested(value: Value, target: Type) -> str:
    if target.is_array:
        element = Value("_e", value.type.of())
        inner = coerce(element, target.of())
        return f"list_transform({value.sql}, lambda _e: {inner.sql})"
    members = []
    for index, (_, wanted) in enumerate(target.fields):
        kind = value.type.fields[index][1]
        key = literal(member_name(value.type, index))
        member = coerce(Value(f"struct_extract({value.sql}, {key})", kind), wanted)
        members.append(f"{quote(member_name(target, index))} := {member.sql}")
    packed = f"struct_pack({', '.join(members)})"
    return f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {packed} END"


def supertype(values: Sequence[Value]) -> Type | None:
    """The one type that all values can take, or None."""
    known = [value for value in values if not value.is_null]
    if not known:
        return values[0].type if values else INT64
    if any(value.members is not None for value in known):
        joined = _join_written(known)
        if joined is not None:
            return joined
    texts_bend = [v for v in known if not (v.is_flexible and v.type.kind == "STRING")] or known
    firm = [v for v in texts_bend if not (v.constant is not None and v.type.kind == "FLOAT64")]
    target = _join_types([value.type for value in firm]) if firm else None
    if target is None or target.kind not in ("NUMERIC", "BIGNUMERIC"):
        # A FLOAT64 literal follows NUMERIC values; beside any others it is what it is.
        target = _join_types([value.type for value in texts_bend])
    if target is None or not all(can_coerce(value, target) for value in known):
        return None
    return target


def _join_written(values: Sequence[Value]) -> Type | None:
    """The common type of structs some of which are written out, member by member."""
    first = values[0].type
    if not all(v.type.is_struct and len(v.type.fields) == len(first.fields) for v in values):
        return None
    rows = [_members(value) for value in values]
    fields: list[tuple[str, Type]] = []
    for index, (name, _) in enumerate(first.fields):
        kind = supertype([row[index] for row in rows])
        if kind is None:
            return None
        fields.append((name, kind))
    return Type("STRUCT", None, tuple(fields))


def _join_types(kinds: Sequence[Type]) -> Type | None:
    first = kinds[0]
    if all(kind == first for kind in kinds):
        return first
    if all(kind.is_numeric for kind in kinds):
        return max(kinds, key=lambda kind: NUMERIC_ORDER.index(kind.kind))
    if {kind.kind for kind in kinds} == {"DATE", "DATETIME"}:
        return Type("DATETIME")
    if all(kind.is_array for kind in kinds):
        element = _join_types([kind.of() for kind in kinds])
        return None if element is None else array_of(element)
    if all(kind.is_struct and len(kind.fields) == len(first.fields) for kind in kinds):
        return _join_structs(kinds)
    return None


def _join_structs(kinds: Sequence[Type]) -> Type | None:
    fields: list[tuple[str, Type]] = []
    for index, (name, _) in enumerate(kinds[0].fields):
        joined = _join_types([kind.fields[index][1] for kind in kinds])
        if joined is None:
            return None
        fields.append((name, joined))
    return Type("STRUCT", None, tuple(fields))
