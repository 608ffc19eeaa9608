"""The first schema."""

from sqlalchemy import Connection

from mainstem.store.tables import metadata

VERSION = 1
NAME = "initial"


def apply(tx: Connection) -> None:
    if tx.dialect.name == "postgresql":
        for index in (index for table in metadata.sorted_tables for index in table.indexes):
            where = index.dialect_options["sqlite"].get("where")
            index.dialect_options["postgresql"]["where"] = where
    metadata.create_all(tx)
