"""The sync agent: looks at each source when it is due, and on request."""

import hashlib
import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import Bus, sync_topic
from mainstem.clock import Clock
from mainstem.errors import InvalidInput, MainstemError, NotFound, Stalled
from mainstem.flowspec.parse import ParsedFlow
from mainstem.flowspec.problems import Problem
from mainstem.gitsync.checkout import Commit, Credentials, Entry, Mirror, shown_url
from mainstem.gitsync.plan import Stored, SyncPlan, Wanted, make_plan
from mainstem.gitsync.tree import FileSource, classify, problem
from mainstem.model.flow_id import FlowId
from mainstem.services.files import FileOrigin, FileService
from mainstem.services.flows import FlowChange, FlowService
from mainstem.settings import GitSettings, GitSource
from mainstem.store import syncs
from mainstem.store.database import Database
from mainstem.store.flows import Origin
from mainstem.store.syncs import SourceStatus, SyncRun

_log = logging.getLogger("mainstem.gitsync")

_JITTER: Final = 0.1
_MOST_BACK_OFF: Final = 600.0
_SHOWN_PROBLEMS: Final = 500
REQUESTS: Final = "sync-requests"


@dataclass(frozen=True, slots=True)
class Staged:
    """A commit read and checked, not yet live."""

    commit: Commit
    flows: Mapping[FlowId, tuple[Entry, ParsedFlow]]
    files: Sequence[tuple[FileSource, bytes]]
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a look at a source found and, unless it was a dry run, did."""

    source: str
    commit: Commit
    plan: SyncPlan
    problems: Sequence[Problem]
    applied: bool


class SyncAgent:
    """A component. Sources are worked on one after another, one sync of a source at a time."""

    name = "gitsync"
    wakes_on: tuple[str, ...] = (REQUESTS,)

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        settings: GitSettings,
        database: Database,
        flows: FlowService,
        files: FileService,
        clock: Clock,
        bus: Bus,
        *,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._database = database
        self._flows = flows
        self._files = files
        self._clock = clock
        self._bus = bus
        self._folder = folder
        self._environment = environment
        self._due: dict[str, datetime] = {}
        self._busy = threading.Lock()

    @property
    def interval_seconds(self) -> float:
        return min((s.interval_seconds for s in self._settings.sources), default=60) / 4

    @property
    def sources(self) -> tuple[GitSource, ...]:
        return self._settings.sources

    def statuses(self) -> list[SourceStatus]:
        """Every configured source, those never looked at included."""
        with self._database.read() as tx:
            known = {status.name: status for status in syncs.all_sources(tx)}
        return [known.get(s.name, _new_status(s)) for s in self._settings.sources]

    def history(self, name: str, limit: int = 20) -> list[SyncRun]:
        """Commits looked at, newest first."""
        with self._database.read() as tx:
            return syncs.runs(tx, self._source(name).name, limit)

    def request(self, name: str) -> None:
        """Look at a source as soon as possible; raises NotFound."""
        self._due[self._source(name).name] = datetime.min.replace(tzinfo=self._clock.now().tzinfo)
        self._bus.publish(REQUESTS)

    def tick(self, now: datetime) -> None:
        for source in self._settings.sources:
            if self._due.get(source.name, now) <= now:
                self._look(source)

    def sync(self, name: str, *, dry_run: bool = False) -> SyncResult:
        """Look at a source now, in the caller's thread.

        Raises NotFound, or Transient or Stalled when the repository cannot be read.
        """
        return self._sync(self._source(name), dry_run=dry_run)

    def _source(self, name: str) -> GitSource:
        for source in self._settings.sources:
            if source.name == name:
                return source
        known = ", ".join(s.name for s in self._settings.sources) or "none"
        raise NotFound(f"there is no Git source `{name}` (configured: {known})")

    def _look(self, source: GitSource) -> None:
        """One look of the loop: failures become the status of the source."""
        failures = 0
        try:
            self._sync(source, dry_run=False)
        except MainstemError as error:
            failures = self._failed(source, error)
            _log.warning("a sync failed", extra={"source": source.name, "reason": error.message})
        self._due[source.name] = self._clock.now() + _pause(source, failures)

    def _failed(self, source: GitSource, error: MainstemError) -> int:
        state = "STALLED" if isinstance(error, (Stalled, InvalidInput)) else "FAILED"
        status = self._status(source)
        now = self._clock.now()
        changed = now if (status.state, status.message) != (state, error.message) else None
        new = replace(
            status,
            state=state,
            message=error.message,
            checked_at=now,
            changed_at=changed or status.changed_at,
            failures=status.failures + 1,
        )
        self._put(new)
        return new.failures

    def _sync(self, source: GitSource, *, dry_run: bool) -> SyncResult:
        with self._busy:
            began = time.monotonic()
            mirror = self._mirror(source)
            commit = mirror.fetch()
            status = self._status(source)
            if commit.sha == status.seen_commit and not dry_run and not _must_look(status):
                self._reached(status, commit)
                return SyncResult(source.name, commit, SyncPlan(), (), applied=False)
            staged = self._stage(source, mirror, commit)
            plan, applied = self._decide(source, staged, dry_run=dry_run)
            result = SyncResult(source.name, commit, plan, staged.problems, applied)
            if not dry_run:
                self._record(source, status, result, time.monotonic() - began)
            return result

    def _reached(self, status: SourceStatus, commit: Commit) -> None:
        """The head is the commit seen last; a source that could not be reached is back."""
        now = self._clock.now()
        new = replace(status, checked_at=now, failures=0)
        if status.state in ("FAILED", "STALLED"):
            state = "READY" if status.good_commit == commit.sha else "INVALID"
            message = None if state == "READY" else "the newest commit is not valid"
            new = replace(new, state=state, message=message, changed_at=now)
        self._put(new)

    def _mirror(self, source: GitSource) -> Mirror:
        credentials = None
        if source.token is not None:
            token = source.token.get_secret_value()
            credentials = Credentials(source.username or "x-access-token", token)
        return Mirror(
            self._folder / f"{source.name}.git",
            source.url,
            source.branch,
            allow_file=self._settings.allow_file_urls,
            credentials=credentials,
            environment=self._environment,
        )

    def _stage(self, source: GitSource, mirror: Mirror, commit: Commit) -> Staged:
        found = classify(mirror.entries(commit), source)
        problems = list(found.problems)
        flows: dict[FlowId, tuple[Entry, ParsedFlow]] = {}
        for entry, content in mirror.read(found.flows):
            parsed = self._parse(entry, content, problems)
            if parsed is None or parsed.flow is None:
                continue
            flow_id = parsed.flow.flow_id
            if flow_id in flows:
                text = f"flow `{flow_id}` is also in `{flows[flow_id][0].path}`"
                problems.append(problem(entry.path, "duplicate-flow", text))
                continue
            flows[flow_id] = (entry, parsed)
        by_blob = {file.entry.path: file for file in found.files}
        entries = [file.entry for file in found.files]
        files = [(by_blob[entry.path], content) for entry, content in mirror.read(entries)]
        return Staged(commit, flows, files, problems)

    def _parse(self, entry: Entry, content: bytes, problems: list[Problem]) -> ParsedFlow | None:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            reason = f"the file is not UTF-8 text (byte {error.start})"
            problems.append(problem(entry.path, "encoding", reason))
            return None
        parsed = self._flows.parse(text, entry.path)
        problems.extend(parsed.problems)
        return parsed

    def _decide(self, source: GitSource, staged: Staged, *, dry_run: bool) -> tuple[SyncPlan, bool]:
        wanted = Wanted(
            {flow_id: parsed.source for flow_id, (_, parsed) in staged.flows.items()},
            {(file.namespace, file.path): _digest(content) for file, content in staged.files},
        )
        is_bad = any(item.is_error for item in staged.problems)
        if is_bad or dry_run:
            with self._database.read() as tx:
                stored = self._stored(tx, source.name)
            return make_plan(wanted, stored, delete=source.on_delete == "delete"), False
        origin = FileOrigin(source.name, staged.commit.sha)
        pointers = [
            self._files.stage(file.namespace, file.path, content, origin)
            for file, content in staged.files
        ]
        with self._database.write() as tx:
            stored = self._stored(tx, source.name)
            plan = make_plan(wanted, stored, delete=source.on_delete == "delete")
            changes = [
                FlowChange(parsed, _origin(source, staged.commit, entry))
                for entry, parsed in staged.flows.values()
            ]
            self._flows.apply(tx, changes, list(plan.delete_flows))
            self._files.switch(tx, pointers, list(plan.delete_files))
            status = self._stored_status(tx, source)
            syncs.put(tx, replace(status, good_commit=staged.commit.sha))
        self._flows.announce()
        return plan, True

    def _stored(self, tx: Connection, name: str) -> Stored:
        heads = self._flows.live_sources(tx)
        files = self._files.live_digests(tx)
        return Stored(
            flows={flow: head.source for flow, head in heads.items()},
            files=files,
            owned_flows=frozenset(
                flow for flow, head in heads.items() if head.origin and head.origin.source == name
            ),
            owned_files=frozenset(
                (file.namespace, file.path) for file in self._files.owned_by(tx, name)
            ),
        )

    def _status(self, source: GitSource) -> SourceStatus:
        with self._database.read() as tx:
            return self._stored_status(tx, source)

    def _stored_status(self, tx: Connection, source: GitSource) -> SourceStatus:
        known = syncs.get(tx, source.name) or _new_status(source)
        return replace(known, url=shown_url(source.url), branch=source.branch)

    def _put(self, status: SourceStatus) -> None:
        with self._database.write() as tx:
            syncs.put(tx, status)
        self._bus.publish(sync_topic(status.name))

    def _record(
        self, source: GitSource, before: SourceStatus, result: SyncResult, seconds: float
    ) -> None:
        now = self._clock.now()
        commit = result.commit
        errors = [asdict(p) for p in result.problems][:_SHOWN_PROBLEMS]
        state = "READY" if result.applied else "INVALID"
        message = None if result.applied else _summary(result.problems)
        with self._database.write() as tx:
            syncs.put(
                tx,
                replace(
                    self._stored_status(tx, source),
                    state=state,
                    message=message,
                    seen_commit=commit.sha,
                    author=commit.author,
                    summary=commit.message,
                    committed_at=commit.at,
                    checked_at=now,
                    synced_at=now if result.applied else before.synced_at,
                    changed_at=before.changed_at if before.state == state else now,
                    problems=errors,
                    failures=0,
                ),
            )
            run = SyncRun(
                source.name, commit.sha, now, seconds, state, result.plan.changes(), errors
            )
            syncs.add_run(tx, run)
        _log.info(
            "synced" if result.applied else "a commit was refused",
            extra={"source": source.name, "commit": commit.sha[:12], "seconds": round(seconds, 3)},
        )
        self._bus.publish(sync_topic(source.name), "files")


def _new_status(source: GitSource) -> SourceStatus:
    return SourceStatus(source.name, shown_url(source.url), source.branch)


def _must_look(status: SourceStatus) -> bool:
    """Whether the commit seen last was never settled: its sync was cut off."""
    return status.state not in ("READY", "INVALID", "FAILED", "STALLED")


def _origin(source: GitSource, commit: Commit, entry: Entry) -> Origin:
    return Origin(source.name, commit.sha, entry.path, commit.author, commit.message)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pause(source: GitSource, failures: int) -> timedelta:
    """Until the next look: the interval with jitter, longer and longer while it fails."""
    seconds = source.interval_seconds * (1 + _JITTER * (2 * random.random() - 1))  # noqa: S311
    if failures:
        seconds = min(max(seconds, 2.0**failures), _MOST_BACK_OFF)
    return timedelta(seconds=seconds)


def _summary(problems: Sequence[Problem]) -> str:
    errors = [item for item in problems if item.is_error]
    first = str(errors[0]) if errors else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"the commit is not valid, the last good one stays live: {first}{more}"
