"""PostgreSQL's way of writing many rows: one JSON parameter for each statement, and the statements
of a block in one exchange with the server.

A row costs one encoding here and no message of its own; a network costs its delay once for the
block instead of once for every statement.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Connection, Dialect, Float, Integer, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine

Values = Sequence[Any]
Refusal = Callable[[], Exception]
_AWAITED: Final = "mainstem_awaited"
# One parameter must stay far below what the server takes.
_ROWS: Final = 1_000


def is_apt(tx: Connection) -> bool:
    """Whether the transaction is one of PostgreSQL."""
    return tx.dialect.name == "postgresql"


@contextmanager
def exchange(tx: Connection) -> Iterator[None]:
    """Send what this module executes within the block together, and await it at its end.

    Only statements whose answers nobody reads belong in the block. Elsewhere it changes nothing.
    """
    if not is_apt(tx) or _AWAITED in tx.info:
        yield
        return
    driver: Any = tx.connection.driver_connection
    awaited: list[tuple[Any, int, Refusal]] = []
    info = tx.info  # a lost connection takes it away
    info[_AWAITED] = awaited
    try:
        with driver.pipeline():
            yield
    except tx.dialect.loaded_dbapi.Error as error:
        raise _known(tx, error) from error
    finally:
        info.pop(_AWAITED, None)
    for cursor, count, refusal in awaited:
        if cursor.rowcount != count:
            raise refusal()


def execute(
    tx: Connection, statement: str, values: Values, expected: tuple[int, Refusal] | None = None
) -> None:
    """Execute now or with the exchange at hand; another count of rows than expected is refused."""
    awaited: list[tuple[Any, int, Refusal]] | None = tx.info.get(_AWAITED)
    if awaited is None:
        found = tx.exec_driver_sql(statement, tuple(values))
        if expected is not None and found.rowcount != expected[0]:
            raise expected[1]()
        return
    driver: Any = tx.connection.driver_connection
    cursor = driver.cursor()
    cursor.execute(statement, values)
    if expected is not None:
        awaited.append((cursor, *expected))


def insert(
    tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Values], replace: bool
) -> None:
    statement = _insert(tx.dialect, table, columns, replace)
    for start in range(0, len(rows), _ROWS):
        execute(tx, statement, [_parameter(rows[start : start + _ROWS])])


def update(
    tx: Connection,
    table: Table,
    changed: tuple[str, ...],
    matched: tuple[str, ...],
    rows: Sequence[Values],
    refusal: Refusal | None,
) -> None:
    statement = _update(tx.dialect, table, changed, matched)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        execute(tx, statement, [_parameter(part)], (len(part), refusal) if refusal else None)


def delete(tx: Connection, table: Table, matched: tuple[str, ...], rows: Sequence[Values]) -> None:
    statement = _delete(tx.dialect, table, matched)
    for start in range(0, len(rows), _ROWS):
        execute(tx, statement, [_parameter(rows[start : start + _ROWS])])


def _parameter(rows: Sequence[Values]) -> str:
    """The rows as JSON; a NUL, which no text of PostgreSQL can hold, becomes U+FFFD."""
    text = _text(rows)
    if "\\u0000" in text:
        text = _text([[_without_nul(value) for value in row] for row in rows])
    return text


def _text(rows: Sequence[Values]) -> str:
    return json.dumps([dict(enumerate(row)) for row in rows], ensure_ascii=False)


def _without_nul(value: object) -> object:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


@cache
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...], replace: bool) -> str:
    names = [_name(dialect, table, column) for column in columns]
    text = (
        f"INSERT INTO {_table(dialect, table)} ({', '.join(names)}) "  # noqa: S608 - ours
        f"SELECT * FROM {_rows(table, columns)}"
    )
    if not replace:
        return text
    keys = [column.name for column in table.primary_key]
    rest = [_name(dialect, table, column) for column in columns if column not in keys]
    action = ", ".join(f"{name} = excluded.{name}" for name in rest)
    listed = ", ".join(_name(dialect, table, key) for key in keys)
    return f"{text} ON CONFLICT ({listed}) DO " + (f"UPDATE SET {action}" if rest else "NOTHING")


@cache
def _update(
    dialect: Dialect, table: Table, changed: tuple[str, ...], matched: tuple[str, ...]
) -> str:
    values = ", ".join(
        f'{_name(dialect, table, column)} = given."{number}"'
        for number, column in enumerate(changed)
    )
    return (
        f"UPDATE {_table(dialect, table)} AS t SET {values} "  # noqa: S608 - names of our tables
        f"FROM {_rows(table, (*changed, *matched))} "
        f"WHERE {_match(dialect, table, matched, len(changed))}"
    )


@cache
def _delete(dialect: Dialect, table: Table, matched: tuple[str, ...]) -> str:
    return (
        f"DELETE FROM {_table(dialect, table)} AS t "  # noqa: S608 - names of our tables
        f"USING {_rows(table, matched)} WHERE {_match(dialect, table, matched, 0)}"
    )


def _match(dialect: Dialect, table: Table, matched: tuple[str, ...], first: int) -> str:
    return " AND ".join(
        f't.{_name(dialect, table, column)} = given."{first + number}"'
        for number, column in enumerate(matched)
    )


def _rows(table: Table, columns: tuple[str, ...]) -> str:
    """The parameter as a table whose columns are called by their numbers, in the order given."""
    typed = ", ".join(
        f'"{number}" {_type(table.c[column].type)}' for number, column in enumerate(columns)
    )
    return f"json_to_recordset(%s::json) AS given({typed})"


def _type(column: TypeEngine[Any]) -> str:
    """The widest type of its family: what is too large is refused by the column, with its name."""
    plain = column.impl_instance if isinstance(column, TypeDecorator) else column
    if isinstance(plain, Boolean):
        return "boolean"
    if isinstance(plain, (BigInteger, Integer)):
        return "bigint"
    return "double precision" if isinstance(plain, Float) else "text"


def _table(dialect: Dialect, table: Table) -> str:
    return dialect.identifier_preparer.format_table(table)


def _name(dialect: Dialect, table: Table, column: str) -> str:
    return dialect.identifier_preparer.format_column(table.c[column])


def _known(tx: Connection, error: Exception) -> Exception:
    """The error as SQLAlchemy would have raised it; a lost connection leaves the pool."""
    driver: Any = tx.connection.dbapi_connection
    gone = tx.dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
    if gone:
        tx.invalidate(error)
    found = DBAPIError.instance(
        None, None, error, tx.dialect.loaded_dbapi.Error, hide_parameters=True,
        connection_invalidated=gone, dialect=tx.dialect,
    )  # fmt: skip
    assert isinstance(found, Exception)
    return found
