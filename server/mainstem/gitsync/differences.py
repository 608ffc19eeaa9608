"""What a plan changes, as text before and after, for readers of a dry run."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final

from mainstem.errors import NotFound
from mainstem.gitsync.plan import Action, SyncPlan, shown
from mainstem.gitsync.repository import Repository
from mainstem.gitsync.stage import Staged
from mainstem.model.flow_id import FlowId
from mainstem.services.files import FileService
from mainstem.store import flows as flow_rows
from mainstem.store import kv as kv_rows
from mainstem.store.columns import dump_json
from mainstem.store.database import Database
from mainstem.store.sync_entries import Entry

_MOST: Final = 100
_LARGEST: Final = 200_000
_CHANGES: Final = (Action.CREATE, Action.UPDATE, Action.DELETE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing before and after; empty text where it is not there, None where it is no text."""

    kind: str
    action: str
    name: str
    path: str
    before: str | None
    after: str | None

    def unified(self) -> str:
        """In the form of `diff -u`."""
        if self.before is None or self.after is None:
            return f"Binary or large file {self.name} differs\n"
        lines = unified_diff(
            self.before.splitlines(),
            self.after.splitlines(),
            f"a/{self.name}" if self.before else "/dev/null",
            f"b/{self.name}" if self.after else "/dev/null",
            lineterm="",
        )
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where the two sides are found."""

    database: Database
    files: FileService
    repository: Repository


def differences(staged: Staged, plan: SyncPlan, shelves: Shelves) -> list[Difference]:
    """The first hundred changes of a plan."""
    found = []
    for step in list(_changing(plan))[:_MOST]:
        entry = step[1]
        after = "" if step[0] is Action.DELETE else _after(entry, staged, shelves)
        before = "" if step[0] is Action.CREATE else _before(entry, shelves)
        found.append(Difference(entry.kind, step[0].value, shown(entry), entry.path, before, after))
    return found


def _changing(plan: SyncPlan) -> Iterator[tuple[Action, Entry]]:
    for step in plan.steps:
        if step.action in _CHANGES:
            yield step.action, step.entry


def _before(entry: Entry, shelves: Shelves) -> str | None:
    with shelves.database.read() as tx:
        if entry.kind == "flow":
            return flow_rows.latest(tx, FlowId(entry.namespace, entry.name)).source
        if entry.kind == "kv":
            stored = kv_rows.get(tx, entry.namespace, entry.name)
            return "" if stored is None else _value(stored.kind, stored.value)
    if entry.kind != "file":
        return ""
    try:
        return _text(shelves.files.read(entry.namespace, entry.name))
    except NotFound:
        return ""


def _after(entry: Entry, staged: Staged, shelves: Shelves) -> str | None:
    if entry.key in staged.flows:
        return staged.flows[entry.key].source
    if entry.key in staged.values:
        value = staged.values[entry.key]
        return _value(value.kind, value.value)
    if entry.key in staged.tests:
        return staged.tests[entry.key]
    return _text(shelves.repository.text(staged.commit.sha, entry.path) or b"")


def _value(kind: str, value: object) -> str:
    return f"{kind} {dump_json(value)}\n"


def _text(content: bytes) -> str | None:
    if len(content) > _LARGEST or b"\0" in content[:8_000]:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
