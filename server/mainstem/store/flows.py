"""Flow revisions. The source text is the truth; every change makes a new revision."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.store.tables import executions, flows

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit and file that a revision came from."""

    source: str
    commit: str
    path: str
    author: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class FlowRevision:
    """One revision of a flow, as written."""

    flow: FlowId
    revision: int
    source: str
    created_at: datetime
    is_latest: bool = True
    deleted: bool = False
    disabled: bool = False
    description: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    origin: Origin | None = None

    @property
    def source_hash(self) -> str:
        return hash_source(self.source)


def hash_source(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def add_revisions(tx: Connection, added: Sequence[FlowRevision]) -> None:
    """Make these the latest revisions of their flows."""
    if not added:
        return
    for item in added:
        if item.revision != 1:
            former = update(flows).where(_is(item.flow), flows.c.is_latest)
            tx.execute(former.values(is_latest=False))
    tx.execute(insert(flows), [_row(item) for item in added])


def set_origin(tx: Connection, item: FlowRevision, origin: Origin) -> None:
    """Record that an unchanged revision is also that of another commit."""
    tx.execute(
        update(flows)
        .where(_is(item.flow), flows.c.revision == item.revision)
        .values(
            git_source=origin.source,
            git_commit=origin.commit,
            git_path=origin.path,
            git_author=origin.author,
            git_message=origin.message,
        )
    )


_POINTER = select(flows.c.revision, flows.c.deleted, flows.c.git_commit).where(
    flows.c.namespace == bindparam("namespace"), flows.c.id == bindparam("flow_id")
)
_POINTER_LATEST = _POINTER.where(flows.c.is_latest)
_POINTER_EXACT = _POINTER.where(flows.c.revision == bindparam("number"))


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which revision is meant, and the commit that it is of."""

    revision: int
    deleted: bool
    commit: str | None


def pointer(tx: Connection, flow: FlowId, number: int | None = None) -> Pointer | None:
    """Where a revision is, the current one for None; much cheaper than the revision itself."""
    given: dict[str, object] = {"namespace": flow.namespace, "flow_id": flow.id}
    if number is None:
        row = tx.execute(_POINTER_LATEST, given).first()
    else:
        row = tx.execute(_POINTER_EXACT, {**given, "number": number}).first()
    return None if row is None else Pointer(row[0], row[1], row[2])


def latest(tx: Connection, flow: FlowId) -> FlowRevision:
    """The current revision, a deleted one included; raises NotFound."""
    query = select(flows).where(_is(flow), flows.c.is_latest)
    return _one(tx, query, f"there is no flow {flow}")


def revision(tx: Connection, flow: FlowId, number: int) -> FlowRevision:
    """Raises NotFound."""
    query = select(flows).where(_is(flow), flows.c.revision == number)
    return _one(tx, query, f"flow {flow} has no revision {number}")


def revisions(tx: Connection, flow: FlowId) -> list[FlowRevision]:
    """All revisions, newest first."""
    query = select(flows).where(_is(flow)).order_by(flows.c.revision.desc())
    return [from_row(row) for row in tx.execute(query).mappings()]


def used_revisions(tx: Connection, flow: FlowId, numbers: Sequence[int]) -> list[int]:
    """Those of the revisions that an execution was made of."""
    e = executions.c
    query = (
        select(e.revision)
        .where(e.namespace == flow.namespace, e.flow_id == flow.id, e.revision.in_(numbers))
        .distinct()
        .order_by(e.revision)
    )
    return list(tx.execute(query).scalars())


def remove_revisions(tx: Connection, flow: FlowId, numbers: Sequence[int]) -> None:
    """Forget revisions; never the latest."""
    old = flows.c.revision.in_(numbers) & flows.c.is_latest.is_(False)
    tx.execute(delete(flows).where(_is(flow), old))


def all_latest(tx: Connection, *, namespace: str | None = None) -> list[FlowRevision]:
    """Current, not deleted flows; those of a namespace with its descendants if given."""
    query = select(flows).where(flows.c.is_latest, flows.c.deleted.is_(False))
    if namespace is not None:
        below = flows.c.namespace.startswith(f"{namespace}.", autoescape=True)
        query = query.where((flows.c.namespace == namespace) | below)
    rows = tx.execute(query.order_by(flows.c.namespace, flows.c.id)).mappings()
    return [from_row(row) for row in rows]


def search_source(tx: Connection, text: str, limit: int) -> list[FlowRevision]:
    """Current flows whose source contains `text`, letters of any case."""
    query = (
        select(flows)
        .where(flows.c.is_latest, flows.c.deleted.is_(False))
        .where(flows.c.source.icontains(text, autoescape=True))
        .order_by(flows.c.namespace, flows.c.id)
        .limit(limit)
    )
    return [from_row(row) for row in tx.execute(query).mappings()]


def namespaces(tx: Connection) -> dict[str, int]:
    """How many current flows each namespace has."""
    query = (
        select(flows.c.namespace, func.count())
        .where(flows.c.is_latest, flows.c.deleted.is_(False))
        .group_by(flows.c.namespace)
    )
    return {str(row[0]): int(row[1]) for row in tx.execute(query).all()}


def heads(tx: Connection, wanted: Iterable[FlowId]) -> dict[FlowId, FlowRevision]:
    """Latest revisions of those that exist, deleted ones included."""
    names = [(flow.namespace, flow.id) for flow in wanted]
    found = {}
    for start in range(0, len(names), _CHUNK):
        part = tuple_(flows.c.namespace, flows.c.id).in_(names[start : start + _CHUNK])
        for row in tx.execute(select(flows).where(flows.c.is_latest, part)).mappings():
            found[FlowId(row["namespace"], row["id"])] = from_row(row)
    return found


def _is(flow: FlowId) -> Any:
    return and_(flows.c.namespace == flow.namespace, flows.c.id == flow.id)


def _one(tx: Connection, query: Any, missing: str) -> FlowRevision:
    row = tx.execute(query).mappings().first()
    if row is None:
        raise NotFound(missing)
    return from_row(row)


def _row(item: FlowRevision) -> dict[str, Any]:
    origin = item.origin
    return {
        "namespace": item.flow.namespace,
        "id": item.flow.id,
        "revision": item.revision,
        "is_latest": item.is_latest,
        "deleted": item.deleted,
        "disabled": item.disabled,
        "description": item.description,
        "labels": item.labels,
        "source": item.source,
        "source_hash": item.source_hash,
        "created_at": item.created_at,
        "git_source": origin.source if origin else None,
        "git_commit": origin.commit if origin else None,
        "git_path": origin.path if origin else None,
        "git_author": origin.author if origin else None,
        "git_message": origin.message if origin else None,
    }


def from_row(row: RowMapping) -> FlowRevision:
    """The revision that a row holds."""
    origin = None
    if row["git_source"] is not None:
        origin = Origin(
            row["git_source"],
            row["git_commit"],
            row["git_path"],
            row["git_author"],
            row["git_message"],
        )
    return FlowRevision(
        flow=FlowId(row["namespace"], row["id"]),
        revision=row["revision"],
        source=row["source"],
        created_at=row["created_at"],
        is_latest=row["is_latest"],
        deleted=row["deleted"],
        disabled=row["disabled"],
        description=row["description"],
        labels=row["labels"] or {},
        origin=origin,
    )
