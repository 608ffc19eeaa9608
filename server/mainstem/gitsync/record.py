"""What a look at a source leaves behind: status, conditions, history and events."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import Bus, sync_topic
from mainstem.clock import Clock
from mainstem.errors import InvalidInput, MainstemError, Stalled
from mainstem.flowspec.problems import Problem
from mainstem.gitsync import conditions
from mainstem.gitsync.address import shown_url
from mainstem.gitsync.conditions import Claim
from mainstem.gitsync.plan import SHOWN, SyncPlan, shown
from mainstem.gitsync.remote import Throttled
from mainstem.gitsync.repository import Commit
from mainstem.settings_git import GitSource
from mainstem.store import syncs
from mainstem.store.database import Database
from mainstem.store.sync_entries import Entry
from mainstem.store.syncs import Condition, SourceStatus, SyncEvent, SyncRun

_SHOWN_PROBLEMS: Final = 500
_KEPT_RUNS: Final = 500


@dataclass(frozen=True, slots=True)
class Run:
    """One commit that was looked at, with what came of it."""

    commit: Commit
    plan: SyncPlan
    problems: Sequence[Problem]
    revisions: Mapping[str, int]
    applied: bool
    cause: str
    seconds: float


class Records:
    """Writes for one source."""

    def __init__(self, source: GitSource, database: Database, clock: Clock, bus: Bus) -> None:
        self._source = source
        self._database = database
        self._clock = clock
        self._bus = bus

    def status(self) -> SourceStatus:
        with self._database.read() as tx:
            return self.status_in(tx)

    def status_in(self, tx: Connection) -> SourceStatus:
        known = syncs.get(tx, self._source.name) or new_status(self._source)
        return replace(known, url=where(self._source), branch=self._source.ref)

    def claim(
        self, tx: Connection, claims: Sequence[Claim], commit: str | None = None
    ) -> list[Condition]:
        """Set conditions, and tell of those that changed."""
        name, now = self._source.name, self._clock.now()
        known = syncs.conditions(tx, name)
        changed = conditions.settle(known, claims, now)
        syncs.put_conditions(tx, name, changed)
        syncs.add_events(tx, conditions.events_of(name, known, changed, now, commit))
        return changed

    def fetching(self, message: str) -> None:
        """A new commit is being brought in."""
        with self._database.write() as tx:
            self.claim(tx, [Claim(conditions.FETCHING, True, "NewCommit", message)])
        self.tell()

    def reached(
        self, commit: str | None, drift: Sequence[Entry] | None, pinned: str | None
    ) -> None:
        """The head is the commit seen last; a source that could not be reached is back."""
        now = self._clock.now()
        with self._database.write() as tx:
            status = self.status_in(tx)
            new = replace(status, checked_at=now, failures=0)
            claims = [] if drift is None else [drift_claim(drift)]
            if status.state in ("FAILED", "STALLED", "NEW"):
                state = "READY" if status.good_commit == commit else "INVALID"
                message = None if state == "READY" else "the newest commit is not valid"
                new = replace(new, state=state, message=message, changed_at=now)
                claims.append(Claim(conditions.STALLED, False, "Reached"))
                if state == "READY":
                    claims.append(_ready(status.good_commit or "", pinned))
            claims.append(Claim(conditions.FETCHING, False, "Idle"))
            syncs.put(tx, new)
            changed = self.claim(tx, claims, commit)
        if changed or new.state != status.state:
            self.tell()

    def failed(self, error: MainstemError) -> int:
        """Nothing could be read; returns how many times in a row that was so."""
        stalled = isinstance(error, (Stalled, InvalidInput))
        state = "STALLED" if stalled else "FAILED"
        reason = "NeedsYou" if stalled else "Retrying"
        if isinstance(error, Throttled):
            reason = "Waiting"
        now = self._clock.now()
        with self._database.write() as tx:
            status = self.status_in(tx)
            same = (status.state, status.message) == (state, error.message)
            new = replace(
                status,
                state=state,
                message=error.message,
                checked_at=now,
                changed_at=status.changed_at if same else now,
                failures=status.failures + 1,
            )
            syncs.put(tx, new)
            claims = [
                Claim(conditions.FETCHING, False, "Idle"),
                Claim(conditions.STALLED, stalled, reason, error.message),
                Claim(conditions.READY, False, reason, error.message),
            ]
            self.claim(tx, claims)
        self.tell()
        return new.failures

    def settled(
        self, tx: Connection, run: Run, drift: Sequence[Entry] | None, pinned: str | None
    ) -> int:
        """A commit went live or was refused; within the transaction that made it live."""
        now = self._clock.now()
        before = self.status_in(tx)
        errors = [asdict(p) for p in run.problems][:_SHOWN_PROBLEMS]
        state = "READY" if run.applied else "INVALID"
        message = None if run.applied else summary(run.problems)
        commit = run.commit
        status = replace(
            before,
            state=state,
            message=message,
            good_commit=commit.sha if run.applied else before.good_commit,
            seen_commit=commit.sha,
            author=commit.author,
            summary=commit.message,
            committed_at=commit.at,
            checked_at=now,
            synced_at=now if run.applied else before.synced_at,
            changed_at=before.changed_at if before.state == state else now,
            problems=errors,
            failures=0,
        )
        syncs.put(tx, status)
        self.claim(tx, _claims(run, before, drift, pinned), commit.sha)
        if pinned and run.applied and before.good_commit != commit.sha:
            text = f"rolled back to {commit.sha[:12]}"
            syncs.add_events(tx, [SyncEvent(self._source.name, now, "Source", text, commit.sha)])
        number = syncs.add_run(tx, self._history(run, now, state, errors))
        syncs.prune(tx, self._source.name, _KEPT_RUNS)
        return number

    def note(self, kind: str, message: str, commit: str | None = None) -> None:
        """Add one event."""
        event = SyncEvent(self._source.name, self._clock.now(), kind, message, commit)
        with self._database.write() as tx:
            syncs.add_events(tx, [event])
        self.tell()

    def _history(
        self, run: Run, now: datetime, state: str, errors: Sequence[Mapping[str, object]]
    ) -> SyncRun:
        changes = {verb: names[:SHOWN] for verb, names in run.plan.changes().items() if names}
        return SyncRun(
            self._source.name,
            run.commit.sha,
            now,
            run.seconds,
            state,
            changes,
            errors,
            author=run.commit.author,
            summary=run.commit.message,
            cause=run.cause,
            revisions=dict(list(run.revisions.items())[:SHOWN]),
        )

    def tell(self) -> None:
        """Have those who watch the source look again."""
        self._bus.publish(sync_topic(self._source.name))


def new_status(source: GitSource) -> SourceStatus:
    return SourceStatus(source.name, where(source), source.ref)


def where(source: GitSource) -> str:
    """The address for readers."""
    return f"/git/{source.name}" if source.push else shown_url(source.url)


def drift_claim(drift: Sequence[Entry]) -> Claim:
    """What was changed here behind Git's back."""
    if not drift:
        return Claim(conditions.DRIFTED, False, "AsInGit")
    names = ", ".join(f"{e.kind} {shown(e)}" for e in drift[:5])
    more = f" and {len(drift) - 5} more" if len(drift) > 5 else ""
    return Claim(conditions.DRIFTED, True, "Edited", f"not as in Git: {names}{more}")


