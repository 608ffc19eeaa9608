"""Jobs and workers: attempts that wait for a worker, and those that one has taken.

A claim carries a token. A result counts only while the row holds that token, so a worker that was
given up can never speak for the one that took over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping, and_, delete, func, or_, select, update

from mainstem.store.columns import from_micros, to_micros
from mainstem.store.executions import insert_or_replace
from mainstem.store.leases import moment
from mainstem.store.prepared import delete_rows, insert_rows
from mainstem.store.tables_work import jobs, workers

_GONE: Final = from_micros(0)


@dataclass(frozen=True, slots=True)
class StoredJob:
    """An attempt to make; `worker_group` is empty for workers without a group."""

    task_run_id: str
    execution_id: str
    attempt: int
    worker_group: str = ""
    fallback: str | None = None
    token: str | None = None
    worker_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredWorker:
    """A worker process as it told of itself last."""

    id: str
    instance: str
    host: str
    worker_group: str
    slots: int
    version: str
    started_at: datetime
    seen_at: datetime
    busy: int = 0
    draining: bool = False


def add(tx: Connection, added: Sequence[StoredJob], at: datetime) -> None:
    """Queue attempts; a job of an earlier attempt of the same task run is replaced."""
    rows = [
        (
            job.task_run_id,
            job.execution_id,
            job.attempt,
            job.worker_group,
            job.fallback,
            to_micros(at),
            job.worker_id,
            job.token,
            False,
        )
        for job in added
    ]
    insert_rows(tx, jobs, _COLUMNS, rows, replace=True)


_COLUMNS: Final = (
    "task_run_id", "execution_id", "attempt", "worker_group", "fallback", "created_at",
    "worker_id", "token", "cancelled",
)  # fmt: skip


def end(tx: Connection, ended: Sequence[tuple[str, int]]) -> None:
    """Forget jobs whose attempt (task run, attempt) has ended."""
    delete_rows(tx, jobs, ("task_run_id", "attempt"), ended)


def of_execution(tx: Connection, execution_id: str) -> dict[str, int]:
    """Attempts by task run that wait or run somewhere."""
    query = select(jobs.c.task_run_id, jobs.c.attempt).where(jobs.c.execution_id == execution_id)
    return {str(row[0]): int(row[1]) for row in tx.execute(query).all()}


def claim(tx: Connection, worker_id: str, group: str, token: str, limit: int) -> list[StoredJob]:
    """Take the oldest waiting jobs of a group; nobody else gets them."""
    waiting = (
        select(jobs.c.task_run_id)
        .where(jobs.c.worker_id.is_(None), jobs.c.worker_group == group)
        .order_by(jobs.c.created_at, jobs.c.task_run_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids: list[str] = list(tx.execute(waiting).scalars())
    if not ids:
        return []
    taken = (
        update(jobs)
        .where(jobs.c.task_run_id.in_(ids))
        .values(worker_id=worker_id, token=token)
        .returning(jobs)
    )
    found = [_job(row) for row in tx.execute(taken).mappings()]
    return sorted(found, key=lambda job: ids.index(job.task_run_id))


def is_claimed(tx: Connection, task_run_id: str, token: str) -> bool:
    """Whether the claim still stands, and does so until this transaction ends."""
    query = select(jobs.c.attempt).where(jobs.c.task_run_id == task_run_id, jobs.c.token == token)
    return tx.execute(query.with_for_update(read=True)).first() is not None


def give_back(tx: Connection, task_run_id: str, token: str) -> StoredJob | None:
    """End a claim without a result; returns its job, or None when it was not ours."""
    statement = (
        delete(jobs).where(jobs.c.task_run_id == task_run_id, jobs.c.token == token).returning(jobs)
    )
    row = tx.execute(statement).mappings().first()
    return None if row is None else _job(row)


def cancel(tx: Connection, task_run_ids: Sequence[str]) -> list[StoredJob]:
    """Mark claimed jobs as cancelled; waiting ones are taken out and returned."""
    wanted = jobs.c.task_run_id.in_(task_run_ids)
    gone = delete(jobs).where(wanted, jobs.c.worker_id.is_(None)).returning(jobs)
    waiting = [_job(row) for row in tx.execute(gone).mappings()]
    tx.execute(update(jobs).where(wanted).values(cancelled=True))
    return waiting


@dataclass(frozen=True, slots=True)
class Held:
    """What the row of a claimed job says."""

    attempt: int
    token: str
    cancelled: bool


def held_by(tx: Connection, worker_id: str) -> dict[str, Held]:
    """By task run, what the worker has."""
    query = select(jobs.c.task_run_id, jobs.c.attempt, jobs.c.token, jobs.c.cancelled).where(
        jobs.c.worker_id == worker_id
    )
    return {str(row[0]): Held(row[1], row[2], row[3]) for row in tx.execute(query)}


def take_lost(tx: Connection, silent_seconds: float | None, now: datetime) -> list[StoredJob]:
    """Take the jobs of workers that are gone, and forget those workers.

    Gone is who said so, has no row, or has been silent that long (None: however long).
    """
    gone = workers.c.seen_at == _GONE
    if silent_seconds is not None:
        heard = moment(tx, now) - timedelta(seconds=silent_seconds)
        gone = or_(gone, workers.c.seen_at < heard)
    tx.execute(delete(workers).where(gone))
    living = select(workers.c.id)
    lost = (
        delete(jobs)
        .where(jobs.c.worker_id.is_not(None), jobs.c.worker_id.not_in(living))
        .returning(jobs)
    )
    return [_job(row) for row in tx.execute(lost).mappings()]


def take_unserved(tx: Connection) -> list[StoredJob]:
    """Take waiting jobs that would rather end than wait for a worker of a group that has none."""
    serving = select(workers.c.worker_group).where(workers.c.draining.is_(False))
    unserved = (
        delete(jobs)
        .where(
            jobs.c.worker_id.is_(None),
            jobs.c.fallback.in_(["FAIL", "CANCEL"]),
            jobs.c.worker_group.not_in(serving),
        )
        .returning(jobs)
    )
    return [_job(row) for row in tx.execute(unserved).mappings()]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many jobs of a group wait for a worker, and since when the first."""

    worker_group: str
    count: int
    oldest: datetime


