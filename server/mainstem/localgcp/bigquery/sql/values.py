"""What analysis knows of an expression, a column, a table in FROM and the names in reach."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mainstem.localgcp.bigquery.model import Table, TableRef
from mainstem.localgcp.bigquery.sql.types import INT64, STRING, Type, literal, member_name, quote


@dataclass(slots=True)
class Scan:
    """One use of a stored table: what of it is read decides its price and its permission."""

    table: Table
    ref: TableRef
    at: int | None
    columns: set[str] = field(default_factory=set)
    is_filtered: bool = False

    def filter_columns(self) -> frozenset[str]:
        """The columns that count as partition elimination when a filter names them."""
        table = self.table
        if table.time_partitioning is not None:
            if table.time_partitioning.field is None:
                return frozenset({"_partitiontime", "_partitiondate"})
            return frozenset({table.time_partitioning.field.casefold()})
        if table.range_partitioning is not None:
            return frozenset({table.range_partitioning.field.casefold()})
        return frozenset()


@dataclass(frozen=True, slots=True)
class Origin:
    """The stored column that a value is a plain copy of."""

    scan: Scan
    column: str


@dataclass(frozen=True, slots=True)
class Flow:
    """FLOAT64 arithmetic before its test for overflow, its operands in numbered slots.

    `watched` are the divisors that may have overflowed although the result is finite, `tests` the
    branches that find the operator at fault.
    """

    sql: str
    leaves: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """An analysed expression: DuckDB SQL and its BigQuery type.

    `constant` is the text of a literal, which may still change its type; `is_null` marks an
    untyped NULL, which takes any type.
    """

    sql: str
    type: Type
    constant: str | None = None
    is_null: bool = False
    is_parameter: bool = False
    origin: Origin | None = None
    members: "tuple[Value, ...] | None" = None
    """The members of a struct that was written out; its literals may still change type."""
    flow: Flow | None = None
    """What arithmetic around this arithmetic is made of."""

    @property
    def is_flexible(self) -> bool:
        """Whether a STRING may still become a date: only literals and parameters may."""
        return self.constant is not None or self.is_parameter


NULL = Value("CAST(NULL AS BIGINT)", INT64, is_null=True)


def text_value(text: str) -> Value:
    return Value(literal(text), STRING, constant=text)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table in FROM or of a query: `name` is None when nothing can refer to it."""

    name: str | None
    value: Value
    is_hidden: bool = False
    """Hidden columns are pseudo columns: found by name, left out of `*`."""


@dataclass(slots=True)
class Range:
    """A table in FROM under the name that expressions use for it.

    A value table has its one `value`; the columns are then the members of a struct.
    """

    name: str | None
    columns: tuple[Column, ...]
    value: Value | None = None

    def row(self) -> Value:
        """The whole row as one value."""
        if self.value is not None:
            return self.value
        return struct_value(
            [(column.name or "", column.value) for column in self.columns if not column.is_hidden]
        )


@dataclass(slots=True)
class Scope:
    """The names that an expression may use; `parent` is the enclosing query's."""

    parent: "Scope | None" = None
    ranges: list[Range] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    aliases: dict[str, Value] = field(default_factory=dict)
    """Names of SELECT-list items, in reach of GROUP BY, HAVING, QUALIFY and ORDER BY."""
    arguments: dict[str, Value] = field(default_factory=dict)
    """Function arguments and lambda parameters."""
    group_keys: set[str] | None = None
    loose: list[tuple[str, int]] = field(default_factory=list)
    """Columns used outside of aggregates and group keys: name and offset."""
    allows_aggregates: str = ""
    """Empty when they are allowed, else the clause that forbids them."""
    is_in_aggregate: bool = False

    def find_range(self, name: str) -> Range | None:
        wanted = name.casefold()
        for candidate in self.ranges:
            if candidate.name is not None and candidate.name.casefold() == wanted:
                return candidate
        return None

    def find_columns(self, name: str) -> list[Column]:
        wanted = name.casefold()
        return [c for c in self.columns if c.name is not None and c.name.casefold() == wanted]

    def names(self) -> set[str]:
        """Everything a misspelt name may have meant."""
        known = {column.name for column in self.columns if column.name is not None}
        known |= {candidate.name for candidate in self.ranges if candidate.name is not None}
        known |= set(self.arguments)
        return known | (self.parent.names() if self.parent else set())


@dataclass(frozen=True, slots=True)
class Output:
    """One output column of a query: `key` is its DuckDB name, unique within the query."""

    name: str | None
    key: str
    type: Type
    origin: Origin | None = None
    is_null: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """An analysed query; `is_value` marks SELECT AS STRUCT and AS VALUE."""

    sql: str
    outputs: tuple[Output, ...]
    is_value: bool = False

    def columns(self, alias: str) -> tuple[Column, ...]:
        """The outputs as columns of a FROM item with that DuckDB alias."""
        return tuple(
            Column(
                output.name,
                Value(
                    f"{alias}.{quote(output.key)}",
                    output.type,
                    is_null=output.is_null,
                    origin=output.origin,
                ),
            )
            for output in self.outputs
        )

    def named(self, names: Sequence[str]) -> "Relation":
        return replace(
            self,
            outputs=tuple(
                replace(output, name=name) for output, name in zip(self.outputs, names, strict=True)
            ),
        )


def unique_keys(names: Iterable[str | None]) -> list[str]:
    """DuckDB names for output columns: the given ones where they can be told apart."""
    seen: set[str] = set()
    keys: list[str] = []
    for index, name in enumerate(names):
        key = name or f"_col{index}"
        while key.casefold() in seen:
            key = f"{key}_{index}"
        seen.add(key.casefold())
        keys.append(key)
    return keys


def struct_value(members: Sequence[tuple[str, Value]]) -> Value:
    """A struct of these members."""
    kind = Type("STRUCT", None, tuple((name, value.type) for name, value in members))
    if not members:
        return Value("NULL", kind)
    inner = ", ".join(
        f"{quote(member_name(kind, index))} := {value.sql}"
        for index, (_, value) in enumerate(members)
    )
    written = tuple(value for _, value in members)
    return Value(f"struct_pack({inner})", kind, members=written)


def member_at(value: Value, index: int) -> Value:
    """A member of a struct value by its place, which also finds members without a name."""
    key = literal(member_name(value.type, index))
    kind = value.type.fields[index][1]
    return Value(f"struct_extract({value.sql}, {key})", kind, origin=value.origin)


def member_of(value: Value, name: str) -> Value | None:
    """A member of a struct value, or None when it has none of that name."""
    wanted = name.casefold()
    for index, (key, _) in enumerate(value.type.fields):
        if key and key.casefold() == wanted:
            return member_at(value, index)
    return None
