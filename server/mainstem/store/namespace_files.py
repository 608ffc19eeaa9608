"""Files of namespaces: paths pointing at immutable content by its hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, select

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables import namespace_files


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One path of a namespace; the content is the blob named by `sha256`."""

    namespace: str
    path: str
    sha256: str
    size: int
    updated_at: datetime
    git_source: str | None = None
    git_commit: str | None = None


def put(tx: Connection, files: Sequence[StoredFile]) -> None:
    """Insert or replace pointers."""
    rows = [
        {
            "namespace": file.namespace,
            "path": file.path,
            "sha256": file.sha256,
            "size": file.size,
            "updated_at": file.updated_at,
            "git_source": file.git_source,
            "git_commit": file.git_commit,
        }
        for file in files
    ]
    insert_or_replace(tx, namespace_files, rows)


def get(tx: Connection, namespace: str, path: str) -> StoredFile | None:
    query = select(namespace_files).where(
        namespace_files.c.namespace == namespace, namespace_files.c.path == path
    )
    row = tx.execute(query).mappings().first()
    return None if row is None else _from(row)


def of_namespace(tx: Connection, namespace: str) -> list[StoredFile]:
    """By path."""
    query = (
        select(namespace_files)
        .where(namespace_files.c.namespace == namespace)
        .order_by(namespace_files.c.path)
    )
    return [_from(row) for row in tx.execute(query).mappings()]


def everything(tx: Connection) -> list[StoredFile]:
    """Files of all namespaces."""
    return [_from(row) for row in tx.execute(select(namespace_files)).mappings()]


def of_source(tx: Connection, git_source: str) -> list[StoredFile]:
    """Files that a Git source owns."""
    query = select(namespace_files).where(namespace_files.c.git_source == git_source)
    return [_from(row) for row in tx.execute(query).mappings()]


def counts(tx: Connection) -> dict[str, int]:
    """How many files each namespace has."""
    column = namespace_files.c.namespace
    query = select(column, func.count()).group_by(column)
    return {str(row[0]): int(row[1]) for row in tx.execute(query).all()}


def remove(tx: Connection, namespace: str, paths: Sequence[str]) -> int:
    done = 0
    for path in paths:
        done += tx.execute(
            delete(namespace_files).where(
                namespace_files.c.namespace == namespace, namespace_files.c.path == path
            )
        ).rowcount
    return done


def _from(row: RowMapping) -> StoredFile:
    return StoredFile(
        row["namespace"],
        row["path"],
        row["sha256"],
        row["size"],
        row["updated_at"],
        row["git_source"],
        row["git_commit"],
    )
