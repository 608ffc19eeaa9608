"""Files of namespaces: paths pointing at immutable content by its hash, and their history.

`namespace_files` says what is there now. Every transaction that changes files is one numbered
change; each file it touches gets a revision. An execution pins the number at its start, and so
reads the same files to its end, together with the changes it made itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    func,
    insert,
    or_,
    select,
    text,
)

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables import namespace_files
from mainstem.store.tables_namespaces import file_changes, namespace_file_revisions

_CHUNK: Final = 500
# Changes are numbered in the order in which they become visible: one at a time.
_PG_LOCK: Final = 7_301_001


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


@dataclass(frozen=True, slots=True)
class FileRevision:
    """One state of a path; without `sha256` it was deleted."""

    revision: int
    at: datetime
    sha256: str | None
    size: int
    author: str | None = None
    message: str | None = None
    execution_id: str | None = None
    git_commit: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeNote:
    """Who changes files, and why."""

    at: datetime
    author: str | None = None
    message: str | None = None
    execution_id: str | None = None
    git_source: str | None = None
    git_commit: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What an execution sees: changes up to `version`, and its own."""

    version: int
    execution_id: str


def put(tx: Connection, files: Sequence[StoredFile], note: ChangeNote) -> None:
    """Make files what these say; those whose content is another one get a revision."""
    if not files:
        return
    held = _digests(tx, [(file.namespace, file.path) for file in files])
    changed = [file for file in files if held.get((file.namespace, file.path)) != file.sha256]
    entries = [(file.namespace, file.path, file.sha256, file.size) for file in changed]
    _record(tx, entries, note)
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


def remove(tx: Connection, paths: Sequence[tuple[str, str]], note: ChangeNote) -> int:
    """Delete files given as (namespace, path); returns how many there were."""
    gone = []
    for namespace, path in paths:
        place = (namespace_files.c.namespace == namespace, namespace_files.c.path == path)
        if tx.execute(delete(namespace_files).where(*place)).rowcount:
            gone.append((namespace, path, None, 0))
    _record(tx, gone, note)
    return len(gone)


def latest_change(tx: Connection) -> int:
    """The number of the newest change, 0 before the first."""
    return int(tx.execute(select(func.max(file_changes.c.id))).scalar() or 0)


def get(tx: Connection, namespace: str, path: str, seen: Seen | None = None) -> StoredFile | None:
    if seen is None:
        query = select(namespace_files).where(
            namespace_files.c.namespace == namespace, namespace_files.c.path == path
        )
        row = tx.execute(query).mappings().first()
        return None if row is None else _from(row)
    found = _seen_of(tx, namespace, seen, namespace_file_revisions.c.path == path)
    return found[0] if found else None


def of_namespace(tx: Connection, namespace: str, seen: Seen | None = None) -> list[StoredFile]:
    """By path."""
    if seen is None or _is_current(tx, namespace, seen):
        query = (
            select(namespace_files)
            .where(namespace_files.c.namespace == namespace)
            .order_by(namespace_files.c.path)
        )
        return [_from(row) for row in tx.execute(query).mappings()]
    return _seen_of(tx, namespace, seen)


def around(tx: Connection, namespace: str, path: str) -> list[str]:
    """Paths of files at the path, above it, or below it; of those below, one."""
    column = namespace_files.c.path
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    inside = select(column).where(namespace_files.c.namespace == namespace)
    found: list[str] = list(tx.execute(inside.where(column.in_(above))).scalars())
    below = inside.where(column.startswith(f"{path}/", autoescape=True)).limit(1)
    return [*found, *tx.execute(below).scalars()]


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


def revisions(tx: Connection, namespace: str, path: str) -> list[FileRevision]:
    """Every state of a path, newest first."""
    history = namespace_file_revisions
    query = (
        select(history, file_changes)
        .join(file_changes, file_changes.c.id == history.c.change_id)
        .where(history.c.namespace == namespace, history.c.path == path)
        .order_by(history.c.revision.desc())
    )
    return [
        FileRevision(
            row["revision"],
            row["at"],
            row["sha256"],
            row["size"],
            row["author"],
            row["message"],
            row["execution_id"],
            row["git_commit"],
        )
        for row in tx.execute(query).mappings()
    ]


