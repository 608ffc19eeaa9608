"""Remember which values the settings seeded."""

from sqlalchemy import Column, Connection, MetaData, String, Table

from mainstem.store.columns import At

VERSION = 60
NAME = "seeds"

_metadata = MetaData()

Table(
    "seeds",
    _metadata,
    Column("namespace", String(150), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("seeded_at", At, nullable=False),
)


def apply(tx: Connection) -> None:
    _metadata.create_all(tx)
