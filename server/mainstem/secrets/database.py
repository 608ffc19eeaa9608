"""Secrets sealed in the database."""

from collections.abc import Callable

from mainstem.clock import Clock
from mainstem.secrets.seal import Sealer
from mainstem.store import secrets as rows
from mainstem.store.database import Database


class DatabaseSecrets:
    """Values are bound to their namespace and key, so a row moved elsewhere does not open."""

    name = "database"

    def __init__(self, database: Database, sealer: Callable[[], Sealer], clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock

    def find(self, namespace: str, key: str) -> str | None:
        with self._database.read() as tx:
            sealed = rows.get(tx, namespace, key)
        if sealed is None:
            return None
        return self._sealer().open(sealed, f"{namespace}\x1f{key}").decode()

    def names(self, namespace: str) -> list[str]:
        with self._database.read() as tx:
            return rows.names(tx, namespace)

    def put(self, namespace: str, key: str, value: str, description: str | None = None) -> None:
        sealed = self._sealer().seal(value.encode(), f"{namespace}\x1f{key}")
        with self._database.write() as tx:
            rows.put(tx, namespace, key, sealed, description, self._clock.now())

    def remove(self, namespace: str, key: str) -> bool:
        with self._database.write() as tx:
            return rows.remove(tx, namespace, key)
