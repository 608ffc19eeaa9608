"""Which changes of a schema BigQuery allows, and the statements that carry them out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.model import Table, TableRef
from mainstem.localgcp.bigquery.names import check_column, relation
from mainstem.localgcp.bigquery.sql.types import LEGACY_NAMES, Field, quote
from mainstem.localgcp.bigquery.transaction import Transaction


def change_schema(transaction: Transaction, table: Table, schema: tuple[Field, ...]) -> Table:
    """Give a table a new schema that only adds columns, relaxes modes or rewords descriptions."""
    merged = _merge(table.ref, table.schema, schema)
    if table.is_native:
        for statement in _statements(table, merged):
            transaction.cursor.execute(statement)
    return replace(table, schema=merged)


def with_added_columns(table: Table, found: Sequence[Field]) -> tuple[Field, ...]:
    """The table's schema and then what the data brings besides, as ALLOW_FIELD_ADDITION asks."""
    known = {field.name.casefold() for field in table.schema}
    fresh = [field for field in found if field.name.casefold() not in known]
    for field in fresh:
        if field.is_required:
            raise invalid(
                f"Provided Schema does not match Table {table.ref}. Cannot add required fields "
                f"to an existing schema. (field: {field.name})"
            )
    return (*table.schema, *fresh)


def check_matches(ref: TableRef, held: Sequence[Field], given: Sequence[Field]) -> None:
    """Refuse data whose columns the table does not have or has as another type."""
    by_name = {field.name.casefold(): field for field in held}
    for field in given:
        own = by_name.get(field.name.casefold())
        if own is None:
            raise mismatch(ref, f"Cannot add fields (field: {field.name})")
        _check_same(ref, own, field)


def mismatch(ref: TableRef, why: str) -> BigQueryError:
    return invalid(f"Provided Schema does not match Table {ref}. {why}")


def _check_same(ref: TableRef, held: Field, given: Field) -> None:
    if held.type != given.type:
        raise mismatch(
            ref,
            f"Field {held.name} has changed type from {_shown(held)} to {_shown(given)}",
        )
    if held.is_repeated != given.is_repeated or (held.is_required and not given.is_required):
        raise mismatch(ref, f"Field {held.name} has changed mode from {held.mode} to {given.mode}")


def _shown(field: Field) -> str:
    return LEGACY_NAMES.get(field.type, field.type)


def _merge(
    ref: TableRef, held: Sequence[Field], given: Sequence[Field], path: str = ""
) -> tuple[Field, ...]:
    """The new schema in the old order, with additions at the end."""
    by_name = {field.name.casefold(): field for field in given}
    merged = []
    for field in held:
        wanted = by_name.pop(field.name.casefold(), None)
        if wanted is None:
            raise mismatch(ref, f"Field {path}{field.name} is missing in new schema")
        if field.type != wanted.type:
            why = f"Field {path}{field.name} has changed type from"
            raise mismatch(ref, f"{why} {_shown(field)} to {_shown(wanted)}")
        if field.mode != wanted.mode and (field.mode, wanted.mode) != ("REQUIRED", "NULLABLE"):
            why = f"Field {path}{field.name} has changed mode from"
            raise mismatch(ref, f"{why} {field.mode} to {wanted.mode}")
        members = _merge(ref, field.fields, wanted.fields, f"{path}{field.name}.")
        merged.append(replace(wanted, name=field.name, fields=members))
    for field in by_name.values():
        check_column(field.name)
        if field.is_required:
            raise mismatch(
                ref,
                f"Cannot add required fields to an existing schema. (field: {path}{field.name})",
            )
        merged.append(field)
    return tuple(merged)


def _statements(table: Table, merged: Sequence[Field]) -> Iterator[str]:
    alter = f"ALTER TABLE {relation(table.ref)}"
    held = {field.name: field for field in table.schema}
    for field in merged:
        before, name = held.get(field.name), quote(field.name)
        if before is None:
            yield f"{alter} ADD COLUMN {name} {field.physical_type()}"
            continue
        if before.is_required and not field.is_required:
            yield f"{alter} ALTER COLUMN {name} DROP NOT NULL"
        if before.physical_type() != field.physical_type():
            yield f"{alter} ALTER COLUMN {name} SET DATA TYPE {field.physical_type()}"
