"""Keep results of cached tasks."""

from sqlalchemy import BigInteger, Column, Connection, Index, MetaData, String, Table, Text

VERSION = 2
NAME = "task_cache"

_tables = MetaData()
_cache = Table(
    "task_cache",
    _tables,
    Column("key", String(64), primary_key=True),
    Column("namespace", String(150), nullable=False),
    Column("flow_id", String(100), nullable=False),
    Column("task_id", String(250), nullable=False),
    Column("execution_id", String(32), nullable=False),
    Column("outputs", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
)
Index("task_cache_by_flow", _cache.c.namespace, _cache.c.flow_id)
Index("task_cache_by_end", _cache.c.expires_at)


def apply(tx: Connection) -> None:
    _tables.create_all(tx)
