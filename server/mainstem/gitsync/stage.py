"""Reading and checking a commit before anything of it becomes live.

Cost follows the change: what the live commit brought unchanged is neither read nor parsed again,
as long as the program, the settings and the layout are those that judged it.
"""

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from mainstem import __version__
from mainstem.flowspec.parse import ParsedFlow
from mainstem.flowspec.problems import Problem
from mainstem.gitsync.ignore import Ignored, candidates, is_ignore_file
from mainstem.gitsync.manifest import Manifest
from mainstem.gitsync.mapping import place_flow
from mainstem.gitsync.repository import Commit, Entry, Repository
from mainstem.gitsync.spaces import broken_flows, digest_of, read_namespace
from mainstem.gitsync.tree import FileSource, Sources, ValueSource, classify, problem
from mainstem.gitsync.values import Value, read_values
from mainstem.model.flow_id import FlowId
from mainstem.sdk.flow import Flow
from mainstem.services.flows import FlowService
from mainstem.services.namespaces import NamespaceProperties, NamespaceService
from mainstem.settings_git import GitSource
from mainstem.store.flows import hash_source
from mainstem.store.sync_entries import Entry as Owned
from mainstem.store.sync_entries import Key

_MANY: Final = 2_000
_MANY_FLOWS: Final = 200


@dataclass(frozen=True, slots=True)
class Baseline:
    """The live commit, what it brought, and what must be read again although it did not change."""

    commit: str | None
    manifest: Manifest
    again: Sequence[Owned] = ()


@dataclass(frozen=True, slots=True)
class Judges:
    """Who says whether what a commit brings is valid."""

    flows: FlowService
    namespaces: NamespaceService
    tests: Callable[[str, str], Sequence[Problem]]


@dataclass(slots=True)
class Staged:
    """What a commit touches, checked; `total` counts everything that it holds."""

    commit: Commit
    wanted: dict[Key, Owned] = field(default_factory=dict)
    gone: list[Owned] = field(default_factory=list)
    flows: dict[Key, ParsedFlow] = field(default_factory=dict)
    tests: dict[Key, str] = field(default_factory=dict)
    values: dict[Key, Value] = field(default_factory=dict)
    files: dict[Key, FileSource] = field(default_factory=dict)
    namespaces: dict[Key, NamespaceProperties] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    total: int = 0

    @property
    def is_valid(self) -> bool:
        return not any(item.is_error for item in self.problems)


