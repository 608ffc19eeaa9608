"""Written type names to types."""

from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.tree import TypeName
from mainstem.localgcp.bigquery.sql.types import (
    ALIASES,
    DUCKDB_NAMES,
    REFUSED_KINDS,
    REPEATED,
    Field,
    Type,
    array_of,
    struct_of,
)

MAX_PRECISION = {"NUMERIC": 38, "BIGNUMERIC": 38}


def resolve_type(written: TypeName) -> Type:
    """The type of an expression or cast; parameters such as (10, 2) are judged elsewhere."""
    if written.name == "ARRAY":
        assert written.element is not None
        element = resolve_type(written.element)
        if element.is_array:
            raise SqlProblem("Cannot construct array with element type ARRAY", written.at)
        return array_of(element)
    if written.name == "STRUCT":
        return struct_of((name, resolve_type(kind)) for name, kind in written.fields)
    return Type(scalar_kind(written))


def scalar_kind(written: TypeName) -> str:
    kind = ALIASES.get(written.name, written.name)
    if kind in REFUSED_KINDS:
        raise refused(f"type {kind}", written.at)
    if kind not in DUCKDB_NAMES:
        raise SqlProblem(f"Type not found: {written.name}", written.at)
    return kind


def resolve_field(name: str, written: TypeName, mode: str) -> Field:
    """The column of a written type, with its parameters."""
    if written.name == "ARRAY":
        assert written.element is not None
        return resolve_field(name, written.element, REPEATED)
    if written.name == "STRUCT":
        members = tuple(resolve_field(key, kind, "NULLABLE") for key, kind in written.fields)
        return Field(name, "STRUCT", mode, members)
    kind = scalar_kind(written)
    precision, scale, max_length = type_parameters(kind, written)
    return Field(name, kind, mode, precision=precision, scale=scale, max_length=max_length)


def type_parameters(kind: str, written: TypeName) -> tuple[int | None, int | None, int | None]:
    """Precision, scale and length of a written type, checked against BigQuery's limits."""
    arguments = written.arguments
    if not arguments:
        return None, None, None
    if kind in MAX_PRECISION and len(arguments) <= 2:
        scale = arguments[1] if len(arguments) == 2 else None
        limit = 9 if kind == "NUMERIC" else 18
        if not 0 <= (scale or 0) <= limit or not 1 <= arguments[0] <= 29 + (scale or 0):
            message = f"Invalid parameters for {kind}: {', '.join(str(a) for a in arguments)}"
            raise SqlProblem(message, written.at)
        return arguments[0], scale, None
    if kind in ("STRING", "BYTES") and len(arguments) == 1 and arguments[0] > 0:
        return None, None, arguments[0]
    raise SqlProblem(f"{kind} does not support type parameters", written.at)
