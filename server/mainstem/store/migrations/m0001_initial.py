"""The first schema."""

from sqlalchemy import Connection

from mainstem.store.tables import metadata

VERSION = 1
NAME = "initial"


def apply(tx: Connection) -> None:
    metadata.create_all(tx)
