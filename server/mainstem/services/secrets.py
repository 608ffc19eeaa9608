"""Secrets as users see them: names, where they come from, and changes; never a value."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import Connection

from mainstem.bus.inprocess import SECRETS, Bus
from mainstem.clock import Clock
from mainstem.errors import InvalidInput, MainstemError, NotFound
from mainstem.model.execution import Execution, TaskRun
from mainstem.secrets.base import (
    LARGEST_SECRET,
    LocatedNote,
    SecretChain,
    SecretNote,
    check_secret_key,
)
from mainstem.secrets.mask import Masker
from mainstem.services import audit
from mainstem.services.audit import AuditService, Outcome
from mainstem.services.namespaces import checked_namespace
from mainstem.store import secrets as rows
from mainstem.store.database import Database

__all__ = ["LocatedNote", "SecretNote", "SecretReads", "SecretService"]

_log = logging.getLogger("mainstem.secrets")
_REMEMBERED: Final = 20_000
# Stands for the execution that a trigger has not made yet.
NOT_YET: Final = "trigger"
_Read = tuple[str, str, str, str]


class SecretService:
    """Lists, puts and deletes; each change is recorded."""

    def __init__(self, chain: SecretChain, database: Database, bus: Bus, log: AuditService) -> None:
        self._chain = chain
        self._database = database
        self._bus = bus
        self._audit = log

    @property
    def sources(self) -> list[str]:
        """Names of the sources, first asked first."""
        return self._chain.sources

    @property
    def writes_to(self) -> str | None:
        """The source that takes values, if one does."""
        return self._chain.writable.name if self._chain.writable else None

    def visible(self, namespace: str) -> tuple[list[LocatedNote], list[str]]:
        """What flows of the namespace may use, and faults of sources that do not answer."""
        return self._chain.listing(checked_namespace(namespace))

    def own(self, namespace: str) -> tuple[list[LocatedNote], list[str]]:
        """What is held for exactly this namespace."""
        found, faults = self.visible(namespace)
        return [i for i in found if i.namespace == namespace and not i.is_shared], faults

    def counts(self) -> dict[str, int]:
        """How many secrets the database holds for each namespace."""
        with self._database.read() as tx:
            return rows.counts(tx)

    def put(
        self,
        namespace: str,
        key: str,
        value: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Create or replace a secret. Raises Denied when no source may be written."""
        place = checked_namespace(namespace)
        check_secret_key(key)
        if not value:
            raise InvalidInput(f"secret `{key}` needs a value")
        if len(value.encode()) > LARGEST_SECRET:
            raise InvalidInput(f"secret `{key}` may hold {LARGEST_SECRET:,} bytes")
        source = self._chain.must_write()
        detail = {"source": source.name}
        try:
            source.put(place, key, value, description or None, tags)
        except MainstemError:
            self._note("secret.put", place, key, detail, Outcome.FAILED)
            raise
        self._note("secret.put", place, key, detail)
        self._bus.publish(SECRETS)

    def annotate(
        self, namespace: str, key: str, description: str | None, tags: Mapping[str, str]
    ) -> None:
        """Change what is told of a secret of the database; raises NotFound."""
        with self._database.write() as tx:
            if not rows.annotate(tx, namespace, key, description or None, tags):
                raise NotFound(f"namespace {namespace} has no secret `{key}` in the database")
            audit.record(tx, "secret.annotate", f"{namespace}/{key}", namespace=namespace)
        self._bus.publish(SECRETS)

    def delete(self, namespace: str, key: str) -> None:
        """Delete a secret of exactly this namespace; raises NotFound."""
        check_secret_key(key)
        source = self._chain.must_write()
        if not source.remove(checked_namespace(namespace), key):
            raise NotFound(f"namespace {namespace} has no secret `{key}` in {source.name}")
        self._note("secret.delete", namespace, key, {"source": source.name})
        self._bus.publish(SECRETS)

    def _note(
        self,
        action: str,
        namespace: str,
        key: str,
        detail: Mapping[str, object],
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        resource = f"{namespace}/{key}"
        self._audit.note(action, resource, detail, namespace=namespace, outcome=outcome)


class SecretReads:
    """Records which execution read which secret, once for each pair.

    A component: reads from within a transaction wait for its next round.
    """

    name = "secret reads"
    interval_seconds = 0.5
    wakes_on: tuple[str, ...] = ()

    def __init__(self, database: Database, chain: SecretChain, clock: Clock) -> None:
        self._database = database
        self._chain = chain
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[_Read, None] = OrderedDict()
        self._waiting: list[_Read] = []

    def note(self, execution: Execution, namespace: str, key: str, *, later: bool) -> None:
        """Remember a read; `later` where the caller may hold a transaction open."""
        place = (execution.id, str(execution.flow), namespace, key)
        with self._lock:
            if place in self._known:
                return
            self._known[place] = None
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            self._waiting.append(place)
        if not later:
            self.flush()

    def tick(self, now: datetime) -> None:
        del now
        self.flush()

    def flush(self) -> None:
        """Write what waits; on a failure it waits on."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        if not taken:
            return
        try:
            with self._database.write() as tx:
                now = self._clock.now()
                for place in taken:
                    self._record(tx, place, now)
        except BaseException:
            with self._lock:
                self._waiting[:0] = taken
            raise

    def _record(self, tx: Connection, place: _Read, now: datetime) -> None:
        execution_id, flow, namespace, key = place
        detail = {"flow": flow}
        if execution_id != NOT_YET:
            if not rows.note_read(tx, execution_id, namespace, key, now):
                return
            detail["execution"] = execution_id
        resource = f"{namespace}/{key}"
        audit.record(tx, "secret.read", resource, detail, namespace=namespace)

    def masker(self, execution_id: str) -> Masker:
        """Hides the secrets that the execution read, as far as they still have a value."""
        return self._maskers([execution_id]).get(execution_id, Masker())

    def starred(
        self, execution: Execution, runs: Sequence[TaskRun]
    ) -> tuple[Execution, list[TaskRun]]:
        """Both as they may be shown: secrets that the execution read are stars in its outputs."""
        masker = self._maskers([execution.id]).get(execution.id)
        if masker is None:
            return execution, list(runs)
        return _starred(execution, masker), [_starred(run, masker) for run in runs]

    def starred_lists(
        self, found: Sequence[Execution], runs: Mapping[str, Sequence[TaskRun]]
    ) -> tuple[list[Execution], dict[str, list[TaskRun]]]:
        """As `starred` for a page of executions, with their task runs by execution."""
        maskers = self._maskers([item.id for item in found])
        shown = [_starred(e, maskers[e.id]) if e.id in maskers else e for e in found]
        runs_shown = {
            name: [_starred(run, maskers[name]) for run in part] if name in maskers else list(part)
            for name, part in runs.items()
        }
        return shown, runs_shown

    def _maskers(self, execution_ids: Sequence[str]) -> dict[str, Masker]:
        """Those of executions that read secrets."""
        with self._database.read() as tx:
            read = rows.reads_of(tx, execution_ids)
        values: dict[tuple[str, str], str | None] = {}
        found: dict[str, Masker] = {}
        for execution_id, namespace, key in read:
            if (namespace, key) not in values:
                values[namespace, key] = self._value(namespace, key)
            value = values[namespace, key]
            masker = found.setdefault(execution_id, Masker())
            if value is not None:
                masker.add(value)
        return found

    def _value(self, namespace: str, key: str) -> str | None:
        try:
            return self._chain.get(namespace, key)
        except NotFound:
            return None
        except MainstemError as error:
            _log.warning("a secret cannot be hidden", extra={"reason": error.message})
            return None


Holder = TypeVar("Holder", Execution, TaskRun)


def _starred(item: Holder, masker: Masker) -> Holder:
    if not item.outputs:
        return item
    shown = {masker.mask(key): masker.mask_value(value) for key, value in item.outputs.items()}
    return replace(item, outputs=shown)
