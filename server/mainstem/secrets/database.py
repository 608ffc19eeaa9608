"""Secrets sealed in the database."""

from collections.abc import Callable, Mapping

from mainstem.clock import Clock
from mainstem.secrets.base import SecretNote
from mainstem.secrets.seal import Sealer
from mainstem.store import secrets as rows
from mainstem.store.database import Database
from mainstem.store.secrets import SealedSecret


def context_of(namespace: str, key: str) -> str:
    """Binds a sealed value to its place: a row moved elsewhere does not open."""
    return f"{namespace}\x1f{key}"


class DatabaseSecrets:
    """Values are bound to their namespace and key."""

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
        return self._sealer().open(sealed, context_of(namespace, key)).decode()

    def names(self, namespace: str) -> list[str]:
        return [note.key for note in self.notes(namespace)]

    def notes(self, namespace: str) -> list[SecretNote]:
        with self._database.read() as tx:
            found = rows.notes(tx, namespace)
        return [SecretNote(n.key, n.description, n.tags, n.updated_at) for n in found]

    def put(
        self,
        namespace: str,
        key: str,
        value: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        sealer = self._sealer()
        sealed = sealer.seal(value.encode(), context_of(namespace, key))
        now = self._clock.now()
        item = SealedSecret(namespace, key, sealed, now, description, tags or {}, sealer.id)
        with self._database.write() as tx:
            rows.put(tx, item)

    def remove(self, namespace: str, key: str) -> bool:
        with self._database.write() as tx:
            return rows.remove(tx, namespace, key)
