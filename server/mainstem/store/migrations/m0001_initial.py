"""The first schema."""

from sqlalchemy import Connection

from mainstem.store.migrations.partial_indexes import for_dialect
from mainstem.store.migrations.schema_0001 import metadata

VERSION = 1
NAME = "initial"


def apply(tx: Connection) -> None:
    for_dialect(tx, metadata.sorted_tables)
    metadata.create_all(tx)
