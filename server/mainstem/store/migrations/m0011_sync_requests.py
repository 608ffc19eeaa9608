"""Wishes for a sync outlive the process that took them, and reach the one that syncs."""

from sqlalchemy import Connection, text

VERSION = 11
NAME = "sync_requests"


def apply(tx: Connection) -> None:
    tx.execute(text("ALTER TABLE sync_controls ADD COLUMN asked VARCHAR(20)"))
