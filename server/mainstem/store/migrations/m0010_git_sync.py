"""Sources of the API, what each source owns, conditions, events and seen deliveries."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy import Connection as Tx

VERSION = 10
NAME = "git_sync"

_tables = MetaData()
_serial = BigInteger().with_variant(Integer(), "sqlite")

Table(
    "git_sources",
    _tables,
    Column("name", String(100), primary_key=True),
    Column("definition", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Table(
    "sync_controls",
    _tables,
    Column("source", String(100), primary_key=True),
    Column("suspended_at", BigInteger),
    Column("pin", String(64)),
    Column("pinned_at", BigInteger),
    Column("layout", String(64)),
)
_entries = Table(
    "sync_entries",
    _tables,
    Column("source", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("namespace", String(150), primary_key=True),
    Column("name", String(1000), primary_key=True),
    Column("path", Text, nullable=False),
    Column("blob", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)
Index("sync_entries_by_name", _entries.c.kind, _entries.c.namespace, _entries.c.name)
Index("sync_entries_by_path", _entries.c.source, _entries.c.path)
Table(
    "sync_conditions",
    _tables,
    Column("source", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("status", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("message", Text),
)
_events = Table(
    "sync_events",
    _tables,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("source", String(100), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("git_commit", String(64)),
)
Index("sync_events_by_source", _events.c.source, _events.c.id)
_deliveries = Table(
    "webhook_deliveries",
    _tables,
    Column("source", String(100), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
Index("webhook_deliveries_by_time", _deliveries.c.at)

_ADDED = (
    ("author", "TEXT"),
    ("summary", "TEXT"),
    ("cause", "VARCHAR(20)"),
    ("revisions", "TEXT"),
)

# What sources owned before is known from their flows and files; an empty blob is read again.
_OWNED = (
    """
    INSERT INTO sync_entries (source, kind, namespace, name, path, blob, digest)
    SELECT git_source, 'flow', namespace, id, git_path, '', source_hash FROM flows
    WHERE git_source IS NOT NULL AND is_latest AND NOT deleted
    """,
    """
    INSERT INTO sync_entries (source, kind, namespace, name, path, blob, digest)
    SELECT git_source, 'file', namespace, path, '', '', sha256 FROM namespace_files
    WHERE git_source IS NOT NULL
    """,
)


def apply(tx: Tx) -> None:
    _tables.create_all(tx)
    for name, kind in _ADDED:
        tx.execute(text(f"ALTER TABLE sync_runs ADD COLUMN {name} {kind}"))
    for statement in _OWNED:
        tx.execute(text(statement))
