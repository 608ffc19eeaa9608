"""One transaction switches to a commit: flows, files, values, the manifest and the record of it."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from mainstem.gitsync import manifest
from mainstem.gitsync.plan import Action, Asked, SyncPlan, make_plan
from mainstem.gitsync.repository import Repository
from mainstem.gitsync.stage import Staged
from mainstem.gitsync.tree import problem
from mainstem.model.flow_id import FlowId
from mainstem.services.files import FileOrigin, FileService
from mainstem.services.flows import FlowChange, FlowService
from mainstem.services.namespaces import NamespaceOrigin, NamespaceService
from mainstem.settings_git import GitSource
from mainstem.store import kv as kv_rows
from mainstem.store import sync_entries
from mainstem.store.flows import Origin
from mainstem.store.kv import StoredKv
from mainstem.store.namespace_files import StoredFile
from mainstem.store.sync_entries import Key, Live

_LFS: Final = b"version https://git-lfs.github.com/spec/v1\n"
_OF_LFS: Final = (
    "this is a pointer of Git LFS, whose content is not in the repository: what is synced is the "
    "pointer; commit the file itself, or fetch it by a task"
)
_PUT = (Action.CREATE, Action.UPDATE)


@dataclass(frozen=True, slots=True)
class Applied:
    """What one transaction did; `revisions` are those of the flows it changed."""

    plan: SyncPlan
    revisions: Mapping[str, int]


class Applier:
    """Plans and applies staged commits of one source."""

    def __init__(
        self,
        source: GitSource,
        flows: FlowService,
        files: FileService,
        namespaces: NamespaceService,
        configured: Collection[str],
    ) -> None:
        self._source = source
        self._flows = flows
        self._files = files
        self._namespaces = namespaces
        self._configured = configured

    def read_files(
        self, staged: Staged, repository: Repository, *, store: bool
    ) -> dict[Key, StoredFile]:
        """Learn the digests of files, and store their contents, which nothing points to yet."""
        origin = FileOrigin(self._source.name, staged.commit.sha)
        by_path = {file.entry.path: (key, file) for key, file in staged.files.items()}
        pointers: dict[Key, StoredFile] = {}
        for entry, content in repository.read([f.entry for f in staged.files.values()]):
            key, file = by_path[entry.path]
            if content.startswith(_LFS):
                staged.problems.append(problem(entry.path, "lfs", _OF_LFS, "warning"))
            digest = hashlib.sha256(content).hexdigest()
            if store:
                pointers[key] = self._files.stage(file.namespace, file.path, content, origin)
            staged.wanted[key] = replace(staged.wanted[key], digest=digest)
        return pointers

    def plan(self, tx: Connection, staged: Staged) -> SyncPlan:
        """What would change, compared to what is live in this transaction."""
        asked = self._asked(tx, staged)
        untouched = sync_entries.count(tx, self._source.name) - len(asked.previous)
        return make_plan(asked, self._source, untouched - len(asked.gone))

    def apply(
        self,
        tx: Connection,
        staged: Staged,
        plan: SyncPlan,
        pointers: Mapping[Key, StoredFile],
        now: datetime,
    ) -> Applied:
        """Make the plan true; call `announce` of the flow service afterwards."""
        previous = manifest.owned(tx, self._source.name, staged.wanted.keys())
        revisions = self._apply_flows(tx, staged, plan, previous)
        gone_files = [(e.namespace, e.name) for e in plan.having(Action.DELETE, kind="file")]
        put_files = [pointers[e.key] for e in plan.having(*_PUT, kind="file") if e.key in pointers]
        self._files.switch(tx, put_files, gone_files)
        self._apply_values(tx, staged, plan, now)
        self._namespaces.apply(
            tx,
            [
                staged.namespaces[e.key]
                for e in plan.having(*_PUT, kind="namespace")
                if e.key in staged.namespaces
            ],
            [e.namespace for e in plan.having(Action.DELETE, kind="namespace")],
            NamespaceOrigin(self._source.name, staged.commit.sha),
        )
        self._own(tx, plan, previous)
        return Applied(plan, revisions)

    def _asked(self, tx: Connection, staged: Staged) -> Asked:
        name = self._source.name
        previous = manifest.owned(tx, name, staged.wanted.keys())
        live = manifest.live_under(tx, [*staged.wanted.values(), *staged.gone])
        for entry in [*previous.values(), *staged.gone]:
            if entry.kind == "test":
                live[entry.key] = Live(entry.digest, name)
        return Asked(
            staged.wanted,
            staged.gone,
            previous,
            live,
            manifest.others(tx, name, staged.wanted.keys(), self._configured),
            staged.total,
        )

    def _apply_flows(
        self,
        tx: Connection,
        staged: Staged,
        plan: SyncPlan,
        previous: Mapping[Key, sync_entries.Entry],
    ) -> dict[str, int]:
        put = {entry.key for entry in plan.having(*_PUT, kind="flow")}
        moved = {
            entry.key
            for step in plan.steps
            if step.action is Action.KEEP and step.note != "edited here"
            for entry in [step.entry]
            if entry.kind == "flow" and _is_other_place(entry, previous.get(entry.key))
        }
        changes = [
            FlowChange(staged.flows[key], self._origin(staged, key))
            for key in sorted(put | moved)
            if key in staged.flows
        ]
        deletes = [FlowId(e.namespace, e.name) for e in plan.having(Action.DELETE, kind="flow")]
        saved = self._flows.apply(tx, changes, deletes)
        return {
            str(item.flow): item.revision
            for item in saved
            if ("flow", item.flow.namespace, item.flow.id) in put
        }

    def _origin(self, staged: Staged, key: Key) -> Origin:
        commit = staged.commit
        path = staged.wanted[key].path
        return Origin(self._source.name, commit.sha, path, commit.author, commit.message)

    def _apply_values(self, tx: Connection, staged: Staged, plan: SyncPlan, now: datetime) -> None:
        for entry in plan.having(*_PUT, kind="kv"):
            value = staged.values.get(entry.key)
            if value is None:
                continue
            old = kv_rows.get(tx, entry.namespace, entry.name)
            new = StoredKv(
                entry.namespace,
                entry.name,
                value.kind,
                value.value,
                created_at=old.created_at if old else now,
                updated_at=now,
                description=value.description,
                revision=old.revision + 1 if old else 1,
            )
            kv_rows.put(tx, new)
        for entry in plan.having(Action.DELETE, kind="kv"):
            kv_rows.remove(tx, entry.namespace, entry.name)

    def _own(
        self, tx: Connection, plan: SyncPlan, previous: Mapping[Key, sync_entries.Entry]
    ) -> None:
        kept = plan.having(Action.CREATE, Action.UPDATE, Action.KEEP)
        sync_entries.put(tx, self._source.name, [e for e in kept if previous.get(e.key) != e])
        lost = plan.having(Action.DELETE, Action.RELEASE)
        sync_entries.remove(tx, self._source.name, [e.key for e in lost])


def _is_other_place(entry: sync_entries.Entry, before: sync_entries.Entry | None) -> bool:
    return before is None or before.path != entry.path
