"""Which other namespaces' flows may reach into a namespace."""

from sqlalchemy import Connection, text

VERSION = 32
NAME = "allowed_namespaces"


def apply(tx: Connection) -> None:
    tx.execute(text("ALTER TABLE namespaces ADD COLUMN allowed_namespaces TEXT"))
