"""BigQuery's types, and the three ways they are written: GoogleSQL, REST schemas and DuckDB."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

NULLABLE: Final = "NULLABLE"
REQUIRED: Final = "REQUIRED"
REPEATED: Final = "REPEATED"


class SchemaError(ValueError):
    """A schema that BigQuery would refuse, or that this emulator cannot hold faithfully."""


@dataclass(frozen=True, slots=True)
class Type:
    """The type of an expression; `element` is set for ARRAY, `fields` for STRUCT."""

    kind: str
    element: "Type | None" = None
    fields: "tuple[tuple[str, Type], ...]" = ()

    @property
    def is_array(self) -> bool:
        return self.kind == "ARRAY"

    @property
    def is_struct(self) -> bool:
        return self.kind == "STRUCT"

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC_KINDS

    def of(self) -> "Type":
        """The element type of an array."""
        assert self.element is not None
        return self.element

    def member(self, name: str) -> "Type | None":
        """The type of the struct field of that name, whatever its case."""
        wanted = name.casefold()
        return next((kind for key, kind in self.fields if key.casefold() == wanted), None)

    def __str__(self) -> str:
        if self.element is not None:
            return f"ARRAY<{self.element}>"
        if self.kind == "STRUCT":
            inner = ", ".join(f"{name} {kind}".strip() for name, kind in self.fields)
            return f"STRUCT<{inner}>"
        return self.kind

    def duckdb(self) -> str:
        """The DuckDB type that holds values of this type."""
        if self.element is not None:
            return f"{self.element.duckdb()}[]"
        if self.kind == "STRUCT":
            members = (
                f"{quote(member_name(self, i))} {k.duckdb()}"
                for i, (_, k) in enumerate(self.fields)
            )
            return f"STRUCT({', '.join(members)})"
        return DUCKDB_NAMES[self.kind]


def member_name(struct: Type, index: int) -> str:
    """The DuckDB name of a struct member: anonymous and repeated names get one of their own."""
    name = struct.fields[index][0]
    earlier = [key.casefold() for key, _ in struct.fields[:index]]
    if name and name.casefold() not in earlier:
        return name
    return f"_field_{index + 1}"


def quote(identifier: str) -> str:
    """An identifier as DuckDB SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as a DuckDB SQL literal."""
    return "'" + text.replace("'", "''").replace("\x00", "'||chr(0)||'") + "'"


INT64: Final = Type("INT64")
FLOAT64: Final = Type("FLOAT64")
NUMERIC: Final = Type("NUMERIC")
BIGNUMERIC: Final = Type("BIGNUMERIC")
BOOL: Final = Type("BOOL")
STRING: Final = Type("STRING")
BYTES: Final = Type("BYTES")
DATE: Final = Type("DATE")
DATETIME: Final = Type("DATETIME")
TIME: Final = Type("TIME")
TIMESTAMP: Final = Type("TIMESTAMP")
JSON: Final = Type("JSON")
INTERVAL: Final = Type("INTERVAL")

NUMERIC_KINDS: Final = frozenset({"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"})

DUCKDB_NAMES: Final[Mapping[str, str]] = {
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    # DuckDB ends at 38 digits: what does not fit is an overflow error, never a wrong value.
    "BIGNUMERIC": "DECIMAL(38,18)",
    "BOOL": "BOOLEAN",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "JSON": "JSON",
    "INTERVAL": "INTERVAL",
}

ALIASES: Final[Mapping[str, str]] = {
    "INTEGER": "INT64",
    "INT": "INT64",
    "SMALLINT": "INT64",
    "BIGINT": "INT64",
    "TINYINT": "INT64",
    "BYTEINT": "INT64",
    "FLOAT": "FLOAT64",
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
    "BOOLEAN": "BOOL",
    "RECORD": "STRUCT",
}

LEGACY_NAMES: Final[Mapping[str, str]] = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
}

REFUSED_KINDS: Final = frozenset(
    {"GEOGRAPHY", "RANGE", "UUID", "FOREIGN", "TOKENLIST", "PROTO", "ENUM"}
)


def array_of(element: Type) -> Type:
    return Type("ARRAY", element)


def struct_of(fields: Iterable[tuple[str, Type]]) -> Type:
    return Type("STRUCT", None, tuple(fields))


def kind_of(name: str) -> str:
    """The standard kind behind a written type name, legacy or standard, in any case."""
    upper = name.strip().upper()
    kind = ALIASES.get(upper, upper)
    if kind in REFUSED_KINDS:
        raise SchemaError(f"Type {upper} is not supported by this emulator")
    if kind != "STRUCT" and kind not in DUCKDB_NAMES:
        raise SchemaError(f"Invalid value for type: {name} is not a valid value")
    return kind


@dataclass(frozen=True, slots=True)
class Field:
    """One column, or one member of a record, of a table's or a result's schema.

    `type` is the standard name of the element: a repeated string has type STRING, mode REPEATED.
    """

    name: str
    type: str
    mode: str = NULLABLE
    fields: "tuple[Field, ...]" = ()
    description: str | None = None
    precision: int | None = None
    scale: int | None = None
    max_length: int | None = None
    default_sql: str | None = None
    rounding_mode: str | None = None
    policy_tags: tuple[str, ...] = field(default=())

    @property
    def is_repeated(self) -> bool:
        return self.mode == REPEATED

    @property
    def is_required(self) -> bool:
        return self.mode == REQUIRED

    def element_type(self) -> Type:
        """The type of one value, leaving the mode aside."""
        if self.type == "STRUCT":
            return struct_of((member.name, member.value_type()) for member in self.fields)
        return Type(self.type)

    def value_type(self) -> Type:
        """The type of the whole column as an expression."""
        return array_of(self.element_type()) if self.is_repeated else self.element_type()

    def physical_type(self) -> str:
        """The DuckDB type of the stored column, which enforces NUMERIC(precision, scale)."""
        if self.type == "STRUCT":
            members = (f"{quote(member.name)} {member.physical_type()}" for member in self.fields)
            name = f"STRUCT({', '.join(members)})"
        elif self.type in ("NUMERIC", "BIGNUMERIC") and self.precision is not None:
            name = f"DECIMAL({min(self.precision, 38)},{self.scale or 0})"
        else:
            name = DUCKDB_NAMES[self.type]
        return f"{name}[]" if self.is_repeated else name

    @property
    def has_parameters(self) -> bool:
        """Whether the stored type differs from the type that queries see."""
        if self.type == "STRUCT":
            return any(member.has_parameters for member in self.fields)
        return self.precision is not None

    def sql_type(self) -> str:
        """The type as GoogleSQL writes it, for INFORMATION_SCHEMA and DDL."""
        if self.type == "STRUCT":
            name = f"STRUCT<{', '.join(f'{f.name} {f.sql_type()}' for f in self.fields)}>"
        elif self.precision is not None:
            tail = f", {self.scale}" if self.scale is not None else ""
            name = f"{self.type}({self.precision}{tail})"
        elif self.max_length is not None:
            name = f"{self.type}({self.max_length})"
        else:
            name = self.type
        return f"ARRAY<{name}>" if self.is_repeated else name

    def to_rest(self) -> dict[str, object]:
        """The field as the REST API writes it, with the legacy type names clients expect."""
        out: dict[str, object] = {
            "name": self.name,
            "type": LEGACY_NAMES.get(self.type, self.type),
            "mode": self.mode,
        }
        if self.type == "STRUCT":
            out["fields"] = [member.to_rest() for member in self.fields]
        numbers = {
            "precision": self.precision,
            "scale": self.scale,
            "maxLength": self.max_length,
        }
        out.update({key: str(value) for key, value in numbers.items() if value is not None})
        texts = {
            "description": self.description,
            "defaultValueExpression": self.default_sql,
            "roundingMode": self.rounding_mode,
        }
        out.update({key: value for key, value in texts.items() if value is not None})
        if self.policy_tags:
            out["policyTags"] = {"names": list(self.policy_tags)}
        return out


def field_of(name: str, kind: Type, mode: str = NULLABLE) -> Field:
    """The schema field that holds values of an expression's type."""
    if kind.is_array:
        return replace(field_of(name, kind.of()), mode=REPEATED)
    members: tuple[Field, ...] = ()
    if kind.is_struct:
        members = tuple(
            field_of(key or f"_field_{index + 1}", member)
            for index, (key, member) in enumerate(kind.fields)
        )
    return Field(name, kind.kind, mode, members)


