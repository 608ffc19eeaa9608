"""Rows for every table of any schema, made up from the columns' own types."""

from sqlalchemy import Boolean, Connection, Float, Integer, LargeBinary, Table, insert

from mainstem.store import transfer

ROWS = 3


def fill(tx: Connection) -> dict[str, int]:
    """Put rows into every table; returns how many there are in each."""
    for table in transfer.tables_of(tx):
        tx.execute(insert(table), [_row(table, number) for number in range(1, ROWS + 1)])
    transfer.finish(tx, transfer.tables_of(tx))
    return {table.name: ROWS for table in transfer.tables_of(tx)}


def _row(table: Table, number: int) -> dict[str, object]:
    return {column.name: _value(column.type, column.name, number) for column in table.columns}


def _value(kind: object, name: str, number: int) -> object:
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Float):
        return number / 3
    if isinstance(kind, Integer):
        return number * 1_000_003
    if isinstance(kind, LargeBinary):
        return bytes([0, number, 255])
    if getattr(kind, "length", None) is not None:
        return f"{name[:6]}ä{number}"
    return f'{{"{name}": "ä{number}\\n😀"}}'