def layout_of(source: GitSource, types: Iterable[str]) -> str:
    """A digest of all that decides how a commit is read, besides the commit itself."""
    parts = [__version__, source.directory, *source.flows, *sorted(types)]
    parts += [mapping.model_dump_json() for mapping in source.namespaces]
    parts += [mapping.model_dump_json() for mapping in source.files or ()]
    parts.append("own" if source.files is not None else "usual")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Stager:
    """Stages one commit of one source."""

    def __init__(
        self, source: GitSource, repository: Repository, judges: Judges, base: Baseline
    ) -> None:
        self._source = source
        self._repository = repository
        self._flows = judges.flows
        self._namespaces = judges.namespaces
        self._faults = judges.tests
        self._base = base

    def stage(self, commit: Commit) -> Staged:
        """Read what is new, parse and validate it; problems are collected, never raised."""
        staged = Staged(commit)
        changed = self._changes(commit)
        if changed is None:
            self._whole(staged)
        else:
            self._part(staged, *changed)
        return staged

    def _changes(self, commit: Commit) -> tuple[list[Entry], list[str]] | None:
        """What differs from the live commit; None when everything must be looked at."""
        base = self._base.commit
        if base is None or not self._repository.has(base):
            return None
        there, gone = self._repository.changed(base, commit.sha)
        paths = [entry.path for entry in there] + gone
        if len(paths) > _MANY or any(is_ignore_file(path) for path in paths):
            return None
        return there, gone

    def _part(self, staged: Staged, there: list[Entry], gone: list[str]) -> None:
        sha = staged.commit.sha
        touched = {entry.path for entry in there} | set(gone)
        again = sorted({e.path for e in self._base.again} - touched)
        there = there + self._repository.find(sha, again)
        touched |= set(again)
        found = classify(there, self._source, self._ignored(sha, [e.path for e in there]))
        self._read(staged, found, {})
        before = self._base.manifest.at_paths(sorted(touched))
        staged.gone = [entry for entry in before if entry.key not in staged.wanted]
        elsewhere = self._base.manifest.with_keys(staged.wanted.keys())
        for key, entry in elsewhere.items():
            if entry.path not in touched and entry.path:
                self._twice(staged, key, entry.path)
        new = sum(1 for key in staged.wanted if key not in elsewhere)
        staged.total = self._base.manifest.count() - len(staged.gone) + new

    def _whole(self, staged: Staged) -> None:
        sha = staged.commit.sha
        entries = list(self._repository.entries(sha))
        ignored = self._ignored_of([e for e in entries if is_ignore_file(e.path)])
        owned = self._base.manifest.all()
        known: dict[tuple[str, str], list[Owned]] = {}
        if self._base.commit is not None:
            again = {entry.key for entry in self._base.again}
            for entry in owned:
                if entry.blob and entry.key not in again:
                    known.setdefault((entry.path, entry.blob), []).append(entry)
        self._read(staged, classify(entries, self._source, ignored), known)
        staged.gone = [entry for entry in owned if entry.key not in staged.wanted]
        staged.total = len(staged.wanted)

    def _read(
        self, staged: Staged, found: Sources, known: Mapping[tuple[str, str], list[Owned]]
    ) -> None:
        staged.problems += found.problems
        new = []
        for entry in found.flows:
            held = known.get((entry.path, entry.blob))
            if held:
                self._hold(staged, held)
            else:
                new.append(entry)
        with _rarely_collected(len(new)) as collect:
            for number, (entry, content) in enumerate(self._repository.read(new), 1):
                self._take_flow(staged, entry, content)
                if number % _MANY_FLOWS == 0:
                    collect()
        for entry, content in self._repository.read(found.tests):
            text = self._text(staged, entry, content)
            if text is not None:
                self._take_test(staged, entry, text)
        by_path = {value.entry.path: value for value in found.values}
        for entry, content in self._repository.read([value.entry for value in found.values]):
            self._take_values(staged, by_path[entry.path], content)
        by_path = {value.entry.path: value for value in found.namespaces}
        for entry, content in self._repository.read([v.entry for v in found.namespaces]):
            self._take_namespace(staged, by_path[entry.path], content)
        for file in found.files:
            self._take_file(staged, file, known)

    def _hold(self, staged: Staged, held: Sequence[Owned]) -> None:
        for entry in held:
            if entry.key in staged.wanted:
                self._twice(staged, entry.key, entry.path)
            else:
                staged.wanted[entry.key] = entry

    def _take_flow(self, staged: Staged, entry: Entry, content: bytes) -> None:
        text = self._text(staged, entry, content)
        if text is None:
            return
        if self._source.namespaces:
            text, fault = place_flow(text, entry.path, self._source)
            staged.problems += [fault] if fault else []
        parsed = self._flows.parse(text, entry.path)
        staged.problems += parsed.problems
        if parsed.flow is None:
            return
        flow = parsed.flow
        key = ("flow", flow.namespace, flow.id)
        if key in staged.wanted:
            self._twice(staged, key, entry.path)
            return
        digest = hash_source(parsed.source)
        staged.wanted[key] = Owned(*key, entry.path, entry.blob, digest)
        staged.flows[key] = parsed if self._source.tests == "required" else _outline(parsed)

    def _take_test(self, staged: Staged, entry: Entry, text: str) -> None:
        staged.problems += self._faults(text, entry.path)
        key = ("test", "", entry.path)
        staged.wanted[key] = Owned(*key, entry.path, entry.blob, hash_source(text))
        staged.tests[key] = text

    def _take_values(self, staged: Staged, source: ValueSource, content: bytes) -> None:
        text = self._text(staged, source.entry, content)
        if text is None:
            return
        values, faults = read_values(text, source.entry.path)
        staged.problems += faults
        for name, value in values.items():
            key = ("kv", source.namespace, name)
            if key in staged.wanted:
                self._twice(staged, key, source.entry.path)
                continue
            entry = source.entry
            staged.wanted[key] = Owned(*key, entry.path, entry.blob, value.digest)
            staged.values[key] = value

    def _take_namespace(self, staged: Staged, source: ValueSource, content: bytes) -> None:
        text = self._text(staged, source.entry, content)
        if text is None:
            return
        entry = source.entry
        made, faults = read_namespace(text, entry.path, source.namespace, self._namespaces)
        staged.problems += faults
        if made is None:
            return
        key = ("namespace", source.namespace, source.namespace)
        if key in staged.wanted:
            self._twice(staged, key, entry.path)
            return
        staged.problems += broken_flows(made, self._namespaces, self._flows, entry.path)
        staged.wanted[key] = Owned(*key, entry.path, entry.blob, digest_of(made))
        staged.namespaces[key] = made

    def _take_file(
        self, staged: Staged, file: FileSource, known: Mapping[tuple[str, str], list[Owned]]
    ) -> None:
        key = ("file", file.namespace, file.path)
        if key in staged.wanted:
            text = (
                f"`{staged.wanted[key].path}` already gives `{file.path}` of namespace "
                f"`{file.namespace}`"
            )
            staged.problems.append(problem(file.entry.path, "duplicate-file", text))
            return
        held = known.get((file.entry.path, file.entry.blob))
        if held and held[0].key == key:
            staged.wanted[key] = held[0]
            return
        # Its digest is that of the content, which is read once the commit is known to be valid.
        staged.wanted[key] = Owned(*key, file.entry.path, file.entry.blob, "")
        staged.files[key] = file

    def _text(self, staged: Staged, entry: Entry, content: bytes) -> str | None:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            reason = f"the file is not UTF-8 text (byte {error.start})"
            staged.problems.append(problem(entry.path, "encoding", reason))
            return None

    def _twice(self, staged: Staged, key: Key, path: str) -> None:
        first = staged.wanted[key].path
        kind, namespace, name = key
        if kind == "flow":
            text = f"flow `{FlowId(namespace, name)}` is also in `{first}`"
            staged.problems.append(problem(path, "duplicate-flow", text))
        elif kind == "file":
            text = f"`{path}` already gives `{name}` of namespace `{namespace}`"
            staged.problems.append(problem(first, "duplicate-file", text))
        else:
            text = f"`{name}` of namespace `{namespace}` is also in `{first}`"
            staged.problems.append(problem(path, "duplicate-value", text))

    def _ignored(self, sha: str, paths: Sequence[str]) -> Ignored:
        return self._ignored_of(self._repository.find(sha, candidates(paths)))

    def _ignored_of(self, files: Sequence[Entry]) -> Ignored:
        return Ignored(
            {
                e.path: content.decode("utf-8", "replace")
                for e, content in self._repository.read(files)
            }
        )


def _outline(parsed: ParsedFlow) -> ParsedFlow:
    """What is stored and watched of a flow: tasks are the bulk of a large commit in memory."""
    flow = parsed.flow
    if flow is None or flow.triggers:
        return parsed
    bare = Flow.model_construct(
        id=flow.id,
        namespace=flow.namespace,
        description=flow.description,
        labels=flow.labels,
        disabled=flow.disabled,
        tasks=(),
    )
    return replace(parsed, flow=bare)


@contextmanager
def _rarely_collected(count: int) -> Iterator[Callable[[], object]]:
    """Collecting by the number of allocations costs a third of the time of a large commit.

    What is given collects what is young alone: documents, whose nodes refer to each other.
    """
    if count < _MANY_FLOWS or not gc.isenabled():
        yield lambda: None
        return
    gc.disable()
    try:
        yield lambda: gc.collect(0)
    finally:
        gc.enable()
