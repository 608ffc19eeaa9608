"""What is known of Git sources: status, conditions, events, and the history of their syncs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables import sync_runs, sync_sources
from mainstem.store.tables_gitsync import sync_conditions, sync_events


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source as the agent saw it last.

    `state` is READY, INVALID (the newest commit has problems, the good one stays), FAILED (the
    repository cannot be reached; tried again) or STALLED (needs a human). `good_commit` is live.
    """

    name: str
    url: str
    branch: str
    state: str = "NEW"
    message: str | None = None
    good_commit: str | None = None
    seen_commit: str | None = None
    author: str | None = None
    summary: str | None = None
    committed_at: datetime | None = None
    checked_at: datetime | None = None
    synced_at: datetime | None = None
    changed_at: datetime | None = None
    problems: Sequence[Mapping[str, Any]] = ()
    failures: int = 0


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One commit that was looked at; `changes` lists names by create, update, delete."""

    source: str
    commit: str
    at: datetime
    seconds: float
    state: str
    changes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()
    id: int = 0
    author: str | None = None
    summary: str | None = None
    cause: str | None = None
    revisions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """One claim about a source, since when it holds or does not, and why."""

    kind: str
    status: bool
    since: datetime
    reason: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class SyncEvent:
    """Something that changed about a source."""

    source: str
    at: datetime
    kind: str
    message: str
    commit: str | None = None
    id: int = 0


_COLUMNS = tuple(SourceStatus.__dataclass_fields__)


def get(tx: Connection, name: str) -> SourceStatus | None:
    query = select(sync_sources).where(sync_sources.c.name == name)
    row = tx.execute(query).mappings().first()
    return None if row is None else SourceStatus(**{name: row[name] for name in _COLUMNS})


def all_sources(tx: Connection) -> list[SourceStatus]:
    """By name."""
    rows = tx.execute(select(sync_sources).order_by(sync_sources.c.name)).mappings()
    return [SourceStatus(**{name: row[name] for name in _COLUMNS}) for row in rows]


def put(tx: Connection, status: SourceStatus) -> None:
    row = {name: getattr(status, name) for name in _COLUMNS}
    insert_or_replace(tx, sync_sources, [row])


def forget(tx: Connection, keep: Sequence[str]) -> None:
    """Drop the status of sources that are no longer configured."""
    tx.execute(delete(sync_sources).where(sync_sources.c.name.not_in(list(keep))))


def remove(tx: Connection, name: str) -> None:
    """Forget a source: status, conditions, history and events."""
    tx.execute(delete(sync_sources).where(sync_sources.c.name == name))
    for table in (sync_runs, sync_conditions, sync_events):
        tx.execute(delete(table).where(table.c.source == name))


def conditions(tx: Connection, source: str) -> dict[str, Condition]:
    """By kind."""
    query = select(sync_conditions).where(sync_conditions.c.source == source)
    return {row["kind"]: _condition(row) for row in tx.execute(query).mappings()}


def all_conditions(tx: Connection) -> dict[str, dict[str, Condition]]:
    """By source and kind."""
    found: dict[str, dict[str, Condition]] = {}
    for row in tx.execute(select(sync_conditions)).mappings():
        found.setdefault(row["source"], {})[row["kind"]] = _condition(row)
    return found


def put_conditions(tx: Connection, source: str, changed: Sequence[Condition]) -> None:
    rows = [
        {
            "source": source,
            "kind": item.kind,
            "status": item.status,
            "since": item.since,
            "reason": item.reason,
            "message": item.message,
        }
        for item in changed
    ]
    insert_or_replace(tx, sync_conditions, rows)


def add_events(tx: Connection, events: Sequence[SyncEvent]) -> None:
    if events:
        rows = [
            {
                "source": item.source,
                "at": item.at,
                "kind": item.kind,
                "message": item.message,
                "git_commit": item.commit,
            }
            for item in events
        ]
        tx.execute(insert(sync_events), rows)


def events(tx: Connection, source: str, limit: int) -> list[SyncEvent]:
    """Newest first."""
    query = (
        select(sync_events)
        .where(sync_events.c.source == source)
        .order_by(sync_events.c.id.desc())
        .limit(limit)
    )
    return [
        SyncEvent(
            row["source"], row["at"], row["kind"], row["message"], row["git_commit"], row["id"]
        )
        for row in tx.execute(query).mappings()
    ]


def add_run(tx: Connection, run: SyncRun) -> int:
    """Returns the number of the run."""
    row = {
        "source": run.source,
        "git_commit": run.commit,
        "at": run.at,
        "seconds": run.seconds,
        "state": run.state,
        "changes": run.changes,
        "problems": list(run.problems),
        "author": run.author,
        "summary": run.summary,
        "cause": run.cause,
        "revisions": run.revisions,
    }
    key = tx.execute(insert(sync_runs).values(row)).inserted_primary_key
    return int(key[0]) if key else 0


def runs(tx: Connection, source: str, limit: int) -> list[SyncRun]:
    """Newest first."""
    query = (
        select(sync_runs)
        .where(sync_runs.c.source == source)
        .order_by(sync_runs.c.id.desc())
        .limit(limit)
    )
    return [_run(row) for row in tx.execute(query).mappings()]


def run(tx: Connection, source: str, number: int) -> SyncRun | None:
    query = select(sync_runs).where(sync_runs.c.source == source, sync_runs.c.id == number)
    row = tx.execute(query).mappings().first()
    return None if row is None else _run(row)


def commits(tx: Connection, source: str, limit: int) -> list[str]:
    """Commits that were applied, newest first."""
    query = (
        select(sync_runs.c.git_commit)
        .where(sync_runs.c.source == source, sync_runs.c.state == "READY")
        .order_by(sync_runs.c.id.desc())
        .limit(limit)
    )
    return list(dict.fromkeys(tx.execute(query).scalars()))


def prune(tx: Connection, source: str, keep: int) -> None:
    """Keep the newest runs and events of a source."""
    for table in (sync_runs, sync_events):
        newest = (
            select(table.c.id)
            .where(table.c.source == source)
            .order_by(table.c.id.desc())
            .offset(keep)
            .limit(1)
        )
        oldest_gone = tx.execute(newest).scalar()
        if oldest_gone is not None:
            tx.execute(delete(table).where(table.c.source == source, table.c.id <= oldest_gone))


def _run(row: RowMapping) -> SyncRun:
    return SyncRun(
        row["source"],
        row["git_commit"],
        row["at"],
        row["seconds"],
        row["state"],
        row["changes"],
        row["problems"],
        row["id"],
        row["author"],
        row["summary"],
        row["cause"],
        row["revisions"] or {},
    )


def _condition(row: RowMapping) -> Condition:
    return Condition(row["kind"], row["status"], row["since"], row["reason"], row["message"])
