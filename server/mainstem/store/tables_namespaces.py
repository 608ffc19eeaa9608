"""Tables of namespaces and of the history of their files."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from mainstem.store.columns import At, Json
from mainstem.store.tables import Serial, metadata

namespaces = Table(
    "namespaces",
    metadata,
    Column("id", String(150), primary_key=True),
    Column("description", Text),
    Column("variables", Json, nullable=False),
    Column("plugin_defaults", Json, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", At, nullable=False),
    Column("updated_at", At, nullable=False),
    Column("git_source", String(100)),
    Column("git_commit", String(64)),
    Column("allowed_namespaces", Json),
)

# One row for each transaction that changes files; its number is what executions pin.
file_changes = Table(
    "file_changes",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", At, nullable=False),
    Column("author", String(200)),
    Column("message", Text),
    Column("execution_id", String(32)),
    Column("git_source", String(100)),
    Column("git_commit", String(64)),
    sqlite_autoincrement=True,  # a number that is given twice would move what is pinned
)
Index("file_changes_by_execution", file_changes.c.execution_id)

namespace_file_revisions = Table(
    "namespace_file_revisions",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("path", String(1000), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("change_id", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("size", BigInteger, nullable=False),
)
# A change whose versions are all gone goes itself.
Index("file_revisions_of_change", namespace_file_revisions.c.change_id)
Index("file_revisions_by_change", namespace_file_revisions.c.namespace,
      namespace_file_revisions.c.change_id)  # fmt: skip

secret_reads = Table(
    "secret_reads",
    metadata,
    Column("execution_id", String(32), primary_key=True),
    Column("namespace", String(150), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("at", At, nullable=False),
)
