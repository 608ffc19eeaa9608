"""Leases, workers and jobs of servers that share one database."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from mainstem.store.migrations.partial_indexes import for_dialect

VERSION = 50
NAME = "work"

_metadata = MetaData()

Table(
    "leases",
    _metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("instance", String(64), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Table(
    "workers",
    _metadata,
    Column("id", String(32), primary_key=True),
    Column("instance", String(64), nullable=False),
    Column("host", Text, nullable=False),
    Column("worker_group", String(100), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("busy", Integer, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("version", String(40), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
_jobs = Table(
    "jobs",
    _metadata,
    Column("task_run_id", String(32), primary_key=True),
    Column("execution_id", String(32), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker_group", String(100), nullable=False),
    Column("fallback", String(10)),
    Column("created_at", BigInteger, nullable=False),
    Column("worker_id", String(32)),
    Column("token", String(32)),
    Column("cancelled", Boolean, nullable=False),
)
Index("jobs_waiting", _jobs.c.worker_group, _jobs.c.created_at,
      sqlite_where=text("worker_id IS NULL"))  # fmt: skip
Index("jobs_by_worker", _jobs.c.worker_id)
Index("jobs_by_execution", _jobs.c.execution_id)


def apply(tx: Connection) -> None:
    for_dialect(tx, _metadata.sorted_tables)
    _metadata.create_all(tx)
