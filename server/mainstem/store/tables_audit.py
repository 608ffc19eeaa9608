"""The audit log's table."""

from sqlalchemy import Column, Index, String, Table, Text

from mainstem.store.columns import At, Json
from mainstem.store.tables import Serial, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", At, nullable=False),
    Column("principal_id", String(64), nullable=False),
    Column("principal", String(250), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("address", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("resource", Text, nullable=False),
    Column("namespace", String(150)),
    Column("outcome", String(16), nullable=False),
    Column("detail", Json),
    sqlite_autoincrement=True,  # a deleted record leaves a gap that can be seen
)
Index("audit_by_time", audit.c.at)
Index("audit_by_principal", audit.c.principal, audit.c.id)
Index("audit_by_action", audit.c.action, audit.c.id)
