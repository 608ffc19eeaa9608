"""Users, roles, sessions, tokens and one-time links."""

from sqlalchemy import Boolean, Column, Connection, Index, MetaData, String, Table, Text

from mainstem.store.columns import At

VERSION = 21
NAME = "users"

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(250), nullable=False),
    Column("display_name", String(250), nullable=False),
    Column("password_hash", Text),
    Column("source", String(16), nullable=False),
    Column("subject", Text),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", At, nullable=False),
    Column("signed_in_at", At),
)
Index("users_by_name", users.c.name, unique=True)

grants = Table(
    "grants",
    metadata,
    Column("user_id", String(32), primary_key=True),
    Column("namespace", String(150), primary_key=True),
    Column("origin", String(16), primary_key=True),
    Column("role", String(16), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user_id", String(32), nullable=False),
    Column("created_at", At, nullable=False),
    Column("seen_at", At, nullable=False),
    Column("expires_at", At, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(250), nullable=False),
)
Index("sessions_by_user", sessions.c.user_id)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("user_id", String(32)),
    Column("created_by", String(250), nullable=False),
    Column("role", String(16), nullable=False),
    Column("namespace", String(150), nullable=False),
    Column("created_at", At, nullable=False),
    Column("expires_at", At),
    Column("used_at", At),
)
Index("tokens_by_hash", tokens.c.hash, unique=True)
Index("tokens_by_user", tokens.c.user_id)

links = Table(
    "links",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user_id", String(32)),
    Column("created_by", String(250), nullable=False),
    Column("created_at", At, nullable=False),
    Column("expires_at", At, nullable=False),
)


def apply(tx: Connection) -> None:
    metadata.create_all(tx)
