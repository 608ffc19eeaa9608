"""The sync agent: looks at each source when it is due, and on request."""

import logging
import random
import secrets
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from mainstem.bus.inprocess import FILES, FLOWS, KV
from mainstem.errors import Conflict, Denied, InvalidInput, MainstemError, NotFound
from mainstem.gitsync import statuses
from mainstem.gitsync.record import new_status
from mainstem.gitsync.remote import Remote, Throttled
from mainstem.gitsync.sources import CHANGED, Configured, SourceService
from mainstem.gitsync.statuses import Outcome
from mainstem.gitsync.sync import Syncer, SyncResult, Wish, Workshop
from mainstem.gitsync.upkeep import EVERY_SECONDS, tidy
from mainstem.gitsync.webhook import NOT_PROVEN, read_delivery
from mainstem.ids import random_id
from mainstem.settings_git import GitSource
from mainstem.store import git_sources, syncs
from mainstem.store.git_sources import Controls
from mainstem.store.sync_entries import Entry
from mainstem.store.syncs import Condition, SourceStatus, SyncEvent, SyncRun
from mainstem.telemetry import about

__all__ = ["REQUESTS", "Condition", "SourceStatus", "SyncAgent", "SyncEvent", "SyncRun"]

_log = logging.getLogger("mainstem.gitsync")

_JITTER: Final = 0.1
_MOST_BACK_OFF: Final = 600.0
_WAIT_WHEN_THROTTLED: Final = 300.0
_AT_ONCE: Final = 4
_IDLE_SECONDS: Final = 15.0
_NOBODY: Final = secrets.token_hex(32)
_REPLAY_WINDOW: Final = timedelta(days=3)
REQUESTS: Final = "sync-requests"


