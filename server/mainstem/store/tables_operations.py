"""Operations on many executions, and the executions that each is about."""

from sqlalchemy import Column, Index, Integer, String, Table

from mainstem.store.columns import At, Json
from mainstem.store.tables import metadata

operations = Table(
    "operations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("action", String(20), nullable=False),
    Column("argument", Json, nullable=False),
    Column("state", String(12), nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("refused", Json, nullable=False),
    Column("principal", String(200), nullable=False),
    Column("created_at", At, nullable=False),
    Column("ended_at", At),
)
Index("operations_by_time", operations.c.state, operations.c.created_at)

operation_items = Table(
    "operation_items",
    metadata,
    Column("operation_id", String(32), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("execution_id", String(32), nullable=False),
)