def _record(
    tx: Connection, entries: Sequence[tuple[str, str, str | None, int]], note: ChangeNote
) -> None:
    if not entries:
        return
    if tx.dialect.name == "postgresql":
        tx.execute(text(f"SELECT pg_advisory_xact_lock({_PG_LOCK})"))
    change: int = tx.execute(
        insert(file_changes)
        .values(
            at=note.at,
            author=note.author,
            message=note.message,
            execution_id=note.execution_id,
            git_source=note.git_source,
            git_commit=note.git_commit,
        )
        .returning(file_changes.c.id)
    ).scalar_one()
    newest = _newest(tx, [(namespace, path) for namespace, path, _, _ in entries])
    rows = [
        {
            "namespace": namespace,
            "path": path,
            "revision": newest.get((namespace, path), 0) + 1,
            "change_id": change,
            "sha256": sha256,
            "size": size,
        }
        for namespace, path, sha256, size in entries
    ]
    tx.execute(insert(namespace_file_revisions), rows)


def _newest(tx: Connection, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The highest revision of each path that has one."""
    history = namespace_file_revisions
    found: dict[tuple[str, str], int] = {}
    for namespace, paths in _chunks(places):
        query = (
            select(history.c.path, func.max(history.c.revision))
            .where(history.c.namespace == namespace, history.c.path.in_(paths))
            .group_by(history.c.path)
        )
        found.update({(namespace, row[0]): int(row[1]) for row in tx.execute(query).all()})
    return found


def _digests(tx: Connection, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    files = namespace_files
    found: dict[tuple[str, str], str] = {}
    for namespace, paths in _chunks(places):
        query = select(files.c.path, files.c.sha256).where(
            files.c.namespace == namespace, files.c.path.in_(paths)
        )
        found.update({(namespace, row[0]): str(row[1]) for row in tx.execute(query).all()})
    return found


def _chunks(places: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    by_namespace: dict[str, list[str]] = {}
    for namespace, path in places:
        by_namespace.setdefault(namespace, []).append(path)
    for namespace, paths in by_namespace.items():
        for start in range(0, len(paths), _CHUNK):
            yield namespace, paths[start : start + _CHUNK]


def _is_current(tx: Connection, namespace: str, seen: Seen) -> bool:
    history = namespace_file_revisions
    query = select(func.max(history.c.change_id)).where(history.c.namespace == namespace)
    return int(tx.execute(query).scalar() or 0) <= seen.version


def _seen_of(
    tx: Connection, namespace: str, seen: Seen, *where: ColumnElement[bool]
) -> list[StoredFile]:
    """Of each path the newest revision that is seen, unless it was deleted by that."""
    history = namespace_file_revisions
    own = select(file_changes.c.id).where(file_changes.c.execution_id == seen.execution_id)
    visible = or_(history.c.change_id <= seen.version, history.c.change_id.in_(own))
    newest = (
        select(history.c.path, func.max(history.c.revision).label("revision"))
        .where(history.c.namespace == namespace, visible, *where)
        .group_by(history.c.path)
        .subquery()
    )
    query = (
        select(history, file_changes)
        .join(newest, (newest.c.path == history.c.path) & (newest.c.revision == history.c.revision))
        .join(file_changes, file_changes.c.id == history.c.change_id)
        .where(history.c.namespace == namespace, history.c.sha256.is_not(None))
        .order_by(history.c.path)
    )
    return [
        StoredFile(
            row["namespace"],
            row["path"],
            row["sha256"],
            row["size"],
            row["at"],
            row["git_source"],
            row["git_commit"],
        )
        for row in tx.execute(query).mappings()
    ]


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
