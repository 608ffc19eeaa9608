"""Namespaces with properties, the history of their files, and keys of sealed secrets by name."""

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
    text,
)

VERSION = 30
NAME = "namespaces"

_metadata = MetaData()
_Serial = BigInteger().with_variant(Integer(), "sqlite")

Table(
    "namespaces",
    _metadata,
    Column("id", String(150), primary_key=True),
    Column("description", Text),
    Column("variables", Text, nullable=False),
    Column("plugin_defaults", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("git_source", String(100)),
    Column("git_commit", String(64)),
)
_changes = Table(
    "file_changes",
    _metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("author", String(200)),
    Column("message", Text),
    Column("execution_id", String(32)),
    Column("git_source", String(100)),
    Column("git_commit", String(64)),
    sqlite_autoincrement=True,
)
Index("file_changes_by_execution", _changes.c.execution_id)
_revisions = Table(
    "namespace_file_revisions",
    _metadata,
    Column("namespace", String(150), primary_key=True),
    Column("path", String(1000), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("change_id", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("size", BigInteger, nullable=False),
)
Index("file_revisions_by_change", _revisions.c.namespace, _revisions.c.change_id)
Table(
    "secret_reads",
    _metadata,
    Column("execution_id", String(32), primary_key=True),
    Column("namespace", String(150), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# What is there already becomes the first revision of each file, one change per commit.
_HISTORY = (
    "INSERT INTO file_changes (at, message, git_source, git_commit) "
    "SELECT max(updated_at), 'before history was kept', git_source, git_commit "
    "FROM namespace_files GROUP BY git_source, git_commit",
    "INSERT INTO namespace_file_revisions (namespace, path, revision, change_id, sha256, size) "
    "SELECT f.namespace, f.path, 1, c.id, f.sha256, f.size FROM namespace_files f "
    "JOIN file_changes c ON coalesce(c.git_source, '') = coalesce(f.git_source, '') "
    "AND coalesce(c.git_commit, '') = coalesce(f.git_commit, '')",
)


def apply(tx: Connection) -> None:
    _metadata.create_all(tx)
    for column in ("tags TEXT", "key_id VARCHAR(16)"):
        tx.execute(text(f"ALTER TABLE secrets ADD COLUMN {column}"))
    for statement in _HISTORY:
        tx.execute(text(statement))
