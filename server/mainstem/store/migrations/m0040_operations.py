"""Operations on many executions."""

from sqlalchemy import Column, Connection, Index, Integer, MetaData, String, Table

from mainstem.store.columns import At, Json

VERSION = 40
NAME = "operations"

_metadata = MetaData()
_operations = Table(
    "operations",
    _metadata,
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
Index("operations_by_time", _operations.c.state, _operations.c.created_at)

Table(
    "operation_items",
    _metadata,
    Column("operation_id", String(32), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("execution_id", String(32), nullable=False),
)


def apply(tx: Connection) -> None:
    _metadata.create_all(tx)
