"""ALTER TABLE, VIEW, MATERIALIZED VIEW and SCHEMA."""

# writing SQL is what this package does; names are quoted by types.quote

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from mainstem.localgcp.bigquery.errors import duplicate, not_found
from mainstem.localgcp.bigquery.model import Kind, Table, TableRef
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.coercion import COERCES
from mainstem.localgcp.bigquery.sql.columns import column_field, with_column_options
from mainstem.localgcp.bigquery.sql.ddl_other import dataset_ref
from mainstem.localgcp.bigquery.sql.ddl_table import SKIP, foreign_keys_json
from mainstem.localgcp.bigquery.sql.defaults import duckdb_default
from mainstem.localgcp.bigquery.sql.options import (
    MATERIALIZED_OPTIONS,
    TABLE_OPTIONS,
    VIEW_OPTIONS,
    with_dataset_options,
    with_options,
)
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused, suggestion
from mainstem.localgcp.bigquery.sql.session import Effect, Session
from mainstem.localgcp.bigquery.sql.tables import missing, table_ref
from mainstem.localgcp.bigquery.sql.tree import Name
from mainstem.localgcp.bigquery.sql.type_names import resolve_field
from mainstem.localgcp.bigquery.sql.types import NULLABLE, Field, quote

_KINDS: Final = {
    "TABLE": (Kind.TABLE, Kind.EXTERNAL, Kind.SNAPSHOT),
    "VIEW": (Kind.VIEW,),
    "MATERIALIZED VIEW": (Kind.MATERIALIZED_VIEW,),
}
_OPTIONS: Final = {
    "TABLE": TABLE_OPTIONS,
    "VIEW": VIEW_OPTIONS,
    "MATERIALIZED VIEW": MATERIALIZED_OPTIONS,
}


def alter(session: Session, node: st.Alter) -> Effect:
    if node.kind == "SCHEMA":
        return _alter_schema(session, node)
    kind = f"ALTER_{node.kind.replace(' ', '_')}"
    context = session.analyzer().context
    ref = table_ref(node.path, context)
    table = session.host.table(ref)
    if table is None:
        if node.if_exists:
            return Effect(kind, ddl_operation=SKIP, target_table=ref)
        raise missing(ref, context, node.path.at)
    if table.kind not in _KINDS[node.kind]:
        raise SqlProblem(
            f"ALTER {node.kind} cannot be used on {ref}, which is a {table.kind}", node.path.at
        )
    if not session.is_dry_run:
        for action in node.actions:
            table = _ACTIONS[action.kind](session, table, action)
        if not any(action.kind == "RENAME TO" for action in node.actions):
            session.host.update_table(table)
    return Effect(kind, ddl_operation="ALTER", target_table=ref)


def _alter_schema(session: Session, node: st.Alter) -> Effect:
    ref = dataset_ref(node.path, session)
    dataset = session.host.dataset(ref)
    if dataset is None:
        if node.if_exists:
            return Effect("ALTER_SCHEMA", ddl_operation=SKIP, target_dataset=ref)
        raise not_found(
            f"Not found: Dataset {ref} was not found in location {session.host.location}"
        )
    for action in node.actions:
        dataset = with_dataset_options(session, dataset, action.options)
    if not session.is_dry_run:
        session.host.update_dataset(dataset)
    return Effect("ALTER_SCHEMA", ddl_operation="ALTER", target_dataset=ref)


def _set_options(session: Session, table: Table, action: st.AlterAction) -> Table:
    word = str(table.kind).replace("_", " ")
    return with_options(session, table, action.options, _OPTIONS.get(word, TABLE_OPTIONS))


# ---- columns ------------------------------------------------------------------------------


def _column(table: Table, name: Name) -> Field:
    folded = name.text.casefold()
    found = next((field for field in table.schema if field.name.casefold() == folded), None)
    if found is None:
        hint = suggestion(name.text, [field.name for field in table.schema])
        raise SqlProblem(f"Column not found: {name.text}{hint}", name.at)
    return found


