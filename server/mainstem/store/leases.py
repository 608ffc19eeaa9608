"""Leases: which process does what only one may do. The database's clock decides."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, case, or_, select, text, update

from mainstem.store import together
from mainstem.store.columns import from_micros
from mainstem.store.executions import upsert
from mainstem.store.tables_work import leases

_NOW: Final = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")


def moment(tx: Connection, fallback: datetime) -> datetime:
    """The time by the database, so that clocks of machines need not agree; SQLite has no other."""
    if tx.dialect.name != "postgresql":
        return fallback
    return from_micros(int(tx.execute(_NOW).scalar_one()))


def acquire(
    tx: Connection,
    names: Sequence[str],
    holder: str,
    instance: str,
    length: timedelta,
    now: datetime,
) -> dict[str, int]:
    """Take or renew leases; returns the epoch of those that the holder has now.

    Another process of the same instance is known to be dead. The epoch grows with every holder.
    """
    at = moment(tx, now)
    return {
        name: epoch
        for name in names
        if (epoch := _take(tx, name, holder, instance, at, at + length)) is not None
    }


def _take(
    tx: Connection, name: str, holder: str, instance: str, now: datetime, until: datetime
) -> int | None:
    mine = leases.c.holder == holder
    free = or_(mine, leases.c.instance == instance, leases.c.expires_at < now)
    statement = (
        update(leases)
        .where(leases.c.name == name, free)
        .values(
            holder=holder,
            instance=instance,
            epoch=case((mine, leases.c.epoch), else_=leases.c.epoch + 1),
            expires_at=until,
        )
        .returning(leases.c.epoch)
    )
    epoch: int | None = tx.execute(statement).scalar()
    if epoch is not None or tx.execute(select(leases.c.name).where(leases.c.name == name)).first():
        return epoch
    row = {"name": name, "holder": holder, "instance": instance, "epoch": 1, "expires_at": until}
    # Two servers may start on an empty database at the same moment.
    made = upsert(tx, leases).values(row).on_conflict_do_nothing().returning(leases.c.epoch)
    return 1 if tx.execute(made).first() is not None else None


def require(
    tx: Connection, name: str, holder: str, epoch: int, refusal: Callable[[], Exception]
) -> None:
    """Raises what `refusal` gives unless the lease is the holder's, and keeps it so until the
    transaction ends. In an exchange the answer comes with those of the other statements.
    """
    together.execute(tx, _HELD, [name, holder, epoch], (1, refusal))


_HELD: Final = "SELECT 1 FROM leases WHERE name = %s AND holder = %s AND epoch = %s FOR SHARE"


def release(tx: Connection, holder: str) -> None:
    """Let others take over at once."""
    tx.execute(
        update(leases)
        .where(leases.c.holder == holder)
        .values(holder="", instance="", expires_at=from_micros(0))
    )


def holders(tx: Connection, now: datetime) -> dict[str, str]:
    """The instance that holds each lease that has not run out."""
    query = select(leases.c.name, leases.c.instance).where(leases.c.expires_at >= moment(tx, now))
    return {str(row[0]): str(row[1]) for row in tx.execute(query).all()}
