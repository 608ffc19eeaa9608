"""The tests of a commit as problems: none means that the commit may go live."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mainstem.flowspec.problems import Problem
from mainstem.flowtests.cases import SECONDS, CaseResult, Verdict, run_case
from mainstem.flowtests.parse import ParsedSuite, TestFile, check_suite, parse_suite
from mainstem.flowtests.world import Surroundings
from mainstem.model.flow_id import FlowId
from mainstem.sdk.flow import Flow
from mainstem.sdk.registry import Registry
from mainstem.services.plugin_settings import plugin_settings
from mainstem.settings import Settings, process_environment

__all__ = [
    "CaseResult",
    "NamespaceFile",
    "RunOptions",
    "SuiteResult",
    "TestFile",
    "check",
    "problems_of",
    "run_tests",
]

NamespaceFile = tuple[str, str, bytes]
"""Namespace, path within it, content."""

# Commands of unmocked tasks need these; credentials of the server are not for tests.
_INHERITED: Final = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV"})


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run; `environment` None gives commands of unmocked tasks a minimal one."""

    seconds: float = SECONDS
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """A file of tests with what came of its cases; problems keep them from being run."""

    parsed: ParsedSuite
    problems: tuple[Problem, ...]
    cases: tuple[CaseResult, ...] = ()


def check(
    flows: Sequence[Flow],
    tests: Sequence[TestFile],
    registry: Registry,
    settings: Settings,
    *,
    files: Sequence[NamespaceFile] = (),
) -> list[Problem]:
    """Run the tests of a commit; every fault and every failed assertion with its place.

    `flows` are all flows of the commit, `files` its namespace files. Runs in the caller's thread,
    a minute at most for each case; nothing of the server is touched.
    """
    results = run_tests(flows, tests, registry, settings, files=files)
    return [problem for result in results for problem in problems_of(result)]


def run_tests(
    flows: Sequence[Flow],
    tests: Sequence[TestFile],
    registry: Registry,
    settings: Settings,
    *,
    files: Sequence[NamespaceFile] = (),
    options: RunOptions = RunOptions(),
) -> Iterator[SuiteResult]:
    """Each file of tests in turn, run as it is taken from the iterator."""
    environment = options.environment
    if environment is None:
        mine = process_environment()
        environment = {key: value for key, value in mine.items() if key in _INHERITED}
    by_id = {flow.flow_id: flow for flow in flows}
    around = Surroundings(
        registry,
        plugin_settings(settings, environment),
        by_id,
        tuple(files),
        settings.timezone,
        settings.variables.globals,
    )
    for test in tests:
        yield _run_file(test, by_id, around, options.seconds)


def _run_file(
    test: TestFile, flows: Mapping[FlowId, Flow], around: Surroundings, seconds: float
) -> SuiteResult:
    parsed = parse_suite(test, around.registry)
    suite = parsed.suite
    if suite is None:
        return SuiteResult(parsed, parsed.problems)
    flow = flows.get(suite.flow)
    if flow is None:
        text = f"there is no flow `{suite.flow}` for these tests"
        return SuiteResult(parsed, (parsed.problem(("flowId",), "unknown-flow", text),))
    problems = tuple(check_suite(parsed, flow))
    if problems:
        return SuiteResult(parsed, problems)
    numbers = range(len(suite.test_cases))
    return SuiteResult(
        parsed, (), tuple(run_case(suite, number, around, seconds) for number in numbers)
    )


def problems_of(result: SuiteResult) -> Iterator[Problem]:
    """The faults of a file and of its cases."""
    yield from result.problems
    for item in result.cases:
        at = ("testCases", item.number)
        if item.verdict in (Verdict.SUCCESS, Verdict.SKIPPED):
            continue
        for error in item.errors:
            text = f"test `{item.case.id}`: {error}"
            yield result.parsed.problem((*at, "id"), "test-failed", text)
        for found in item.assertions:
            if not found.holds:
                text = f"test `{item.case.id}`: {found.message}"
                where = (*at, "assertions", found.number, found.operator)
                yield result.parsed.problem(where, "assertion-failed", text)
