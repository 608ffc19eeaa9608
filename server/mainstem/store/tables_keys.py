"""Which key seals what this database holds; never the key itself."""

from sqlalchemy import Column, Integer, String, Table

from mainstem.store.columns import At
from mainstem.store.tables import metadata

sealing_key = Table(
    "sealing_key",
    metadata,
    # One row, number 1.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_id", String(16), nullable=False),
    Column("noted_at", At, nullable=False),
)
