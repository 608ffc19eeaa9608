"""Tables of Git sync besides the status and history of sources; nothing else."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, Text

from mainstem.store.columns import At, Json
from mainstem.store.tables import Serial, metadata

git_sources = Table(
    "git_sources",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("definition", Json, nullable=False),
    Column("sealed", LargeBinary),
    Column("created_at", At, nullable=False),
    Column("updated_at", At, nullable=False),
)

sync_controls = Table(
    "sync_controls",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("suspended_at", At),
    Column("pin", String(64)),
    Column("pinned_at", At),
    Column("layout", String(64)),
    Column("asked", String(20)),
)

sync_entries = Table(
    "sync_entries",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("namespace", String(150), primary_key=True),
    Column("name", String(1000), primary_key=True),
    Column("path", Text, nullable=False),
    Column("blob", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)
Index("sync_entries_by_name", sync_entries.c.kind, sync_entries.c.namespace, sync_entries.c.name)
Index("sync_entries_by_path", sync_entries.c.source, sync_entries.c.path)

sync_conditions = Table(
    "sync_conditions",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("status", Boolean, nullable=False),
    Column("since", At, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("message", Text),
)

sync_events = Table(
    "sync_events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("source", String(100), nullable=False),
    Column("at", At, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("git_commit", String(64)),
)
Index("sync_events_by_source", sync_events.c.source, sync_events.c.id)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("at", At, nullable=False),
)
Index("webhook_deliveries_by_time", webhook_deliveries.c.at)