FIELD_KEYS: Final = frozenset(
    {
        "name", "type", "mode", "fields", "description", "precision", "scale", "maxLength",
        "defaultValueExpression", "roundingMode", "policyTags", "collation", "categories",
        "rangeElementType", "foreignTypeDefinition",
    }
)  # fmt: skip
REFUSED_KEYS: Final = ("collation", "categories", "rangeElementType", "foreignTypeDefinition")


def field_from_rest(resource: Mapping[str, object]) -> Field:
    """Read one field of a REST schema; anything it cannot keep is refused by name."""
    name = str(resource.get("name") or "")
    _refuse_unknown(resource, name)
    kind = kind_of(str(resource.get("type") or ""))
    members = resource.get("fields") or ()
    if not isinstance(members, Sequence) or isinstance(members, str):
        raise SchemaError(f"Field {name}: fields must be a list")
    if kind == "STRUCT" and not members:
        raise SchemaError(f"Field {name} is type RECORD but has no schema")
    mode = str(resource.get("mode") or NULLABLE).upper()
    if mode not in (NULLABLE, REQUIRED, REPEATED):
        raise SchemaError(f"Field {name}: invalid mode {mode}")
    return Field(
        name=name,
        type=kind,
        mode=mode,
        fields=schema_from_rest(members),
        description=_text(resource, "description"),
        precision=_number(resource, "precision"),
        scale=_number(resource, "scale"),
        max_length=_number(resource, "maxLength"),
        default_sql=_text(resource, "defaultValueExpression"),
        rounding_mode=_text(resource, "roundingMode"),
        policy_tags=_policy_tags(resource),
    )


