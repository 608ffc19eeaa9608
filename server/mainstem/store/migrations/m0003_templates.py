"""Keep templates, whose tasks flows may take."""

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, Text

VERSION = 3
NAME = "templates"

_tables = MetaData()
Table(
    "templates",
    _tables,
    Column("namespace", String(150), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("source", Text, nullable=False),
    Column("description", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)


def apply(tx: Connection) -> None:
    _tables.create_all(tx)
