"""The pool of connections to PostgreSQL."""

import select
import time
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

# A server that vanished is noticed within half a minute, whatever waits for its answer.
_PATIENCE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_TRUSTED_SECONDS: Final = 30.0
_RETURNED: Final = "mainstem_returned"


def open_pool(address: URL, pool_size: int) -> Engine:
    """Connections are made as they are wanted; nothing is asked of the server yet."""
    engine = create_engine(
        address,
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,
        connect_args=_PATIENCE,
    )

    @event.listens_for(engine, "checkin")
    def returned(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def wanted(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Find out that a connection is dead without asking the server each time."""
        at: float | None = record.info.get(_RETURNED)
        if at is None or (time.monotonic() - at < _TRUSTED_SECONDS and _is_silent(connection)):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    return engine


def _is_silent(connection: Any) -> bool:
    """Whether nothing came while nobody asked: a server that goes away says so, or hangs up."""
    if connection.closed:
        return False
    watch = select.poll()
    watch.register(connection.fileno(), select.POLLIN)
    return not watch.poll(0)
