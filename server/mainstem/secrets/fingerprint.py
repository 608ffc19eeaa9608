"""Keeps servers with different keys off one database.

Each would seal what the other cannot open, and nobody would notice before a task fails. The
database holds the id of its key, which tells nothing of the key.
"""

from datetime import datetime

from mainstem.errors import Stalled
from mainstem.secrets.keys import KeySource
from mainstem.store import sealing_key
from mainstem.store.database import Database


def agree(database: Database, keys: KeySource, now: datetime, *, make: bool) -> None:
    """Note the key in force, or raise Stalled because this server's is another one.

    `make` has a missing key made for a database without one: where several servers may start
    together, the first decides.
    """
    with database.read() as tx:
        wanted = sealing_key.current(tx)
    held = keys.ids()
    if not held:
        if wanted is not None:
            raise Stalled(disagreement(keys, wanted))
        if not make:
            return
        keys.sealer()
        held = keys.ids()
    if wanted == held[0]:
        return
    with database.write() as tx:
        wanted = sealing_key.claim(tx, held[0], now)
        if wanted not in held:
            raise Stalled(disagreement(keys, wanted))
        if wanted != held[0]:
            # Its operator has put a new key before the one in force.
            sealing_key.replace(tx, held[0], now)


def adopt(database: Database, keys: KeySource, now: datetime) -> str:
    """Let the database go on with this server's key; what another one sealed stays closed."""
    active = keys.sealer().id
    with database.write() as tx:
        sealing_key.replace(tx, active, now)
    return active


def disagreement(keys: KeySource, wanted: str) -> str:
    held = keys.ids()
    mine = f"holds the key {held[0]}" if held else "holds no key"
    return (
        f"the secrets of this database are sealed by the key {wanted}, and {keys.place} {mine}: "
        "give this server the key of the others (their `master.key` by `secrets.key_file`, or "
        "`secrets.key_value`). If that key is lost, `mainstem secret adopt-key` goes on with this "
        "one, and what the lost one sealed must be stored anew"
    )
