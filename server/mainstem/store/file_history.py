"""Earlier versions of namespace files, and when nobody can want them any more."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, not_, or_, select

from mainstem.store.tables import executions
from mainstem.store.tables_namespaces import file_changes, namespace_file_revisions

_history = namespace_file_revisions
_h = _history.c


def count(tx: Connection, before: datetime) -> int:
    query = select(func.count()).select_from(_history).where(_replaced(tx, before))
    return tx.execute(query).scalar_one()


def remove(tx: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` versions replaced before that, and deletions that nothing precedes.

    What an execution that has not ended may still read stays.
    """
    query = select(_h.namespace, _h.path, _h.revision).where(_replaced(tx, before)).limit(limit)
    found = [tuple(row) for row in tx.execute(query)]
    for namespace, path, revision in found:
        place = (_h.namespace == namespace, _h.path == path, _h.revision == revision)
        tx.execute(delete(_history).where(*place))
    return len(found)


def remove_empty_changes(tx: Connection, before: datetime, limit: int) -> int:
    """Delete changes of which no version is left; the newest stays, for its number."""
    empty = (
        select(file_changes.c.id)
        .where(
            file_changes.c.at < before,
            file_changes.c.id < select(func.max(file_changes.c.id)).scalar_subquery(),
            not_(exists().where(_h.change_id == file_changes.c.id)),
        )
        .limit(limit)
    )
    return tx.execute(
        delete(file_changes).where(file_changes.c.id.in_(empty.scalar_subquery()))
    ).rowcount


def _replaced(tx: Connection, before: datetime) -> ColumnElement[bool]:
    """Versions that had a successor by then, seen from every execution that is open."""
    began = tx.execute(
        select(func.min(executions.c.created_at)).where(executions.c.closed.is_(False))
    ).scalar()
    if began is not None:
        before = min(before, began)
    last = tx.execute(select(func.max(file_changes.c.id)).where(file_changes.c.at < before))
    number = int(last.scalar() or 0)
    later, other = _history.alias("later"), _history.alias("other")
    newer = exists().where(
        later.c.namespace == _h.namespace,
        later.c.path == _h.path,
        later.c.revision > _h.revision,
        later.c.change_id <= number,
    )
    alone = not_(
        exists().where(
            other.c.namespace == _h.namespace,
            other.c.path == _h.path,
            other.c.revision != _h.revision,
        )
    )
    return and_(_h.change_id <= number, or_(newer, and_(_h.sha256.is_(None), alone)))
