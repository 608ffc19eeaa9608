"""The audit log of changes, secret reads and sign-ins.

A service calls `record` inside the transaction of its change, so that neither is there without
the other. What a change of the web API leaves unrecorded, the gate records after the answer.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from mainstem.clock import Clock
from mainstem.model.principal import PrincipalKind
from mainstem.services import access
from mainstem.store import audit as rows
from mainstem.store.audit import AuditFilter, AuditRecord
from mainstem.store.database import Database

__all__ = ["AuditFilter", "AuditRecord", "AuditService", "Outcome", "record"]

_PART: Final = 1_000
_LONGEST: Final = 1_000


class Outcome(StrEnum):
    DONE = "done"
    DENIED = "denied"
    FAILED = "failed"


def record(
    tx: Connection,
    action: str,
    resource: str,
    detail: Mapping[str, object] | None = None,
    *,
    namespace: str | None = None,
    outcome: Outcome = Outcome.DONE,
) -> None:
    """Note what the current caller does, within the transaction that does it.

    `detail` must never hold a secret, nor a value that a user stores.
    """
    found = access.caller()
    found.records += 1
    rows.add(
        tx,
        AuditRecord(
            at=datetime.now(UTC),
            principal_id=found.principal.id,
            principal=found.principal.name,
            kind=found.principal.kind.value,
            address=found.address,
            action=action,
            resource=resource[:_LONGEST],
            namespace=namespace,
            outcome=outcome.value,
            detail=detail,
        ),
    )


def of_request(
    tx: Connection,
    action: str,
    resource: str,
    namespace: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """As `record`, for what loops and flows do thousands of times by themselves as well."""
    if access.principal().kind is not PrincipalKind.SYSTEM:
        record(tx, action, resource, detail, namespace=namespace)


class AuditService:
    """Reads the log, and adds what no other transaction carries."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def note(
        self,
        action: str,
        resource: str,
        detail: Mapping[str, object] | None = None,
        *,
        namespace: str | None = None,
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        """Record in a transaction of its own: refusals, sign-ins, secret reads."""
        with self._database.write() as tx:
            record(tx, action, resource, detail, namespace=namespace, outcome=outcome)

    def search(
        self, wanted: AuditFilter, *, limit: int = 100, before: int | None = None
    ) -> list[AuditRecord]:
        """Newest first; go on with the number of the last one."""
        with self._database.read() as tx:
            return rows.search(tx, wanted, limit=limit, before=before)

    def actions(self) -> list[str]:
        with self._database.read() as tx:
            return rows.actions(tx)

    def export(self, wanted: AuditFilter) -> Iterator[AuditRecord]:
        """Every record, oldest first, read in parts."""
        number = 0
        while True:
            with self._database.read() as tx:
                part = rows.after(tx, wanted, number, _PART)
            yield from part
            if len(part) < _PART or part[-1].number is None:
                return
            number = part[-1].number


def plain(record: AuditRecord) -> dict[str, object]:
    """A record as JSON has it."""
    found: dict[str, object] = {
        "number": record.number,
        "at": record.at.isoformat().replace("+00:00", "Z"),
        "principal": record.principal,
        "principalId": record.principal_id,
        "kind": record.kind,
        "address": record.address,
        "action": record.action,
        "resource": record.resource,
        "namespace": record.namespace,
        "outcome": record.outcome,
        "detail": record.detail,
    }
    return {key: value for key, value in found.items() if value not in (None, "")}
