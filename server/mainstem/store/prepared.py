"""Statements that run thousands of times a second, as plain SQL made once from the tables.

Making an expression of SQLAlchemy anew costs several times what SQLite needs to run it. Values go
in as the driver takes them: moments as microseconds, JSON as text.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from mainstem.store import together

Values = Sequence[Any]
_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}


def insert_rows(
    tx: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Values],
    *,
    replace: bool = False,
) -> None:
    """Insert rows of values in the order of `columns`.

    With `replace` a row whose key exists gets the other columns anew.
    """
    if not rows:
        return
    if together.is_apt(tx):
        together.insert(tx, table, columns, rows, replace)
        return
    tx.exec_driver_sql(_insert(tx.dialect, table, columns, replace), list(rows))


def update_rows(
    tx: Connection,
    table: Table,
    changed: tuple[str, ...],
    matched: tuple[str, ...],
    rows: Sequence[Values],
    refusal: Callable[[], Exception] | None = None,
) -> None:
    """Update by the `matched` columns, whose values follow those of the changed ones.

    Raises what `refusal` gives unless all of the rows were there.
    """
    if not rows:
        return
    if together.is_apt(tx):
        together.update(tx, table, changed, matched, rows, refusal)
        return
    found = tx.exec_driver_sql(_update(tx.dialect, table, changed, matched), list(rows))
    if refusal is not None and found.rowcount != len(rows):
        raise refusal()


def delete_rows(
    tx: Connection, table: Table, matched: tuple[str, ...], rows: Sequence[Values]
) -> None:
    """Delete by the `matched` columns."""
    if not rows:
        return
    if together.is_apt(tx):
        together.delete(tx, table, matched, rows)
        return
    tx.exec_driver_sql(_delete(tx.dialect, table, matched), list(rows))


@cache
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...], replace: bool) -> str:
    named, mark = _named(dialect, table), _MARKS[dialect.paramstyle]
    listed = ", ".join(named[name] for name in columns)
    name = dialect.identifier_preparer.format_table(table)
    marks = ", ".join([mark] * len(columns))
    text = f"INSERT INTO {name} ({listed}) VALUES ({marks})"  # noqa: S608 - names of our tables
    if not replace:
        return text
    keys = [column.name for column in table.primary_key]
    rest = ", ".join(f"{named[n]} = excluded.{named[n]}" for n in columns if n not in keys)
    action = f"DO UPDATE SET {rest}" if rest else "DO NOTHING"
    return f"{text} ON CONFLICT ({', '.join(named[key] for key in keys)}) {action}"


@cache
def _update(
    dialect: Dialect, table: Table, changed: tuple[str, ...], matched: tuple[str, ...]
) -> str:
    named, mark = _named(dialect, table), _MARKS[dialect.paramstyle]
    values = ", ".join(f"{named[name]} = {mark}" for name in changed)
    where = " AND ".join(f"{named[name]} = {mark}" for name in matched)
    name = dialect.identifier_preparer.format_table(table)
    return f"UPDATE {name} SET {values} WHERE {where}"  # noqa: S608 - names of our tables


@cache
def _delete(dialect: Dialect, table: Table, matched: tuple[str, ...]) -> str:
    named, mark = _named(dialect, table), _MARKS[dialect.paramstyle]
    where = " AND ".join(f"{named[name]} = {mark}" for name in matched)
    name = dialect.identifier_preparer.format_table(table)
    return f"DELETE FROM {name} WHERE {where}"  # noqa: S608 - names of our tables


def _named(dialect: Dialect, table: Table) -> dict[str, str]:
    """Columns by name as this dialect writes them; raises KeyError for one the table lacks."""
    return {c.name: dialect.identifier_preparer.format_column(c) for c in table.columns}
