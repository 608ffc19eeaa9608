"""The table that a DML statement changes, stored or temporary."""

from dataclasses import dataclass

from mainstem.localgcp.bigquery.model import Kind, TableRef
from mainstem.localgcp.bigquery.sql.coercion import can_coerce, coerce
from mainstem.localgcp.bigquery.sql.context import Context
from mainstem.localgcp.bigquery.sql.defaults import duckdb_default
from mainstem.localgcp.bigquery.sql.nulls import refuse_null_elements
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, suggestion
from mainstem.localgcp.bigquery.sql.tables import (
    PARTITION_TIME,
    find_table,
    stored_columns,
    table_ref,
)
from mainstem.localgcp.bigquery.sql.tree import Name, Path
from mainstem.localgcp.bigquery.sql.types import Field, quote
from mainstem.localgcp.bigquery.sql.values import Column, Range, Scan, Value


@dataclass(frozen=True, slots=True)
class Target:
    """A relation that can be written, its columns, and how messages name it."""

    relation: str
    fields: tuple[Field, ...]
    shown: str
    ref: TableRef | None = None
    scan: Scan | None = None
    is_ingestion_partitioned: bool = False

    def field(self, name: Name) -> Field:
        """The column of that name, among them the ingestion time of a partition."""
        folded = name.text.casefold()
        if self.is_ingestion_partitioned and folded == PARTITION_TIME.casefold():
            return Field(PARTITION_TIME, "TIMESTAMP")
        found = next((f for f in self.fields if f.name.casefold() == folded), None)
        if found is None:
            hint = suggestion(name.text, [each.name for each in self.fields])
            raise SqlProblem(
                f"Column {name.text} is not present in table {self.shown}{hint}", name.at
            )
        return found

    def range(self, alias: Name | None, key: str) -> Range:
        """The target as a FROM item under a DuckDB alias."""
        name = alias.text if alias is not None else self.shown.rsplit(".", 1)[-1]
        if self.scan is not None:
            return Range(name, stored_columns(self.scan, key))
        columns = tuple(
            Column(each.name, Value(f"{key}.{quote(each.name)}", each.value_type()))
            for each in self.fields
        )
        return Range(name, columns)


def find_target(path: Path, context: Context, verb: str) -> Target:
    """The table a statement may change; views and the like may not be changed."""
    if len(path.names) == 1:
        temporary = context.around.temporary.get(path.names[0].text.casefold())
        if temporary is not None:
            return Target(temporary.relation, temporary.fields, path.names[0].text)
    ref = table_ref(path, context)
    table = find_table(ref, context, path.at)
    shown = f"{ref.project}.{ref.dataset}.{ref.table}"
    if table.kind is not Kind.TABLE:
        raise SqlProblem(
            f"{verb} statement target must be a table: {shown} is a {table.kind}", path.at
        )
    scan = Scan(table, ref, path.at)
    by_time = table.time_partitioning
    is_ingestion = by_time is not None and by_time.field is None
    return Target(context.host.relation(ref), table.schema, shown, ref, scan, is_ingestion)


def assigned(value: Value, field: Field, at: int, verb: str) -> str:
    """A value as it is stored in a column: coerced, and never a NULL array."""
    kind = field.value_type()
    if not can_coerce(value, kind):
        raise SqlProblem(
            f"Value of type {value.type} cannot be assigned to {field.name}, which has type {kind}"
            if verb == "UPDATE"
            else f"Query column has type {value.type} which cannot be inserted into column "
            f"{field.name}, which has type {kind}",
            at,
        )
    return refuse_null_elements(stored(coerce(value, kind).sql, field), field)


def stored(sql: str, field: Field) -> str:
    return f"COALESCE({sql}, [])" if field.is_repeated else sql


def default_of(field: Field) -> str:
    """What DEFAULT means for a column."""
    if field.default_sql is None:
        return stored(f"CAST(NULL AS {field.value_type().duckdb()})", field)
    return duckdb_default(field)
