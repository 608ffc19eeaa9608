"""Numbered migrations, forward only; each runs once, inside the caller's transaction."""

from datetime import UTC, datetime
from typing import Final, Protocol

from sqlalchemy import Connection, insert, inspect, select, text

from mainstem.errors import Stalled
from mainstem.store.migrations import (
    m0001_initial,
    m0002_task_cache,
    m0003_templates,
    m0010_git_sync,
    m0011_sync_requests,
    m0020_audit,
    m0021_users,
    m0030_namespaces,
    m0032_allowed_namespaces,
    m0040_operations,
    m0050_work,
    m0060_seeds,
    m0070_sealing_key,
    m0071_file_history,
)
from mainstem.store.tables import schema_versions


class Migration(Protocol):
    VERSION: int
    NAME: str

    def apply(self, tx: Connection) -> None: ...


MIGRATIONS: Final[tuple[Migration, ...]] = (
    m0001_initial,
    m0002_task_cache,
    m0003_templates,
    m0010_git_sync,
    m0011_sync_requests,
    m0020_audit,
    m0021_users,
    m0030_namespaces,
    m0032_allowed_namespaces,
    m0040_operations,
    m0050_work,
    m0060_seeds,
    m0070_sealing_key,
    m0071_file_history,
)
# Any number that nothing else in the database uses as a lock.
_LOCK: Final = 7_236_501


def upgrade(tx: Connection) -> list[str]:
    """Apply what is missing and return the names applied; several programs may try at once.

    Raises Stalled when the database is from a newer program.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    schema_versions.create(tx, checkfirst=True)
    done = _done(tx)
    applied = []
    for migration in MIGRATIONS:
        if migration.VERSION not in done:
            migration.apply(tx)
            row = {
                "version": migration.VERSION,
                "name": migration.NAME,
                "applied_at": datetime.now(UTC),
            }
            tx.execute(insert(schema_versions), [row])
            applied.append(migration.NAME)
    return applied


def missing(tx: Connection) -> list[str]:
    """Names of the migrations that this database lacks; changes nothing.

    Raises Stalled when the database is from a newer program.
    """
    known = inspect(tx).has_table(schema_versions.name)
    done = _done(tx) if known else set()
    return [migration.NAME for migration in MIGRATIONS if migration.VERSION not in done]


def _done(tx: Connection) -> set[int]:
    done: set[int] = set(tx.execute(select(schema_versions.c.version)).scalars())
    newest = MIGRATIONS[-1].VERSION
    if done and max(done) > newest:
        raise Stalled(
            f"the database has schema {max(done)}, this program knows {newest}: install the newer "
            "program again, or restore the backup made before the upgrade"
        )
    return done