def _has_column(table: Table, name: str) -> bool:
    return any(field.name.casefold() == name.casefold() for field in table.schema)


def _physical(session: Session, table: Table, change: str) -> None:
    if table.kind is not Kind.TABLE:
        raise SqlProblem(f"The columns of {table.ref}, a {table.kind}, cannot be altered", None)
    session.execute(f"ALTER TABLE {session.host.relation(table.ref)} {change}")


def _with_field(table: Table, old: Field, new: Field) -> Table:
    schema = tuple(new if field is old else field for field in table.schema)
    return replace(table, schema=schema)


def _add_column(session: Session, table: Table, action: st.AlterAction) -> Table:
    definition = action.definition
    assert definition is not None
    if _has_column(table, definition.name.text):
        if action.is_conditional:
            return table
        raise duplicate(f"Column already exists: {definition.name.text}")
    field = column_field(session, definition)
    if field.is_required:
        raise SqlProblem(
            f"Cannot add required column {field.name} to an existing table", definition.name.at
        )
    if field.default_sql is not None:
        raise SqlProblem(
            f"Cannot add column {field.name} with a default; add it first, then set its default",
            definition.name.at,
        )
    if field.max_length is not None:
        raise refused("adding a column with a maximum length", definition.name.at)
    _physical(session, table, f"ADD COLUMN {quote(field.name)} {field.physical_type()}")
    return replace(table, schema=(*table.schema, field))


def _drop_column(session: Session, table: Table, action: st.AlterAction) -> Table:
    assert action.name is not None
    if action.is_conditional and not _has_column(table, action.name.text):
        return table
    field = _column(table, action.name)
    by_time, by_range = table.time_partitioning, table.range_partitioning
    keys = {name.casefold() for name in table.clustering}
    keys |= {by_time.field.casefold()} if by_time is not None and by_time.field else set()
    keys |= {by_range.field.casefold()} if by_range is not None else set()
    if field.name.casefold() in keys:
        raise SqlProblem(
            f"Cannot drop column {field.name}: the table is partitioned or clustered by it",
            action.name.at,
        )
    if len(table.schema) == 1:
        raise SqlProblem("Cannot drop the only column of a table", action.name.at)
    _physical(session, table, f"DROP COLUMN {quote(field.name)}")
    return replace(table, schema=tuple(each for each in table.schema if each is not field))


def _rename_column(session: Session, table: Table, action: st.AlterAction) -> Table:
    assert action.name is not None
    assert action.new_name is not None
    if action.is_conditional and not _has_column(table, action.name.text):
        return table
    field = _column(table, action.name)
    if _has_column(table, action.new_name.text):
        raise duplicate(f"Column already exists: {action.new_name.text}")
    new = action.new_name.text
    _physical(session, table, f"RENAME COLUMN {quote(field.name)} TO {quote(new)}")
    table = _with_field(table, field, replace(field, name=new))
    clustering = tuple(new if name == field.name else name for name in table.clustering)
    return replace(table, clustering=clustering)


def _column_options(session: Session, table: Table, action: st.AlterAction) -> Table:
    assert action.name is not None
    if action.is_conditional and not _has_column(table, action.name.text):
        return table
    field = _column(table, action.name)
    return _with_field(table, field, with_column_options(session, field, action.options))


def _column_type(session: Session, table: Table, action: st.AlterAction) -> Table:
    assert action.name is not None
    assert action.type is not None
    field = _column(table, action.name)
    wanted = resolve_field(field.name, action.type, field.mode)
    if wanted.mode != field.mode or not _widens(field, wanted):
        raise SqlProblem(
            f"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type "
            f"({field.sql_type()}) is assignable to the new type ({wanted.sql_type()})",
            action.name.at,
        )
    if field.max_length is not None and wanted.max_length != field.max_length:
        raise refused("changing the maximum length of a column", action.name.at)
    name = quote(field.name)
    _physical(session, table, f"ALTER COLUMN {name} SET DATA TYPE {wanted.physical_type()}")
    new = replace(
        field, type=wanted.type, precision=wanted.precision, scale=wanted.scale,
        max_length=wanted.max_length,
    )  # fmt: skip
    return _with_field(table, field, new)


