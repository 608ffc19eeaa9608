"""Statements that run thousands of times a second, as plain SQL made once from the tables.

Making an expression of SQLAlchemy anew costs several times what SQLite needs to run it. Values go
in as the driver takes them: moments as microseconds, JSON as text.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table

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
    if rows:
        tx.exec_driver_sql(_insert(tx.dialect, table, columns, replace), list(rows))


def update_rows(
    tx: Connection,
    table: Table,
    changed: tuple[str, ...],
    matched: tuple[str, ...],
    rows: Sequence[Values],
) -> int:
    """Update by the `matched` columns, whose values follow those of the changed ones.

    Returns how many rows were there.
    """
    if not rows:
        return 0
    return tx.exec_driver_sql(_update(tx.dialect, table, changed, matched), list(rows)).rowcount


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


def _named(dialect: Dialect, table: Table) -> dict[str, str]:
    """Columns by name as this dialect writes them; raises KeyError for one the table lacks."""
    return {c.name: dialect.identifier_preparer.format_column(c) for c in table.columns}
