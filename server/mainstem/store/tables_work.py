"""Tables of servers that share one database: who leads, who works, and on what."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, text

from mainstem.store.columns import At
from mainstem.store.tables import metadata

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("instance", String(64), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("expires_at", At, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("instance", String(64), nullable=False),
    Column("host", Text, nullable=False),
    Column("worker_group", String(100), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("busy", Integer, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("version", String(40), nullable=False),
    Column("started_at", At, nullable=False),
    Column("seen_at", At, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("task_run_id", String(32), primary_key=True),
    Column("execution_id", String(32), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker_group", String(100), nullable=False),
    Column("fallback", String(10)),
    Column("created_at", At, nullable=False),
    Column("worker_id", String(32)),
    Column("token", String(32)),
    Column("cancelled", Boolean, nullable=False),
)
Index("jobs_waiting", jobs.c.worker_group, jobs.c.created_at,
      sqlite_where=text("worker_id IS NULL"))  # fmt: skip
Index("jobs_by_worker", jobs.c.worker_id)
Index("jobs_by_execution", jobs.c.execution_id)
