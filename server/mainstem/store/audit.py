"""The audit log: records are added and read, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select

from mainstem.store.tables_audit import audit

_a = audit.c


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who did what to which thing, from where, and what came of it."""

    at: datetime
    principal_id: str
    principal: str
    kind: str
    address: str
    action: str
    resource: str
    namespace: str | None
    outcome: str
    detail: Mapping[str, object] | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """All given parts must hold; `text` is found in names, actions and resources."""

    principal: str | None = None
    action: str | None = None
    outcome: str | None = None
    namespace: str | None = None
    text: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def add(tx: Connection, record: AuditRecord) -> None:
    row = {
        "at": record.at,
        "principal_id": record.principal_id,
        "principal": record.principal,
        "kind": record.kind,
        "address": record.address,
        "action": record.action,
        "resource": record.resource,
        "namespace": record.namespace,
        "outcome": record.outcome,
        "detail": dict(record.detail) if record.detail else None,
    }
    tx.execute(insert(audit), [row])


def search(
    tx: Connection, wanted: AuditFilter, *, limit: int, before: int | None = None
) -> list[AuditRecord]:
    """Newest first; `before` is the number of the last record of the part before."""
    query = select(audit).where(*_conditions(wanted)).order_by(_a.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_a.id < before)
    return [_from(row) for row in tx.execute(query).mappings()]


def after(tx: Connection, wanted: AuditFilter, number: int, limit: int) -> list[AuditRecord]:
    """Oldest first, beyond a number: for exports in parts."""
    query = select(audit).where(_a.id > number, *_conditions(wanted)).order_by(_a.id).limit(limit)
    return [_from(row) for row in tx.execute(query).mappings()]


def actions(tx: Connection) -> list[str]:
    """The actions that occur."""
    return list(tx.execute(select(_a.action).distinct().order_by(_a.action)).scalars())


def purge(tx: Connection, before: datetime) -> int:
    return tx.execute(delete(audit).where(_a.at < before)).rowcount


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (_a.principal, wanted.principal),
        (_a.action, wanted.action),
        (_a.outcome, wanted.outcome),
    ):
        if value:
            found.append(column == value)
    if wanted.namespace:
        below = _a.namespace.startswith(f"{wanted.namespace}.", autoescape=True)
        found.append((_a.namespace == wanted.namespace) | below)
    if wanted.text:
        part = wanted.text.strip()
        found.append(
            _a.resource.icontains(part, autoescape=True)
            | _a.principal.icontains(part, autoescape=True)
            | _a.action.icontains(part, autoescape=True)
        )
    if wanted.start is not None:
        found.append(_a.at >= wanted.start)
    if wanted.end is not None:
        found.append(_a.at < wanted.end)
    return found


def _from(row: RowMapping) -> AuditRecord:
    return AuditRecord(
        at=row["at"],
        principal_id=row["principal_id"],
        principal=row["principal"],
        kind=row["kind"],
        address=row["address"],
        action=row["action"],
        resource=row["resource"],
        namespace=row["namespace"],
        outcome=row["outcome"],
        detail=row["detail"],
        number=row["id"],
    )
