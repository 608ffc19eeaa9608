"""Partial indexes for both dialects from one definition."""

from collections.abc import Iterable

from sqlalchemy import Connection, Table


def for_dialect(tx: Connection, tables: Iterable[Table]) -> None:
    """Give PostgreSQL the conditions that the indexes of `tables` name for SQLite.

    Naming them twice in the definitions would load the dialect of PostgreSQL on every start.
    """
    if tx.dialect.name != "postgresql":
        return
    for table in tables:
        for index in table.indexes:
            where = index.dialect_options["sqlite"].get("where")
            index.dialect_options["postgresql"]["where"] = where
