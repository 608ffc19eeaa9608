"""Unit tests of flows as a condition of going live."""

import importlib
from collections.abc import Sequence

from mainstem.errors import MainstemError
from mainstem.flowspec.problems import Problem
from mainstem.gitsync.manifest import Manifest
from mainstem.gitsync.repository import Repository
from mainstem.gitsync.stage import Staged
from mainstem.gitsync.tree import problem
from mainstem.model.flow_id import FlowId
from mainstem.sdk.flow import Flow
from mainstem.services.flows import FlowService
from mainstem.settings import Settings
from mainstem.store.sync_entries import Entry


class TestGate:
    """Runs every test of a commit against the commit's flows and files.

    What runs them is a world of its own, which is loaded once a repository has tests: the start of
    a server need not wait for it.
    """

    __test__ = False  # pytest, where it is imported

    def __init__(self, settings: Settings, flows: FlowService) -> None:
        self._settings = settings
        self._flows = flows

    def check(self, staged: Staged, repository: Repository, manifest: Manifest) -> list[Problem]:
        """Faults of the tests and assertions that do not hold; none lets the commit go live."""
        whole = _whole(staged, manifest.all())
        paths = sorted({entry.path for entry in whole if entry.kind == "test"})
        if not paths:
            text = "this source requires tests, and the commit has none: add flows/**/*.test.yaml"
            return [problem("flows", "no-tests", text)]
        blobs = repository.find(staged.commit.sha, paths)
        gate = importlib.import_module("mainstem.flowtests.gate")
        tests = [
            gate.TestFile(blob.path, content.decode("utf-8", "replace"))
            for blob, content in repository.read(blobs)
        ]
        found: list[Problem] = []
        flows = list(self._all_flows(staged, whole, found))
        files = [
            (entry.namespace, entry.name, content)
            for entry, content in _contents(whole, repository, staged.commit.sha)
        ]
        found += gate.check(flows, tests, self._flows.registry, self._settings, files=files)
        return found

    def faults(self, text: str, path: str) -> Sequence[Problem]:
        """What is wrong with a file of tests as it is written."""
        parse = importlib.import_module("mainstem.flowtests.parse")
        found: tuple[Problem, ...] = parse.parse_suite(
            parse.TestFile(path, text), self._flows.registry
        ).problems
        return found

    def _all_flows(
        self, staged: Staged, whole: Sequence[Entry], found: list[Problem]
    ) -> Sequence[Flow]:
        flows = []
        for entry in whole:
            parsed = staged.flows.get(entry.key)
            if parsed is not None and parsed.flow is not None:
                flows.append(parsed.flow)
            elif entry.kind == "flow":
                try:
                    flows.append(self._flows.load(FlowId(entry.namespace, entry.name)))
                except MainstemError as error:
                    found.append(problem(entry.path, "unreadable", error.message))
        return flows


def _whole(staged: Staged, owned: Sequence[Entry]) -> list[Entry]:
    """Everything that the commit holds: what it touches, and what it left as it was."""
    gone = {entry.key for entry in staged.gone}
    rest = [e for e in owned if e.key not in staged.wanted and e.key not in gone]
    return [*staged.wanted.values(), *rest]


def _contents(
    whole: Sequence[Entry], repository: Repository, sha: str
) -> Sequence[tuple[Entry, bytes]]:
    by_path = {entry.path: entry for entry in whole if entry.kind == "file"}
    blobs = repository.find(sha, sorted(by_path))
    return [(by_path[blob.path], content) for blob, content in repository.read(blobs)]
