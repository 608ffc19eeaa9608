"""The id of the key that seals what this database holds."""

from datetime import datetime

from sqlalchemy import Connection, select

from mainstem.store.executions import insert_or_replace, upsert
from mainstem.store.tables_keys import sealing_key

_ONLY = 1


def claim(tx: Connection, key_id: str, at: datetime) -> str:
    """The id in force: this one where there was none; of several at once the first holds."""
    row = {"id": _ONLY, "key_id": key_id, "noted_at": at}
    tx.execute(upsert(tx, sealing_key).on_conflict_do_nothing(index_elements=["id"]), [row])
    return tx.execute(select(sealing_key.c.key_id)).scalar_one()


def current(tx: Connection) -> str | None:
    return tx.execute(select(sealing_key.c.key_id)).scalar_one_or_none()


def replace(tx: Connection, key_id: str, at: datetime) -> None:
    insert_or_replace(tx, sealing_key, [{"id": _ONLY, "key_id": key_id, "noted_at": at}])
