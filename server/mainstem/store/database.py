"""Engines and transactions for SQLite and PostgreSQL."""

import importlib.util
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from mainstem.errors import Conflict, InvalidInput, Stalled, Transient
from mainstem.store.migrate import upgrade
from mainstem.store.postgres import open_pool
from mainstem.store.visibility import limit_queries

_log = logging.getLogger("mainstem.store")
T = TypeVar("T")

_SQLITE_SECONDS: Final = 30


class Database:
    """One database; `read()` and `write()` open transactions.

    SQLite allows one writer at a time: writers of this process queue on a lock instead of
    polling the file, and every write transaction begins IMMEDIATE.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        limit_queries(engine)
        self._shared = threading.local()
        self._write_lock = threading.Lock() if engine.dialect.name == "sqlite" else None

    @property
    def is_local(self) -> bool:
        """Whether reading a row takes microseconds and no network."""
        return self._write_lock is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction for reading one consistent snapshot. Raises Transient as `write` does."""
        shared: Connection | None = getattr(self._shared, "connection", None)
        if shared is not None:
            yield shared
            return
        with self._connection() as connection:
            if self._write_lock is not None:
                _begin(connection, "BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """For a single query: as `read`, but every statement sees a snapshot of its own.

        That saves PostgreSQL the beginning and the end of a transaction.
        """
        if self._write_lock is not None or getattr(self._shared, "connection", None) is not None:
            with self.read() as connection:
                yield connection
            return
        with self._connection() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have every `read` of this thread within the block see one and the same snapshot.

        What is written meanwhile is not seen: for blocks that only read.
        """
        with self.read() as connection:
            self._shared.connection = connection
            self._shared.found = {}
            try:
                yield
            finally:
                self._shared.connection = None

    def once(self, key: Hashable, query: Callable[[Connection], T]) -> T:
        """What a single query finds; within a snapshot it is asked once for each key."""
        if getattr(self._shared, "connection", None) is None:
            with self.glance() as tx:
                return query(tx)
        found: dict[Hashable, Any] = self._shared.found
        if key not in found:
            found[key] = query(self._shared.connection)
        answer: T = found[key]
        return answer

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction for writing; commits when the block ends well.

        Raises Transient when the database goes away or cannot write.
        """
        if self._write_lock is None:
            with self._connection() as connection, connection.begin():
                yield connection
            return
        with self._write_lock, self._connection() as connection:
            _begin(connection, "BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    def ping(self) -> None:
        """Raises Transient when the database does not answer."""
        with self.read() as tx:
            tx.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """What is not committed when the block ends is rolled back."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except OperationalError as error:
            raise Transient(_reason(error)) from error
        except DataError as error:
            raise InvalidInput(_fault(error)) from error
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != _UNIQUE:
                raise
            raise Conflict("somebody else made the same thing at the same moment") from error
        except sqlite3.OperationalError as error:
            raise Transient(f"the database does not answer: {error}") from error


# What PostgreSQL ends for the sake of others, and what can be tried again as it was.
_ENDED: Final = {
    "40001": "another transaction changed the same rows first: try again",
    "40P01": "two transactions waited for each other and one was ended: try again",
    "57014": "the query took longer than the database allows (statement_timeout): try again, "
    "or ask for less",
    "25P03": "the transaction was idle for longer than the database allows",
    "53300": "the database has no connection left: lower database.pool_size, or raise its "
    "max_connections",
}
# SQLite lets one writer in at a time, so there it can only be a mistake of ours.
_UNIQUE: Final = "23505"
_FAULTS: Final = {
    "22001": "a text is longer than its column",
    "22003": "a number is larger than the database can hold",
    "22021": "a text is no UTF-8",
}


def _reason(error: OperationalError) -> str:
    known = _ENDED.get(getattr(error.orig, "sqlstate", None) or "")
    return known or f"the database does not answer: {error.orig}"


def _fault(error: DataError) -> str:
    """Never the database's own words: they may quote a value."""
    known = _FAULTS.get(getattr(error.orig, "sqlstate", None) or "")
    if known is None and "NUL" in str(error.orig):
        known = "a text holds a NUL character, which PostgreSQL cannot store"
    return known or "the database cannot take a value of this kind"


def _begin(connection: Connection, statement: str) -> None:
    """Begin by the driver itself: as a statement of SQLAlchemy it would cost as much as a query."""
    connection.begin()
    connection.connection.driver_connection.execute(statement)  # type: ignore[union-attr]


def open_database(url: str, pool_size: int = 16) -> Database:
    """Open the database at `url`, bringing its schema up to date.

    Raises Transient when it does not answer.
    """
    database = connect(url, pool_size)
    try:
        with database.write() as tx:
            upgrade(tx)
    except BaseException:
        database.close()
        raise
    return database


def wait_for(url: str, seconds: float, ending: threading.Event) -> None:
    """Return once PostgreSQL at `url` answers; says every time why it has to wait.

    Raises Transient after `seconds`, or at once when `ending` is set or for a SQLite file.
    """
    database = connect(url, 2)
    waits = database.engine.dialect.name == "postgresql"
    deadline = time.monotonic() + seconds
    pause = 0.5
    try:
        while True:
            try:
                return database.ping()
            except Transient as error:
                if not waits or time.monotonic() + pause > deadline or ending.is_set():
                    raise
                reason = error.message.partition("\n")[0]
                _log.warning("waiting for the database", extra={"reason": reason, "next": pause})
            ending.wait(pause)
            pause = min(pause * 2, 10.0)
    finally:
        database.close()


def connect(url: str, pool_size: int = 16) -> Database:
    """The database at `url` as it is; nothing is asked of it yet."""
    parsed = _url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite(url, parsed.database)
    else:
        if importlib.util.find_spec("psycopg") is None:
            raise Stalled("the driver of PostgreSQL is missing: install mainstem[postgres]")
        engine = open_pool(parsed, pool_size)
    return Database(engine)


def driver_url(url: str) -> str:
    """The address as the driver of PostgreSQL itself wants it, with its password."""
    return _url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _url(url: str) -> URL:
    """Raises InvalidInput for what is no address of a database; never shows it."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidInput(
            "database.url must look like postgresql://user:password@host:5432/name"
        ) from error
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _sqlite(url: str, file: str | None) -> Engine:
    in_memory = file in (None, "", ":memory:")
    if not in_memory:
        Path(str(file)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=StaticPool if in_memory else QueuePool,
        connect_args={"check_same_thread": False, "timeout": _SQLITE_SECONDS},
        hide_parameters=True,  # they hold what users store, and errors are logged
        **({} if in_memory else {"pool_size": 16, "max_overflow": 32}),
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        _write_ahead(connection)
        for pragma in (
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "cache_size=-32000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _write_ahead(connection: Any) -> None:
    """Switch to the write-ahead log.

    Where another process does the same, SQLite refuses at once, whatever its timeout is.
    """
    deadline = time.monotonic() + _SQLITE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)  # noqa: TID251 - another process gives no signal
