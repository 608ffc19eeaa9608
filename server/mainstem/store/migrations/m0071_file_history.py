"""Find the versions of one change of files, to delete changes that have none left."""

from sqlalchemy import Connection, text

VERSION = 71
NAME = "file_history"


def apply(tx: Connection) -> None:
    tx.execute(
        text("CREATE INDEX file_revisions_of_change ON namespace_file_revisions (change_id)")
    )
