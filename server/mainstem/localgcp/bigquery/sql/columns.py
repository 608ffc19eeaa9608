"""Written column definitions to schema fields."""

from collections.abc import Sequence
from dataclasses import replace

from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.defaults import duckdb_default
from mainstem.localgcp.bigquery.sql.options import COLUMN_OPTIONS, read_options
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.session import Session
from mainstem.localgcp.bigquery.sql.type_names import resolve_field
from mainstem.localgcp.bigquery.sql.types import NULLABLE, REQUIRED, Field


def column_fields(
    session: Session, columns: Sequence[st.ColumnDefinition], found: Sequence[Field] = ()
) -> tuple[Field, ...]:
    """The schema of a column list; `found` are the columns of the query it names, if any."""
    fields: list[Field] = []
    seen: set[str] = set()
    for index, column in enumerate(columns):
        if column.name.text.casefold() in seen:
            raise SqlProblem(f"Duplicate column name {column.name.text}", column.name.at)
        seen.add(column.name.text.casefold())
        if column.type is None:
            if not found:
                raise SqlProblem(f"Column {column.name.text} has no type", column.name.at)
            fields.append(replace(found[index], name=column.name.text))
            continue
        fields.append(column_field(session, column))
    return tuple(fields)


def column_field(session: Session, column: st.ColumnDefinition) -> Field:
    """One written column, its options and default checked."""
    assert column.type is not None
    if column.is_required and column.type.name == "ARRAY":
        raise SqlProblem("NOT NULL cannot be applied to ARRAY columns", column.name.at)
    mode = REQUIRED if column.is_required else NULLABLE
    field = resolve_field(column.name.text, column.type, mode)
    if column.member_options:
        members = tuple(column_field(session, each) for each in column.member_options)
        field = replace(field, fields=members)
    field = with_column_options(session, field, column.options)
    if column.default_sql is not None:
        field = replace(field, default_sql=column.default_sql)
        duckdb_default(field)
    return field


def with_column_options(session: Session, field: Field, options: st.Options) -> Field:
    """A column with OPTIONS set; NULL clears one."""
    given = read_options(session, options, COLUMN_OPTIONS, "columns")
    if "description" in given:
        field = replace(field, description=given["description"].value)
    if "rounding_mode" in given:
        mode = given["rounding_mode"].value
        if mode not in (None, "ROUND_HALF_AWAY_FROM_ZERO", "ROUNDING_MODE_UNSPECIFIED"):
            raise refused(f"rounding_mode {mode}", given["rounding_mode"].at)
        field = replace(field, rounding_mode=mode)
    return field