def schema_from_rest(fields: Iterable[object]) -> tuple[Field, ...]:
    """Read the `fields` list of a REST schema and refuse names that repeat."""
    out: list[Field] = []
    seen: set[str] = set()
    for resource in fields:
        if not isinstance(resource, Mapping):
            raise SchemaError("Every schema field must be an object")
        read = field_from_rest(resource)
        if not read.name:
            raise SchemaError("Field name must not be empty")
        if read.name.casefold() in seen:
            raise SchemaError(f"Field {read.name} already exists in schema")
        seen.add(read.name.casefold())
        out.append(read)
    return tuple(out)


def schema_to_rest(fields: Iterable[Field]) -> dict[str, object]:
    """The `schema` object of a table or of a query response."""
    return {"fields": [member.to_rest() for member in fields]}


def _refuse_unknown(resource: Mapping[str, object], name: str) -> None:
    unknown = [key for key in resource if key not in FIELD_KEYS]
    if unknown:
        raise SchemaError(f"Field {name}: unknown attribute {unknown[0]}")
    for key in REFUSED_KEYS:
        if resource.get(key):
            raise SchemaError(f"Field {name}: {key} is not supported by this emulator")


def _text(resource: Mapping[str, object], key: str) -> str | None:
    value = resource.get(key)
    return None if value is None else str(value)


def _number(resource: Mapping[str, object], key: str) -> int | None:
    value = resource.get(key)
    try:
        return None if value is None else int(str(value))
    except ValueError:
        raise SchemaError(f"{key} must be a whole number, not {value}") from None


def _policy_tags(resource: Mapping[str, object]) -> tuple[str, ...]:
    tags = resource.get("policyTags")
    if not isinstance(tags, Mapping):
        return ()
    names = tags.get("names") or ()
    return tuple(str(name) for name in names) if isinstance(names, list | tuple) else ()


class DuckType(Protocol):
    """What this module reads of DuckDB's own type objects."""

    @property
    def id(self) -> str: ...

    @property
    def children(self) -> list[tuple[str, object]]: ...


FROM_DUCKDB: Final[Mapping[str, str]] = {
    "boolean": "BOOL",
    "tinyint": "INT64",
    "smallint": "INT64",
    "integer": "INT64",
    "bigint": "INT64",
    "utinyint": "INT64",
    "usmallint": "INT64",
    "uinteger": "INT64",
    "hugeint": "BIGNUMERIC",
    "ubigint": "NUMERIC",
    "float": "FLOAT64",
    "double": "FLOAT64",
    "varchar": "STRING",
    "enum": "STRING",
    "uuid": "STRING",
    "blob": "BYTES",
    "bit": "BYTES",
    "date": "DATE",
    "time": "TIME",
    "time with time zone": "TIME",
    "timestamp with time zone": "TIMESTAMP",
    "timestamp": "DATETIME",
    "timestamp_s": "DATETIME",
    "timestamp_ms": "DATETIME",
    "timestamp_ns": "DATETIME",
    "interval": "INTERVAL",
}


def field_from_duckdb(name: str, duck: DuckType) -> Field:
    """The schema field for a column DuckDB describes, as autodetection needs it."""
    if str(duck).upper() == "JSON":
        return Field(name, "JSON")
    if duck.id in ("list", "array"):
        child = next(value for key, value in duck.children if key == "child")
        inner = field_from_duckdb(name, child)  # type: ignore[arg-type]  # children are untyped
        return replace(inner, mode=REPEATED)
    if duck.id == "struct":
        members = tuple(field_from_duckdb(key, value) for key, value in duck.children)  # type: ignore[arg-type]  # as above
        return Field(name, "STRUCT", fields=members)
    if duck.id == "decimal":
        scale = next((value for key, value in duck.children if key == "scale"), 0)
        return Field(name, "NUMERIC" if isinstance(scale, int) and scale <= 9 else "BIGNUMERIC")
    if duck.id not in FROM_DUCKDB:
        raise SchemaError(f"Column {name} has a type that BigQuery does not know: {duck}")
    return Field(name, FROM_DUCKDB[duck.id])
