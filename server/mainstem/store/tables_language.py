"""What the flow language keeps besides flows: results of cached tasks, and templates."""

from sqlalchemy import Column, Index, String, Table, Text

from mainstem.store.columns import At, Json
from mainstem.store.tables import metadata

task_cache = Table(
    "task_cache",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("namespace", String(150), nullable=False),
    Column("flow_id", String(100), nullable=False),
    Column("task_id", String(250), nullable=False),
    Column("execution_id", String(32), nullable=False),
    Column("outputs", Json),
    Column("created_at", At, nullable=False),
    Column("expires_at", At),
)
Index("task_cache_by_flow", task_cache.c.namespace, task_cache.c.flow_id)
Index("task_cache_by_end", task_cache.c.expires_at)

templates = Table(
    "templates",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("source", Text, nullable=False),
    Column("description", Text),
    Column("created_at", At, nullable=False),
    Column("updated_at", At, nullable=False),
)
