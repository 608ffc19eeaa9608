"""Which values of the settings were planted, and how they looked."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables_seeds import seeds


def planted(tx: Connection) -> dict[tuple[str, str], str]:
    """The digest of what was planted last, by namespace and key."""
    return {(row.namespace, row.key): row.digest for row in tx.execute(select(seeds))}


def remember(tx: Connection, digests: Mapping[tuple[str, str], str], at: datetime) -> None:
    rows = [
        {"namespace": namespace, "key": key, "digest": digest, "seeded_at": at}
        for (namespace, key), digest in digests.items()
    ]
    insert_or_replace(tx, seeds, rows)
