"""Sealing everything again by the active key, in batches that may be cut off anywhere."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from mainstem.errors import Conflict
from mainstem.secrets.database import context_of
from mainstem.secrets.keys import KeySource
from mainstem.secrets.seal import Sealer, sealed_by
from mainstem.store import git_sources, sealing_key
from mainstem.store import secrets as rows
from mainstem.store.database import Database
from mainstem.store.git_sources import StoredSource

BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    key_id: str
    resealed: int
    resumed: bool


def rotate(
    database: Database,
    keys: KeySource,
    *,
    batch: int = BATCH,
    after_batch: Callable[[int], None] = lambda _done: None,
) -> Rotation:
    """Make a new active key and seal every secret by it.

    Old keys stay, so that what is not yet sealed again still opens, here and in running servers.
    Where an earlier rotation was cut off, no new key is made: it is brought to its end.
    """
    sealer = keys.sealer()
    resumed = len(sealer.keys) > 1 and _has_others(database, sealer)
    if not resumed:
        sealer = keys.rotate()
    # The old key is among this server's and of those that run: they start again with either.
    with database.write() as tx:
        sealing_key.replace(tx, sealer.id, datetime.now(UTC))
    done = _sources(database, sealer)
    while part := _batch(database, sealer, batch):
        done += part
        after_batch(done)
    return Rotation(sealer.id, done, resumed)


def forget_old(database: Database, keys: KeySource) -> int:
    """Drop every key but the active one; raises Conflict while something needs them."""
    sealer = keys.sealer()
    if _has_others(database, sealer):
        raise Conflict("some secrets are sealed by an older key: run `rotate-key` to its end first")
    return keys.forget(sealer.id)


def _has_others(database: Database, sealer: Sealer) -> bool:
    with database.read() as tx:
        return bool(rows.sealed_by_others(tx, sealer.id, 1)) or bool(_old_sources(tx, sealer))


def _old_sources(tx: Connection, sealer: Sealer) -> list[StoredSource]:
    stored = git_sources.all_stored(tx)
    return [row for row in stored if row.sealed and sealed_by(row.sealed) != sealer.id]


def _sources(database: Database, sealer: Sealer) -> int:
    """Credentials of Git sources: a handful, so in one transaction."""
    with database.write() as tx:
        found = _old_sources(tx, sealer)
        for row in found:
            assert row.sealed is not None
            context = f"git-source\x1f{row.name}"
            sealed = sealer.seal(sealer.open(row.sealed, context), context)
            git_sources.put(tx, replace(row, sealed=sealed))
        return len(found)


def _batch(database: Database, sealer: Sealer, limit: int) -> int:
    """One transaction; what a server changed meanwhile is left to the next batch."""
    with database.write() as tx:
        found = rows.sealed_by_others(tx, sealer.id, limit)
        for item in found:
            context = context_of(item.namespace, item.key)
            plain = sealer.open(item.sealed, context)
            rows.reseal(tx, item, sealer.seal(plain, context), sealer.id)
        return len(found)