def summary(problems: Sequence[Problem]) -> str:
    errors = [item for item in problems if item.is_error]
    first = str(errors[0]) if errors else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"the commit is not valid, the last good one stays live: {first}{more}"


def _claims(
    run: Run, before: SourceStatus, drift: Sequence[Entry] | None, pinned: str | None
) -> list[Claim]:
    claims = [
        Claim(conditions.FETCHING, False, "Idle"),
        Claim(conditions.STALLED, False, "Reached"),
        *([] if drift is None else [drift_claim(drift)]),
    ]
    if run.applied:
        return [
            *claims,
            Claim(conditions.INVALID, False, "Valid"),
            _ready(run.commit.sha, pinned),
        ]
    text = summary(run.problems)
    live = f"{before.good_commit[:12]} stays live" if before.good_commit else "nothing is live"
    first = next((p.code for p in run.problems if p.is_error), "")
    reason = {"signature": "NotSigned", "test-failed": "TestsFailed"}.get(first, "NotValid")
    return [
        *claims,
        Claim(conditions.INVALID, True, reason, text),
        Claim(conditions.READY, False, reason, f"{run.commit.sha[:12]} is not valid; {live}"),
    ]


def _ready(commit: str, pinned: str | None) -> Claim:
    if pinned:
        return Claim(conditions.READY, True, "Pinned", f"pinned to {commit[:12]}")
    return Claim(conditions.READY, True, "Synced", f"{commit[:12]} is live")