def waiting(tx: Connection) -> list[Waiting]:
    """By group; groups for which nothing waits are left out."""
    query = (
        select(jobs.c.worker_group, func.count(), func.min(jobs.c.created_at))
        .where(jobs.c.worker_id.is_(None))
        .group_by(jobs.c.worker_group)
        .order_by(jobs.c.worker_group)
    )
    return [Waiting(str(row[0]), int(row[1]), row[2]) for row in tx.execute(query).all()]


def counts(tx: Connection) -> tuple[int, int]:
    """How many jobs wait, and how many are claimed."""
    waiting = func.count().filter(jobs.c.worker_id.is_(None))
    claimed = func.count(jobs.c.worker_id)
    row = tx.execute(select(waiting, claimed).select_from(jobs)).one()
    return int(row[0]), int(row[1])


# workers


def register(tx: Connection, worker: StoredWorker, now: datetime) -> None:
    """Add a worker; an earlier one of the same instance is dead."""
    tx.execute(
        update(workers)
        .where(and_(workers.c.instance == worker.instance, workers.c.id != worker.id))
        .values(seen_at=_GONE)
    )
    at = moment(tx, now)
    row = {name: getattr(worker, name) for name in StoredWorker.__dataclass_fields__}
    insert_or_replace(tx, workers, [{**row, "started_at": at, "seen_at": at}])


def beat(
    tx: Connection, worker_id: str, busy: int, now: datetime, *, draining: bool
) -> bool | None:
    """Say that the worker lives; whether it is to take nothing more, None when it was given up."""
    statement = (
        update(workers)
        .where(workers.c.id == worker_id)
        .values(
            seen_at=moment(tx, now), busy=busy, draining=True if draining else workers.c.draining
        )
        .returning(workers.c.draining)
    )
    asked: bool | None = tx.execute(statement).scalar()
    return asked


def set_draining(tx: Connection, worker_id: str, *, draining: bool) -> bool:
    """Ask a worker to take nothing more, or to go on; False when there is no such worker."""
    statement = update(workers).where(workers.c.id == worker_id, workers.c.seen_at != _GONE)
    return tx.execute(statement.values(draining=draining)).rowcount == 1


def leave(tx: Connection, worker_id: str) -> None:
    tx.execute(delete(workers).where(workers.c.id == worker_id))


def all_workers(tx: Connection) -> list[StoredWorker]:
    """By start."""
    query = select(workers).where(workers.c.seen_at != _GONE).order_by(workers.c.started_at)
    return [StoredWorker(**row) for row in tx.execute(query).mappings()]


def _job(row: RowMapping) -> StoredJob:
    return StoredJob(
        row["task_run_id"],
        row["execution_id"],
        row["attempt"],
        row["worker_group"],
        row["fallback"],
        row["token"],
        row["worker_id"],
    )
