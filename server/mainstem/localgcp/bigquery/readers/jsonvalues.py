"""JSON values to BigQuery values in DuckDB SQL, nested and repeated ones included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mainstem.localgcp.bigquery.readers.scalars import parse, refusal
from mainstem.localgcp.bigquery.sql.types import Field, literal, quote

Structure = Mapping[str, object]
"""What DuckDB's json_group_structure says of all lines: key to type name, list or object."""


@dataclass(frozen=True, slots=True)
class JsonColumn:
    """One field and the expressions that read it from the parsed line."""

    field: Field
    value: str
    """The value; stops the query where the text is not one."""
    lenient: str
    """The value; NULL where the text is not one."""
    bad: str
    """Whether there is a value that could not be read."""
    raw: str
    """The value as text, for messages."""


def top_level(structure: Structure, row: str, schema: Sequence[Field]) -> list[JsonColumn]:
    """The columns of a row that `split` made a list of values of."""
    return [_column(structure, row, field, index) for index, field in enumerate(schema)]


def split(source: str, structure: Structure) -> str:
    """The values of an object's keys as a list, in the order of `structure`.

    A list and not a struct: DuckDB's member names know no case, keys of JSON do.
    """
    return f"json_extract({source}, [{', '.join(literal(_path(key)) for key in structure)}])"


def _nth(values: str, structure: Structure, key: str) -> str:
    return f"({values})[{list(structure).index(key) + 1}]"


def unknown_paths(
    structure: object, schema: Sequence[Field], prefix: str = ""
) -> list[tuple[str, ...]]:
    """Keys that the schema does not name, as paths of the spelling in the files."""
    if isinstance(structure, list) and len(structure) == 1:
        structure = structure[0]
    if not isinstance(structure, Mapping):
        return []
    found: list[tuple[str, ...]] = []
    for key, inner in structure.items():
        field = next((f for f in schema if f.name.casefold() == key.casefold()), None)
        if field is None:
            found.append((key,))
        elif field.type == "STRUCT":
            found += [(key, *path) for path in unknown_paths(inner, field.fields)]
    return found


def _column(structure: Structure, row: str, field: Field, position: int) -> JsonColumn:
    spellings = [key for key in structure if key.casefold() == field.name.casefold()]
    if not spellings:
        empty = f"CAST({'[]' if field.is_repeated else 'NULL'} AS {field.physical_type()})"
        return JsonColumn(field, empty, empty, "false", "NULL::VARCHAR")
    parts = [_nth(row, structure, key) for key in spellings]
    node = parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"
    inner = _inner(structure[spellings[0]])
    return JsonColumn(
        field,
        _value(node, field, inner, position, strict=True),
        _value(node, field, inner, position, strict=False),
        _bad(node, field, inner),
        f"coalesce({node}->>'$', {node}::VARCHAR)",
    )


def _inner(structure: object) -> object:
    return structure[0] if isinstance(structure, list) and structure else structure


def _is_null(node: str) -> str:
    return f"({node} IS NULL OR json_type({node}) = 'NULL')"


def _value(node: str, field: Field, inner: object, position: int, *, strict: bool) -> str:
    if not field.is_repeated:
        return _single(node, field, inner, position, strict=strict)
    element = _single("e", field, inner, position, strict=strict)
    items = f"list_transform({_items(node)}, lambda e: {element})"
    kind = field.physical_type()
    wrong = refusal(f"{node}::VARCHAR", field, position) if strict else "NULL"
    if strict:
        wrong = wrong.rsplit(" AS ", 1)[0] + f" AS {kind})"
    return (
        f"CASE WHEN {_is_null(node)} THEN CAST([] AS {kind}) "
        f"WHEN json_type({node}) = 'ARRAY' THEN {items} ELSE {wrong} END"
    )


def _items(node: str) -> str:
    return f"from_json({node}, '[\"JSON\"]')"


def _single(node: str, field: Field, inner: object, position: int, *, strict: bool) -> str:
    if field.type == "STRUCT":
        return _struct(node, field, inner, position, strict=strict)
    parsed = _scalar(node, field)
    if not strict:
        return parsed
    wrong = refusal(f"coalesce({node}->>'$', 'null')", field, position)
    return f"CASE WHEN {_is_null(node)} THEN NULL ELSE coalesce({parsed}, {wrong}) END"


