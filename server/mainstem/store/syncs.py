"""What is known of Git sources, and the history of their syncs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from mainstem.store.executions import insert_or_replace
from mainstem.store.tables import sync_runs, sync_sources


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


def add_run(tx: Connection, run: SyncRun) -> None:
    row = {
        "source": run.source,
        "git_commit": run.commit,
        "at": run.at,
        "seconds": run.seconds,
        "state": run.state,
        "changes": run.changes,
        "problems": list(run.problems),
    }
    tx.execute(insert(sync_runs), [row])


def runs(tx: Connection, source: str, limit: int) -> list[SyncRun]:
    """Newest first."""
    query = (
        select(sync_runs)
        .where(sync_runs.c.source == source)
        .order_by(sync_runs.c.id.desc())
        .limit(limit)
    )
    return [
        SyncRun(
            row["source"],
            row["git_commit"],
            row["at"],
            row["seconds"],
            row["state"],
            row["changes"],
            row["problems"],
            row["id"],
        )
        for row in tx.execute(query).mappings()
    ]
