"""What was given to a new server, so that it is given only once."""

from sqlalchemy import Column, String, Table

from mainstem.store.columns import At
from mainstem.store.tables import metadata

seeds = Table(
    "seeds",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("seeded_at", At, nullable=False),
)
