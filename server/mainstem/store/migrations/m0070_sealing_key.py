"""Remember which key seals, so that a server with another one does not start."""

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table

from mainstem.store.columns import At

VERSION = 70
NAME = "sealing_key"

_metadata = MetaData()

Table(
    "sealing_key",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_id", String(16), nullable=False),
    Column("noted_at", At, nullable=False),
)


def apply(tx: Connection) -> None:
    _metadata.create_all(tx)