class SyncAgent:
    """A component. Sources are worked on side by side, one look at a source at a time."""

    name = "gitsync"
    wakes_on: tuple[str, ...] = (REQUESTS, CHANGED)

    def __init__(self, shop: Workshop, base_url: str) -> None:
        self._shop = shop
        self._base_url = base_url
        self._due: dict[str, datetime] = {}
        self._tidy_at: dict[str, datetime] = {}
        self._dirty: set[str] | None = None
        self._working = threading.local()
        self._locks: dict[str, threading.Lock] = {}
        self._looking: dict[str, Future[None]] = {}
        self._guard = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._writers: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None
        self.interval_seconds = _IDLE_SECONDS
        shop.bus.subscribe((FLOWS, FILES, KV), self._edited)

    # reading

    @property
    def registry(self) -> SourceService:
        """Which sources there are, and their switches."""
        return self._shop.sources

    @property
    def shop(self) -> Workshop:
        return self._shop

    @property
    def sources(self) -> tuple[GitSource, ...]:
        return tuple(item.source for item in self._shop.sources.all())

    def statuses(self) -> list[SourceStatus]:
        """Every configured source, those never looked at included."""
        sources = self.sources
        if not sources:
            return []
        with self._shop.database.read() as tx:
            known = {status.name: status for status in syncs.all_sources(tx)}
        return [known.get(s.name, new_status(s)) for s in sources]

    def conditions(self) -> Mapping[str, Mapping[str, Condition]]:
        """By source and kind."""
        with self._shop.database.read() as tx:
            return syncs.all_conditions(tx)

    def all_controls(self) -> Mapping[str, Controls]:
        """The switches of every source that somebody touched."""
        with self._shop.database.read() as tx:
            return git_sources.all_controls(tx)

    def history(self, name: str, limit: int = 20) -> list[SyncRun]:
        """Commits looked at, newest first; raises NotFound."""
        with self._shop.database.read() as tx:
            return syncs.runs(tx, self._source(name).source.name, limit)

    def run(self, name: str, number: int) -> SyncRun:
        """Raises NotFound."""
        with self._shop.database.read() as tx:
            found = syncs.run(tx, name, number)
        if found is None:
            raise NotFound(f"Git source `{name}` has no sync {number}")
        return found

    def events(self, name: str, limit: int = 50) -> list[SyncEvent]:
        """What changed about a source, newest first; raises NotFound."""
        with self._shop.database.read() as tx:
            return syncs.events(tx, self._source(name).source.name, limit)

    def drift(self, name: str, limit: int = 200) -> list[Entry]:
        """What is not as the live commit says; raises NotFound."""
        return Syncer(self._shop, self._source(name).source).manifest.drifted(limit)

    def next_look(self, name: str) -> datetime | None:
        """When the source is looked at again by the clock."""
        return self._due.get(name)

    # acting

    def request(self, name: str, cause: str = "manual") -> None:
        """Look at a source as soon as possible; raises NotFound, or Conflict while suspended."""
        source = self._source(name).source
        if self._shop.sources.controls(name).suspended_at is not None:
            raise Conflict(f"Git source `{name}` is suspended: resume it first")
        with self._shop.database.write() as tx:
            git_sources.ask(tx, source.name, cause)
        self._shop.bus.publish(REQUESTS)

    def called(self, name: str, headers: Mapping[str, str], body: bytes) -> dict[str, object]:
        """A forge's call about a push. Raises Denied when it is not proven."""
        found = next((s for s in self.sources if s.name == name), None)
        secret = found.webhook_secret if found is not None else None
        key = _NOBODY if secret is None else secret.get_secret_value()
        # Whoever cannot prove anything does not learn which sources there are either.
        delivery = read_delivery(headers, body, key)
        if found is None or secret is None:
            raise Denied(NOT_PROVEN)
        if delivery.is_ping:
            return {"source": name, "pong": True}
        if not delivery.is_push:
            return {"source": name, "ignored": f"`{delivery.event}` is not a push"}
        ref = f"refs/tags/{found.tag}" if found.tag else f"refs/heads/{found.branch}"
        if ref not in delivery.refs:
            return {"source": name, "ignored": f"not a push to {found.ref}"}
        now = self._shop.clock.now()
        with self._shop.database.write() as tx:
            git_sources.forget_deliveries(tx, now - _REPLAY_WINDOW)
            if not git_sources.note_delivery(tx, name, list(delivery.keys), now):
                return {"source": name, "ignored": "this delivery was seen before"}
        try:
            self.request(name, "webhook")
        except Conflict as error:
            return {"source": name, "ignored": error.message}
        return {"source": name, "accepted": True}

    def roll_back(self, name: str, commit: str) -> SyncResult:
        """Pin a source to a commit and make that live; raises InvalidInput for an unknown one."""
        self.registry.pin(name, self._whole_commit(name, commit))
        return self.sync(name, cause="rollback")

    def _whole_commit(self, name: str, commit: str) -> str:
        if len(commit) in (40, 64):
            return commit
        known = {run.commit for run in self.history(name, 200) if run.commit.startswith(commit)}
        if len(known) != 1:
            raise InvalidInput(
                f"`{commit}` is not one of the commits that source `{name}` looked at: write all "
                "of its digits"
            )
        return known.pop()

    def sync(
        self,
        name: str,
        *,
        dry_run: bool = False,
        heal: bool = False,
        with_differences: bool = False,
        cause: str = "manual",
    ) -> SyncResult:
        """Look at a source now, in the caller's thread.

        Raises NotFound, or Transient or Stalled when the repository cannot be read.
        """
        source = self._source(name).source
        wish = Wish(cause, dry_run, heal, with_differences)
        with about(source=name, sync=random_id()[:8]), self.only(name), self._own_changes():
            dirty = not dry_run and self._is_dirty(name)
            result = Syncer(self._shop, source).look(wish, drift_may_have_changed=dirty)
        if not dry_run:
            self.told(source, result)
        return result

    def test(self, source: GitSource) -> str:
        """Try to reach the repository of a source; returns the commit that its head is.

        Raises InvalidInput, Transient or Stalled with the reason.
        """
        shop = self._shop
        remote = Remote(source, shop.git, shop.tokens, allow_file=shop.sources.allow_file)
        head = remote.head()
        if head is None:
            raise NotFound(f"the repository answers, and has no {source.ref}")
        return head

    @contextmanager
    def only(self, name: str) -> Iterator[None]:
        """Keep others from working on a source meanwhile."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            yield

    def tick(self, now: datetime) -> None:
        every = self._shop.sources.all()
        self.interval_seconds = min(
            [_IDLE_SECONDS, *(item.source.interval_seconds / 4 for item in every)]
        )
        with self._shop.database.read() as tx:
            asked = git_sources.asked(tx)
        for item in every:
            name = item.source.name
            if name in asked or self._due.get(name, now) <= now:
                self._begin(item, asked.get(name))

    def _begin(self, item: Configured, asked: str | None) -> None:
        """Look at a source in a thread, unless one does; a wish then waits for its end."""
        name = item.source.name
        with self._guard:
            if name in self._looking:
                return
            if asked is not None:
                with self._shop.database.write() as tx:
                    git_sources.answered(tx, name)
            self._looking[name] = self._threads().submit(self._look, item, asked)

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait for the looks under way; for tests and for the end."""
        with self._guard:
            under_way = [*self._looking.values(), *([self._writing] if self._writing else [])]
        return not wait(under_way, timeout).not_done

    def close(self) -> None:
        """Let the looks under way end, and begin no more."""
        with self._guard:
            pools = (self._pool, self._writers)
            self._pool = self._writers = None
        for pool in pools:
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)

    # inner

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mainstem-gitsync")
        return self._pool

    def _source(self, name: str) -> Configured:
        return self._shop.sources.get(name)

    def _edited(self, _topic: str) -> None:
        """Something may have changed behind Git's back: look at the next poll."""
        if not getattr(self._working, "on", False):
            self._dirty = set()

    @contextmanager
    def _own_changes(self) -> Iterator[None]:
        """What a sync itself changes is as in Git: no reason to look for drift."""
        self._working.on = True
        try:
            yield
        finally:
            self._working.on = False

    def _look(self, item: Configured, asked: str | None) -> None:
        """One look of the loop: failures become the status of the source."""
        source = item.source
        pause = timedelta(seconds=_spread(source.interval_seconds))
        try:
            with about(source=source.name, sync=random_id()[:8]):
                pause = self._looked(source, asked) or pause
        finally:
            self._due[source.name] = self._shop.clock.now() + pause
            with self._guard:
                self._looking.pop(source.name, None)
            # A wish that came meanwhile was left for the next tick.
            if self._is_asked(source.name):
                self._shop.bus.publish(REQUESTS)

    def _looked(self, source: GitSource, asked: str | None) -> timedelta | None:
        """Until the next look, where this one failed."""
        try:
            if self._shop.sources.controls(source.name).suspended_at is None:
                self._look_once(source, asked)
                self.tidy(source)
        except MainstemError as error:
            return self._failed(source, error)
        except Exception:
            _log.exception("a sync broke off")
        return None

    def _is_asked(self, name: str) -> bool:
        with self._shop.database.read() as tx:
            return name in git_sources.asked(tx)

    def _look_once(self, source: GitSource, asked: str | None) -> None:
        with self.only(source.name), self._own_changes():
            syncer = Syncer(self._shop, source)
            dirty = self._is_dirty(source.name)
            result: SyncResult | None
            if asked is not None:
                result = syncer.look(Wish(asked), drift_may_have_changed=dirty)
            else:
                result = syncer.poll(drift_may_have_changed=dirty)
        if result is not None:
            self.told(source, result)

    def tidy(self, source: GitSource) -> bool:
        """Repack the source's repository once a day, where it needs that."""
        now = self._shop.clock.now()
        # Not at the start of the server, when there is other work.
        due = self._tidy_at.setdefault(source.name, now + timedelta(seconds=EVERY_SECONDS / 24))
        if now < due:
            return False
        self._tidy_at[source.name] = now + timedelta(seconds=EVERY_SECONDS)
        with self.only(source.name):
            return tidy(Syncer(self._shop, source).repository, self._shop.git)

    def _is_dirty(self, name: str) -> bool:
        """Whether anything changed here since drift of this source was looked for."""
        looked = self._dirty
        if looked is None:
            looked = self._dirty = set()
        if name in looked:
            return False
        looked.add(name)
        return True

    def _failed(self, source: GitSource, error: MainstemError) -> timedelta:
        records = Syncer(self._shop, source).records
        failures = records.failed(error)
        _log.warning("a sync failed", extra={"source": source.name, "reason": error.message})
        return _pause(source, failures, error)

    def told(self, source: GitSource, result: SyncResult) -> None:
        """Log what happened and write it back to the forge."""
        if not result.changed:
            return
        _log.info(
            "synced" if result.applied else "a commit was refused",
            extra={"source": source.name, "commit": result.commit.sha[:12]},
        )
        if source.status is not None:
            with self._guard:
                # One thread for all: what was found last is also written last.
                if self._writers is None:
                    self._writers = ThreadPoolExecutor(1, thread_name_prefix="mainstem-gitsync")
                self._writing = self._writers.submit(self._write_status, source, result)

    def _write_status(self, source: GitSource, result: SyncResult) -> None:
        errors = [item for item in result.problems if item.is_error]
        count = f"{len(errors)} problem{'' if len(errors) == 1 else 's'}"
        text = "live" if result.applied else f"{count}: {errors[0]}"
        outcome = Outcome(
            result.commit.sha,
            "success" if result.applied else "failure",
            text,
            f"{self._base_url}/ui/gitsync/{source.name}",
        )
        fault = statuses.write_quietly(source, outcome, self._shop.tokens)
        if fault is not None:
            Syncer(self._shop, source).records.note("Status", fault, result.commit.sha)


def _spread(seconds: float) -> float:
    return seconds * (1 + _JITTER * (2 * random.random() - 1))  # noqa: S311


def _pause(source: GitSource, failures: int, error: MainstemError) -> timedelta:
    """Until the next look: the interval with jitter, longer and longer while it fails."""
    seconds = _spread(source.interval_seconds)
    if failures:
        seconds = min(max(seconds, 2.0**failures), _MOST_BACK_OFF)
    if isinstance(error, Throttled):
        seconds = max(seconds, _WAIT_WHEN_THROTTLED)
    return timedelta(seconds=seconds)