def _widens(old: Field, new: Field) -> bool:
    if old.type == "STRUCT" or new.type == "STRUCT":
        return False
    if old.type != new.type:
        return new.type in COERCES.get(old.type, ()) and new.precision is None
    if new.max_length is not None:
        return old.max_length is not None and old.max_length <= new.max_length
    if new.precision is None:
        return True
    if old.precision is None:
        return False
    whole = (new.precision - (new.scale or 0)) >= (old.precision - (old.scale or 0))
    return whole and (new.scale or 0) >= (old.scale or 0)


def _column_default(session: Session, table: Table, action: st.AlterAction) -> Table:
    assert action.name is not None
    field = _column(table, action.name)
    new = replace(field, default_sql=action.default_sql)
    name = quote(field.name)
    if action.default_sql is None:
        _physical(session, table, f"ALTER COLUMN {name} DROP DEFAULT")
    else:
        _physical(session, table, f"ALTER COLUMN {name} SET DEFAULT {duckdb_default(new)}")
    return _with_field(table, field, new)


def _column_nullable(session: Session, table: Table, action: st.AlterAction) -> Table:
    assert action.name is not None
    field = _column(table, action.name)
    if not field.is_required:
        raise SqlProblem(f"Column {field.name} does not have a NOT NULL constraint", action.name.at)
    _physical(session, table, f"ALTER COLUMN {quote(field.name)} DROP NOT NULL")
    return _with_field(table, field, replace(field, mode=NULLABLE))


# ---- the table itself ---------------------------------------------------------------------


def _rename_table(session: Session, table: Table, action: st.AlterAction) -> Table:
    assert action.path is not None
    if len(action.path.names) != 1 or table.kind is not Kind.TABLE:
        raise SqlProblem("RENAME TO takes a table's new name without a dataset", action.at)
    ref = TableRef(table.ref.project, table.ref.dataset, action.path.names[0].text)
    if session.host.table(ref) is not None:
        raise duplicate(f"Already Exists: Table {ref}")
    session.host.create_table(replace(table, ref=ref))
    old, new = session.host.relation(table.ref), session.host.relation(ref)
    session.execute(f"INSERT INTO {new} SELECT * FROM {old}")
    session.host.drop_table(table.ref)
    return replace(table, ref=ref)


def _add_key(session: Session, table: Table, action: st.AlterAction) -> Table:
    if action.foreign_keys:
        held = json.loads(table.foreign_keys or "[]")
        held += json.loads(foreign_keys_json(session, action.foreign_keys))
        return replace(table, foreign_keys=json.dumps(held))
    if table.primary_key:
        raise duplicate(f"Already Exists: PRIMARY KEY of table {table.ref}")
    return replace(table, primary_key=action.keys)


def _drop_key(session: Session, table: Table, action: st.AlterAction) -> Table:
    if not table.primary_key and not action.is_conditional:
        raise SqlProblem(f"Table {table.ref} has no PRIMARY KEY", action.at)
    return replace(table, primary_key=())


_ACTIONS: Final[dict[str, Callable[[Session, Table, st.AlterAction], Table]]] = {
    "SET OPTIONS": _set_options,
    "ADD COLUMN": _add_column,
    "DROP COLUMN": _drop_column,
    "RENAME COLUMN": _rename_column,
    "RENAME TO": _rename_table,
    "COLUMN OPTIONS": _column_options,
    "COLUMN TYPE": _column_type,
    "COLUMN DEFAULT": _column_default,
    "COLUMN NULLABLE": _column_nullable,
    "ADD KEY": _add_key,
    "DROP PRIMARY KEY": _drop_key,
}
