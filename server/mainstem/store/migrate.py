"""Numbered migrations, forward only; each runs once, inside the caller's transaction."""

from datetime import UTC, datetime
from typing import Final, Protocol

from sqlalchemy import Connection, insert, select

from mainstem.errors import Stalled
from mainstem.store.migrations import (
    m0001_initial,
    m0020_audit,
    m0030_namespaces,
    m0060_seeds,
)
from mainstem.store.tables import schema_versions


class Migration(Protocol):
    VERSION: int
    NAME: str

    def apply(self, tx: Connection) -> None: ...


MIGRATIONS: Final[tuple[Migration, ...]] = (
    m0001_initial,
    m0020_audit,
    m0030_namespaces,
    m0060_seeds,
)


def upgrade(tx: Connection) -> list[str]:
    """Apply what is missing and return the names applied.

    Raises Stalled when the database is from a newer program.
    """
    schema_versions.create(tx, checkfirst=True)
    done: set[int] = set(tx.execute(select(schema_versions.c.version)).scalars())
    newest = MIGRATIONS[-1].VERSION
    if done and max(done) > newest:
        raise Stalled(
            f"the database has schema {max(done)}, this program knows {newest}: install the newer "
            "program again, or restore the backup made before the upgrade"
        )
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
