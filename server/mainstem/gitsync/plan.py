"""Desired against stored: what a commit would change (pure).

The plan looks at what the commit touches, and at nothing else; a whole repository is the case in
which everything is touched. A dry run, the page and the apply step share it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from mainstem.flowspec.problems import Problem
from mainstem.gitsync.tree import problem
from mainstem.settings_git import GitSource
from mainstem.store.sync_entries import Entry, Key, Live

SHOWN: Final = 1_000


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"
    RELEASE = "release"
    """It stays, but Git no longer says what it is."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one thing, and why where that is not plain."""

    action: Action
    entry: Entry
    note: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a commit says about what it touches, beside what is known and live.

    `previous` holds what the source owned under the wanted keys, `gone` what it owned and the
    commit lacks. `total` counts everything in the commit. `others` are owners of wanted keys.
    """

    wanted: Mapping[Key, Entry]
    gone: Sequence[Entry] = ()
    previous: Mapping[Key, Entry] = field(default_factory=dict)
    live: Mapping[Key, Live] = field(default_factory=dict)
    others: Mapping[Key, tuple[str, str]] = field(default_factory=dict)
    total: int = 1


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """Steps for everything touched; `untouched` counts the rest of what the source owns."""

    steps: Sequence[Step] = ()
    untouched: int = 0
    warnings: Sequence[str] = ()
    problems: Sequence[Problem] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return all(step.action in (Action.KEEP, Action.RELEASE) for step in self.steps)

    def having(self, *actions: Action, kind: str | None = None) -> Iterator[Entry]:
        """Entries with one of these actions."""
        for step in self.steps:
            if step.action in actions and kind in (None, step.entry.kind):
                yield step.entry

    def changes(self) -> dict[str, list[str]]:
        """Names for reports, by verb, flows first."""
        put = (Action.CREATE, Action.UPDATE)
        return {
            "create": self._names("flow", Action.CREATE),
            "update": self._names("flow", Action.UPDATE),
            "delete": self._names("flow", Action.DELETE),
            "put_files": self._names("file", *put),
            "delete_files": self._names("file", Action.DELETE),
            "set_values": self._names("kv", *put),
            "delete_values": self._names("kv", Action.DELETE),
            "set_namespaces": self._names("namespace", *put),
            "put_tests": self._names("test", *put),
            "delete_tests": self._names("test", Action.DELETE),
            "release": [shown(step.entry) for step in self.steps if step.action is Action.RELEASE],
        }

    def counts(self) -> dict[str, int]:
        """How many steps each action has; what is untouched is kept."""
        found = dict.fromkeys((action.value for action in Action), 0)
        for step in self.steps:
            found[step.action.value] += 1
        found["keep"] += self.untouched
        return found

    def _names(self, kind: str, *actions: Action) -> list[str]:
        return [shown(entry) for entry in self.having(*actions, kind=kind)]


def shown(entry: Entry) -> str:
    """The name of a thing for readers."""
    if entry.kind == "flow":
        return f"{entry.namespace}.{entry.name}"
    if entry.kind in ("test", "namespace"):
        return entry.name if entry.kind == "test" else entry.namespace
    return f"{entry.namespace}:{entry.name}"


def make_plan(asked: Asked, source: GitSource, untouched: int = 0) -> SyncPlan:
    """Every wanted and every lost thing gets one step; conflicts are problems."""
    steps: list[Step] = []
    problems: list[Problem] = []
    for key in sorted(asked.wanted):
        entry = asked.wanted[key]
        owner = asked.others.get(key)
        if owner is not None:
            text = (
                f"{entry.kind} `{shown(entry)}` belongs to Git source `{owner[0]}` (`{owner[1]}`)"
            )
            problems.append(problem(entry.path, "other-source", text))
            continue
        steps.append(_wanted(entry, asked.previous.get(key), asked.live.get(key), source))
    if asked.total == 0 and asked.gone and not source.allow_empty:
        text = "the commit holds no flows and no files: nothing was removed"
        return SyncPlan(steps, untouched + len(asked.gone), (text,), problems)
    for entry in sorted(asked.gone, key=lambda item: item.key):
        step = _lost(entry, asked.live.get(entry.key), source)
        steps.append(step)
        if step.action is Action.DELETE and source.on_delete == "fail":
            text = (
                f"{entry.kind} `{shown(entry)}` is no longer in the commit, and this source "
                "refuses removals (on_delete: fail)"
            )
            problems.append(problem(entry.path, "removal", text))
    return SyncPlan(steps, untouched, (), problems)


def _wanted(entry: Entry, previous: Entry | None, live: Live | None, source: GitSource) -> Step:
    if live is None:
        if previous is not None and previous.digest == entry.digest and _keeps_edits(entry, source):
            return Step(Action.KEEP, entry, "deleted here")
        return Step(Action.CREATE, entry)
    if live.digest == entry.digest:
        return Step(Action.KEEP, entry, "" if previous else "taken over")
    if previous is None:
        return Step(Action.UPDATE, entry, "taken over")
    is_edited = live.digest != previous.digest
    if is_edited and previous.digest == entry.digest and _keeps_edits(entry, source):
        return Step(Action.KEEP, entry, "edited here")
    return Step(Action.UPDATE, entry, "edited here" if is_edited else "")


def _keeps_edits(entry: Entry, source: GitSource) -> bool:
    return source.on_drift == "keep" and entry.kind != "test"


def _lost(entry: Entry, live: Live | None, source: GitSource) -> Step:
    if live is None:
        return Step(Action.RELEASE, entry, "not there any more")
    if any(_lies_in(entry.namespace, name) for name in source.protected_namespaces):
        return Step(Action.RELEASE, entry, "protected namespace")
    if source.on_delete == "keep":
        return Step(Action.RELEASE, entry, "on_delete: keep")
    if live.digest != entry.digest and source.on_drift == "keep":
        return Step(Action.RELEASE, entry, "edited here")
    return Step(Action.DELETE, entry)


def _lies_in(namespace: str, outer: str) -> bool:
    return namespace == outer or namespace.startswith(f"{outer}.")
