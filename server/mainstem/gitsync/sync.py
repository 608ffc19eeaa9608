"""One look at one source: fetch, stage, plan, and switch in one transaction."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import FILES, KV, Bus
from mainstem.clock import Clock
from mainstem.errors import Stalled
from mainstem.flowspec.problems import Problem
from mainstem.gitsync import conditions
from mainstem.gitsync.apply import Applied, Applier
from mainstem.gitsync.differences import Difference, Shelves, differences
from mainstem.gitsync.git import Git
from mainstem.gitsync.github_app import Tokens
from mainstem.gitsync.manifest import Manifest
from mainstem.gitsync.plan import SyncPlan
from mainstem.gitsync.record import Records, Run
from mainstem.gitsync.remote import HEAD, Remote
from mainstem.gitsync.repository import Commit, Repository
from mainstem.gitsync.signatures import Refused, check_range, is_tag_signed
from mainstem.gitsync.sources import SourceService
from mainstem.gitsync.stage import Baseline, Judges, Staged, Stager, layout_of
from mainstem.gitsync.testing import TestGate
from mainstem.gitsync.tree import problem
from mainstem.services.files import FileService
from mainstem.services.flows import FlowService
from mainstem.services.namespaces import NamespaceService
from mainstem.settings_git import GitSource
from mainstem.store import git_sources, syncs
from mainstem.store.database import Database
from mainstem.store.git_sources import Controls
from mainstem.store.sync_entries import Entry

_KEPT_COMMITS: Final = 50


@dataclass(frozen=True, slots=True)
class Workshop:
    """What looks at sources share."""

    git: Git
    tokens: Tokens
    sources: SourceService
    flows: FlowService
    files: FileService
    namespaces: NamespaceService
    database: Database
    clock: Clock
    bus: Bus
    folder: Path
    gate: TestGate


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a look at a source found and, unless it was a dry run, did."""

    source: str
    commit: Commit
    plan: SyncPlan
    problems: Sequence[Problem]
    applied: bool
    revisions: Mapping[str, int]
    differences: Sequence[Difference] = ()
    changed: bool = True
    """Whether there was anything new to look at."""

    @property
    def is_valid(self) -> bool:
        return not any(item.is_error for item in self.problems)


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of look is wanted."""

    cause: str = "manual"
    dry_run: bool = False
    heal: bool = False
    with_differences: bool = False


class Syncer:
    """Looks at one source; the caller sees to it that nobody else does at the same time."""

    def __init__(self, shop: Workshop, source: GitSource) -> None:
        self.source = source
        self._shop = shop
        self.repository = Repository(
            shop.folder / f"{source.name}.git", shop.git, fill=None if source.push else self._fill
        )
        self.records = Records(source, shop.database, shop.clock, shop.bus)
        self.manifest = Manifest(shop.database, source.name)
        self._dirty = True
        self._layout = layout_of(source, shop.flows.registry.types())

    def poll(self, *, drift_may_have_changed: bool) -> SyncResult | None:
        """A look by the clock: the least work when nothing happened, and None then."""
        controls = self._shop.sources.controls(self.source.name)
        status = self.records.status()
        head = self._head(controls)
        settled = status.state in ("READY", "INVALID") or (
            status.state in ("FAILED", "STALLED") and head in (status.good_commit, None)
        )
        if not settled or head != status.seen_commit or controls.layout != self._layout:
            if head is None and self.source.push:
                return None
            return self.look(Wish("poll"), drift_may_have_changed=drift_may_have_changed)
        drift = self.manifest.drifted() if drift_may_have_changed else None
        if drift and self.source.on_drift == "heal" and status.state == "READY":
            return self.look(Wish("heal"))
        self.records.reached(head, drift, controls.pin)
        return None

    def look(self, wish: Wish, *, drift_may_have_changed: bool = True) -> SyncResult:
        """Raises Transient or Stalled when the repository cannot be read."""
        self._dirty = drift_may_have_changed
        began = time.monotonic()
        controls = self._shop.sources.controls(self.source.name)
        if not wish.dry_run:
            self.records.fetching(f"asked by {wish.cause}")
        commit = self._fetch(controls)
        status = self.records.status()
        heals = wish.heal or wish.cause == "heal" or self.source.on_drift == "heal"
        again = self.manifest.drifted() if heals else []
        same = commit.sha == status.seen_commit and controls.layout == self._layout
        if same and not again and status.state == "READY" and not wish.dry_run:
            self.records.reached(commit.sha, self.manifest.drifted(), controls.pin)
            return SyncResult(self.source.name, commit, SyncPlan(), (), False, {}, changed=False)
        staged = self.prepare(commit, self.repository, again)
        return self.finish(staged, wish, began)

    def prepare(
        self, commit: Commit, repository: Repository, again: Sequence[Entry] = ()
    ) -> Staged:
        """Read and check a commit; nothing becomes live."""
        controls = self._shop.sources.controls(self.source.name)
        good = self.records.status().good_commit if controls.layout == self._layout else None
        base = Baseline(good, self.manifest, again)
        shop = self._shop
        judges = Judges(shop.flows, shop.namespaces, shop.gate.faults)
        staged = Stager(self.source, repository, judges, base).stage(commit)
        self._verify(staged, repository)
        if staged.is_valid and self.source.tests == "required":
            staged.problems += self._shop.gate.check(staged, repository, self.manifest)
        return staged

    def preview(self, staged: Staged, repository: Repository) -> SyncPlan:
        """What the staged commit would change."""
        applier = self._applier(self.source)
        applier.read_files(staged, repository, store=False)
        with self._shop.database.read() as tx:
            return applier.plan(tx, staged)

    def finish(self, staged: Staged, wish: Wish, began: float) -> SyncResult:
        """Make a valid commit live, or record why it is not."""
        source = self.source
        if wish.heal:
            source = source.model_copy(update={"on_drift": "heal"})
        applier = self._applier(source)
        commit = staged.commit
        if wish.dry_run or not staged.is_valid:
            applier.read_files(staged, self.repository, store=False)
            with self._shop.database.read() as tx:
                plan = applier.plan(tx, staged)
            found = self._differences(staged, plan) if wish.with_differences else ()
            problems = [*staged.problems, *plan.problems]
            if not wish.dry_run:
                self._refuse(Run(commit, plan, problems, {}, False, wish.cause, _since(began)))
            return SyncResult(source.name, commit, plan, problems, False, {}, found)
        return self._switch(staged, applier, wish, began)

    def _switch(self, staged: Staged, applier: Applier, wish: Wish, began: float) -> SyncResult:
        pointers = applier.read_files(staged, self.repository, store=True)
        commit, name = staged.commit, self.source.name
        # The commit must outlive the fetch of the next one before anything refers to it.
        self._keep(commit.sha)
        done: Applied | None = None
        with self._shop.database.write() as tx:
            plan = applier.plan(tx, staged)
            problems = [*staged.problems, *plan.problems]
            if not any(item.is_error for item in problems):
                done = applier.apply(tx, staged, plan, pointers, self._shop.clock.now())
                controls = git_sources.controls(tx, name)
                git_sources.put_controls(tx, replace(controls, layout=self._layout))
                run = Run(commit, plan, problems, done.revisions, True, wish.cause, _since(began))
                self.records.settled(tx, run, self._drift(tx, plan), controls.pin)
        if done is None:
            self._refuse(Run(commit, plan, problems, {}, False, wish.cause, _since(began)))
            return SyncResult(name, commit, plan, problems, False, {})
        self._shop.flows.announce()
        if staged.namespaces or any(e.kind == "namespace" for e in staged.gone):
            self._shop.namespaces.announce()
        self._shop.bus.publish(FILES, KV)
        self.records.tell()
        return SyncResult(name, commit, plan, problems, True, done.revisions)

    def _refuse(self, run: Run) -> None:
        controls = self._shop.sources.controls(self.source.name)
        with self._shop.database.write() as tx:
            self.records.settled(tx, run, None, controls.pin)
        self.records.tell()

    def _differences(self, staged: Staged, plan: SyncPlan) -> list[Difference]:
        return differences(
            staged, plan, Shelves(self._shop.database, self._shop.files, self.repository)
        )

    def _drift(self, tx: Connection, plan: SyncPlan) -> list[Entry] | None:
        """What is not as in Git; None where nothing speaks for it, and looking would cost."""
        known = syncs.conditions(tx, self.source.name).get(conditions.DRIFTED)
        quiet = known is not None and not known.status and not self._dirty
        if quiet and not any(step.note for step in plan.steps):
            return None
        return self.manifest.drifted_in(tx)

    def _applier(self, source: GitSource) -> Applier:
        names = [item.source.name for item in self._shop.sources.all()]
        return Applier(source, self._shop.flows, self._shop.files, self._shop.namespaces, names)

    def _head(self, controls: Controls) -> str | None:
        if controls.pin:
            return controls.pin
        if self.source.push:
            return self.repository.resolve(self.branch_ref) if self._exists else None
        return self._remote().head()

    def _fetch(self, controls: Controls) -> Commit:
        if controls.pin:
            if self._exists and self.repository.has(controls.pin):
                return self.repository.commit(controls.pin)
            if self.source.push:
                raise Stalled(f"the pinned commit {controls.pin[:12]} was never pushed here")
            return self._remote().fetch_commit(self.repository, controls.pin)
        if self.source.push:
            if not self._exists or self.repository.resolve(self.branch_ref) is None:
                raise Stalled(
                    f"nothing was pushed to branch {self.source.branch} of /git/"
                    f"{self.source.name} yet"
                )
            return self.repository.commit(self.branch_ref)
        since = None
        if self.source.verify is not None and self.source.verify.commits == "all":
            since = self.records.status().good_commit
        return self._remote().fetch(self.repository, since)

    @property
    def branch_ref(self) -> str:
        return f"refs/heads/{self.source.branch}"

    @property
    def _exists(self) -> bool:
        return (self.repository.folder / "HEAD").exists()

    def _fill(self, blobs: Sequence[str]) -> None:
        self._remote().fetch_blobs(self.repository, blobs)

    def _remote(self) -> Remote:
        shop = self._shop
        return Remote(self.source, shop.git, shop.tokens, allow_file=shop.sources.allow_file)

    def _verify(self, staged: Staged, repository: Repository) -> None:
        allowed = self.source.verify
        if allowed is None:
            return
        sha, git, tag = staged.commit.sha, self._shop.git, self.source.tag
        try:
            # A signed tag speaks for its commit; a pin may have left the tag behind.
            is_vouched = (
                tag is not None
                and repository.resolve(f"{HEAD}^{{commit}}") == sha
                and is_tag_signed(repository, HEAD, tag, allowed, git)
            )
            if not is_vouched or allowed.commits == "all":
                check_range(repository, sha, self.records.status().good_commit, allowed, git)
        except Refused as reason:
            text = f"commit {sha[:12]} is refused: {reason}"
            staged.problems.insert(0, problem("(commit)", "signature", text))

    def _keep(self, sha: str) -> None:
        kept = self.repository.kept()
        forget: list[str] = []
        if len(kept) > _KEPT_COMMITS:
            with self._shop.database.read() as tx:
                newest = set(syncs.commits(tx, self.source.name, _KEPT_COMMITS // 2))
            forget = [other for other in kept if other not in newest]
        self.repository.keep(sha, forget)


def _since(began: float) -> float:
    return time.monotonic() - began
