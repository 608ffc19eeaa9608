"""Ends of claims that no attempt told of: said to the executor through the inbox."""

from datetime import datetime

from sqlalchemy import Connection

from mainstem.engine.decision import Event, Finished, Lost
from mainstem.model.state import State
from mainstem.store import inbox
from mainstem.store.inbox import Asked
from mainstem.store.jobs import StoredJob
from mainstem.worker.wire import dump_event


def ask_lost(tx: Connection, job: StoredJob, now: datetime) -> None:
    """The attempt has nobody who makes it: it is made again."""
    _ask(tx, job, Lost(job.task_run_id, job.attempt, now), now)


def ask_finished(tx: Connection, job: StoredJob, state: State, now: datetime) -> None:
    """The attempt ends in `state` without having been made."""
    _ask(tx, job, Finished(job.task_run_id, job.attempt, state, now, started_at=now), now)


def _ask(tx: Connection, job: StoredJob, event: Event, now: datetime) -> None:
    kind, payload = dump_event(event)
    inbox.ask(tx, Asked(job.execution_id, kind, payload), now)