def _scalar(node: str, field: Field) -> str:
    """A scalar by the JSON type it comes as; objects and arrays are no scalars."""
    if field.type == "JSON":
        return f"CASE WHEN NOT {_is_null(node)} THEN {node} END"
    text = f"({node}->>'$')"
    parsed = parse(text, field)
    number = f"json_type({node}) IN ('UBIGINT', 'BIGINT', 'DOUBLE')"
    if field.type == "TIMESTAMP":
        epoch = f"make_timestamptz((CAST({text} AS DOUBLE) * 1000000)::BIGINT)"
        parsed = f"CASE WHEN {number} THEN {epoch} ELSE {parsed} END"
    if field.type == "INT64":
        whole = f"regexp_replace({text}, '\\.0*$', '')"
        parsed = f"CASE WHEN {number} THEN {parse(whole, field)} ELSE {parsed} END"
    return f"CASE WHEN json_type({node}) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN {parsed} END"


def _struct(node: str, field: Field, inner: object, position: int, *, strict: bool) -> str:
    structure = _structure(field, inner)
    values = split(node, structure)
    members = []
    for member in field.fields:
        spelled = next((k for k in structure if k.casefold() == member.name.casefold()), None)
        if spelled is None:
            empty = "[]" if member.is_repeated else "NULL"
            value = f"CAST({empty} AS {member.physical_type()})"
        else:
            child = _nth(values, structure, spelled)
            value = _value(child, member, _inner(structure[spelled]), position, strict=strict)
        members.append(f"{quote(member.name)} := {value}")
    packed = f"struct_pack({', '.join(members)})"
    kind = field.physical_type().removesuffix("[]")
    wrong = refusal(f"{node}::VARCHAR", field, position) if strict else "NULL"
    whole = " AND ".join(
        [f"json_type({node}) = 'OBJECT'", *(f"NOT {t}" for t in _missing(node, field, structure))]
    )
    return (
        f"CASE WHEN {_is_null(node)} THEN CAST(NULL AS {kind}) "
        f"WHEN {whole} THEN {packed} ELSE {wrong} END"
    )


def _missing(node: str, field: Field, structure: Structure) -> list[str]:
    """For each required member, whether it is absent."""
    tests = []
    for member in field.fields:
        if member.is_required:
            key = next((k for k in structure if k.casefold() == member.name.casefold()), None)
            child = None if key is None else _nth(split(node, structure), structure, key)
            tests.append("true" if child is None else _is_null(child))
    return tests


def _bad(node: str, field: Field, inner: object) -> str:
    """Whether the node holds something that the field cannot."""
    if field.is_repeated:
        single = _bad_single("e", field, inner)
        return (
            f"(NOT {_is_null(node)} AND CASE WHEN json_type({node}) = 'ARRAY' THEN "
            f"len(list_filter({_items(node)}, lambda e: {_is_null('e')} OR {single})) > 0 "
            f"ELSE true END)"
        )
    return f"(NOT {_is_null(node)} AND {_bad_single(node, field, inner)})"


def _bad_single(node: str, field: Field, inner: object) -> str:
    if field.type != "STRUCT":
        return f"({_scalar(node, field)}) IS NULL"
    structure = _structure(field, inner)
    values = split(node, structure)
    tests = [f"json_type({node}) <> 'OBJECT'", *_missing(node, field, structure)]
    for member in field.fields:
        spelled = next((k for k in structure if k.casefold() == member.name.casefold()), None)
        if spelled is not None:
            child = _nth(values, structure, spelled)
            tests.append(_bad(child, member, _inner(structure[spelled])))
    return f"({' OR '.join(tests)})"


def _structure(field: Field, inner: object) -> Structure:
    """The keys found in the files; where lines disagree on the kind of value, the schema's."""
    if isinstance(inner, Mapping) and inner:
        return inner
    return {member.name: "JSON" for member in field.fields}


def _path(key: str) -> str:
    return '$."' + key.replace('"', '\\"') + '"'
