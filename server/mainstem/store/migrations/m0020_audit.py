"""The audit log."""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from mainstem.store.columns import At, Json

VERSION = 20
NAME = "audit"

metadata = MetaData()
_audit = Table(
    "audit",
    metadata,
    Column(
        "id",
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
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
    sqlite_autoincrement=True,
)
Index("audit_by_time", _audit.c.at)
Index("audit_by_principal", _audit.c.principal, _audit.c.id)
Index("audit_by_action", _audit.c.action, _audit.c.id)


def apply(tx: Connection) -> None:
    metadata.create_all(tx)
