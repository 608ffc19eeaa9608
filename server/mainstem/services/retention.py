"""Deletes what has been kept long enough, as the settings say."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mainstem.clock import Clock
from mainstem.services import audit
from mainstem.settings import RetentionRule, RetentionSettings
from mainstem.storage.base import Storage
from mainstem.storage.uri import execution_prefix
from mainstem.store import executions as rows
from mainstem.store import file_history, purge
from mainstem.store.database import Database
from mainstem.store.purge import Cursor, Rule

_log = logging.getLogger("mainstem.retention")

_LINES: Final = 5_000
#: What belongs to an execution may be written before the execution is.
_SETTLED: Final = timedelta(days=1)
_Count = Callable[[Connection, datetime], int]
_Remove = Callable[[Connection, datetime, int], int]


@dataclass(slots=True)
class Purged:
    """What was deleted, or would be."""

    executions: int = 0
    files: int = 0
    log_lines: int = 0
    evaluations: int = 0
    file_versions: int = 0
    audit_records: int = 0


class RetentionService:
    """Every deletion is a short transaction of its own; a purge can stop and go on anywhere."""

    name = "retention"
    wakes_on: tuple[str, ...] = ()

    def __init__(
        self, database: Database, storage: Storage, settings: RetentionSettings, clock: Clock
    ) -> None:
        self._database = database
        self._storage = storage
        self._settings = settings
        self._clock = clock
        self._stopping = False
        self._due_at: datetime | None = None

    @property
    def is_wanted(self) -> bool:
        settings = self._settings
        ages = (
            settings.log_days,
            settings.evaluation_days,
            settings.file_version_days,
            settings.audit_days,
        )
        return bool(settings.rules) or any(days is not None for days in ages)

    @property
    def interval_seconds(self) -> float:
        return min(self._settings.interval_seconds, 60.0)

    def tick(self, now: datetime) -> None:
        """The first purge comes an interval after the start: a start has better things to do."""
        interval = timedelta(seconds=self._settings.interval_seconds)
        if self._due_at is None:
            self._due_at = now + interval
        if now < self._due_at:
            return
        self._due_at = now + interval
        done = self.purge()
        if any(asdict(done).values()):
            _log.info("purged", extra=asdict(done))

    def stop(self) -> None:
        """End after the part at hand."""
        self._stopping = True

    def purge(self, *, dry_run: bool = False) -> Purged:
        """Delete what is due, or only count it."""
        done = Purged()
        now = self._clock.now()
        for rule in effective(self._settings.rules, now):
            if dry_run:
                with self._database.read() as tx:
                    done.executions += purge.count_expired(tx, rule)
            else:
                self._purge_executions(rule, done)
        self._purge_rest(now, done, dry_run=dry_run)
        return done

    def _purge_executions(self, rule: Rule, done: Purged) -> None:
        cursor: Cursor | None = None
        while not self._stopping:
            with self._database.read() as tx:
                found = purge.expired(tx, rule, self._settings.batch, cursor)
            if not found:
                return
            # Files first: a purge that is cut off here finds the rows again.
            for item in found:
                prefix = execution_prefix(item.flow, item.id)
                done.files += len(self._storage.delete_below(prefix))
            with self._database.write() as tx:
                done.executions += rows.remove(tx, [item.id for item in found])
            cursor = (found[-1].created_at, found[-1].id)

    def _purge_rest(self, now: datetime, done: Purged, *, dry_run: bool) -> None:
        settings = self._settings

        def each(days: float | None, count: _Count, remove: _Remove) -> int:
            if days is None:
                return 0
            before = now - timedelta(days=days)
            if dry_run:
                with self._database.read() as tx:
                    return count(tx, before)
            return self._each(remove, before)

        done.log_lines = each(settings.log_days, purge.count_lines, purge.remove_lines)
        done.evaluations = each(
            settings.evaluation_days, purge.count_evaluations, purge.remove_evaluations
        )
        done.file_versions = each(
            settings.file_version_days, file_history.count, file_history.remove
        )
        done.audit_records = each(settings.audit_days, purge.count_audit, purge.remove_audit)
        if done.audit_records and not dry_run:
            with self._database.write() as tx:
                audit.record(tx, "audit.purge", "audit", {"records": done.audit_records})
        if not dry_run:
            self._each(purge.remove_lost_reads, now - _SETTLED)
            if settings.file_version_days is not None:
                self._each(file_history.remove_empty_changes, now - _SETTLED)

    def _each(self, remove: _Remove, before: datetime) -> int:
        total = 0
        while not self._stopping:
            with self._database.write() as tx:
                removed = remove(tx, before, _LINES)
            total += removed
            if removed < _LINES:
                break
        return total


def effective(rules: Sequence[RetentionRule], now: datetime) -> list[Rule]:
    """The rules with what more specific ones take from each: a longer namespace, then states."""

    def weight(rule: RetentionRule) -> tuple[int, bool]:
        return (len(rule.namespace.split(".")) if rule.namespace else 0, bool(rule.states))

    ordered = sorted(rules, key=weight, reverse=True)
    found: list[Rule] = []
    for rule in ordered:
        before = now - timedelta(days=rule.days)
        stronger = [other for other in found if not _same_weight(other, rule)]
        found.append(Rule(rule.namespace, sorted(rule.states), before, tuple(stronger)))
    return found


def _same_weight(other: Rule, rule: RetentionRule) -> bool:
    """Rules of equal rank do not hide each other: whichever is due first deletes."""
    return (other.namespace, bool(other.states)) == (rule.namespace, bool(rule.states))
