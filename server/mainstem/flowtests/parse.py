"""Text to a suite, with every problem of the text in one pass."""

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mainstem.flowspec.build import Builder
from mainstem.flowspec.problems import Problem
from mainstem.flowspec.source import Source, load
from mainstem.flowspec.wording import Wording
from mainstem.flowtests.suite import Suite
from mainstem.model.flow_id import NAMESPACE
from mainstem.sdk.flow import Flow
from mainstem.sdk.registry import Registry

SUFFIXES: Final = (".test.yaml", ".test.yml")


def is_test_file(name: str) -> bool:
    """Whether a file of this name holds unit tests of a flow."""
    return name.endswith(SUFFIXES)


@dataclass(frozen=True, slots=True)
class TestFile:
    """A file of tests as it was found."""

    __test__ = False  # pytest, where it is imported

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class ParsedSuite:
    """A suite, unless errors were found, and all problems in the order of the source."""

    path: str
    suite: Suite | None
    problems: tuple[Problem, ...]
    wording: Wording

    def problem(self, loc: tuple[str | int, ...], code: str, message: str) -> Problem:
        """A problem with the value at a location such as ("testCases", 0, "assertions", 1)."""
        container: Any = self.wording.source.data
        key: str | int | None = None
        for part in loc:
            if key is not None:
                container = container[key]
            key = part
        return self.wording.problem(container, key, code, message)


def parse_suite(file: TestFile, registry: Registry) -> ParsedSuite:
    """Read a file of tests; never raises on bad input."""
    text = load(file.text)
    wording = Wording(text, file.path)
    problems = [
        Problem(file.path, *remark.at, remark.code, remark.message, "error", remark.suggestion)
        for remark in text.remarks
    ]
    suite = None
    if isinstance(text.data, dict):
        suite, found = _build(text, registry, wording)
        problems.extend(found)
    elif not problems:
        problems.append(Problem(file.path, 1, 1, "not-a-map", "a test file is a map of properties"))
    ordered = tuple(sorted(dict.fromkeys(problems), key=lambda item: (item.line, item.column)))
    return ParsedSuite(file.path, None if ordered else suite, ordered, wording)


def _build(
    source: Source, registry: Registry, wording: Wording
) -> tuple[Suite | None, list[Problem]]:
    data: Any = source.data
    builder = Builder(registry, source)
    suite = builder.build_properties(Suite, data)
    problems = [item for record in builder.records.values() for item in wording.problems_of(record)]
    namespace = data.get("namespace")
    if isinstance(namespace, str) and not NAMESPACE.fullmatch(namespace):
        text = f'must match "^{NAMESPACE.pattern}"'
        problems.append(wording.problem(data, "namespace", "invalid-namespace", text))
    return suite, problems


def check_suite(parsed: ParsedSuite, flow: Flow) -> Iterator[Problem]:
    """What the suite names that the flow does not have."""
    assert parsed.suite is not None
    tasks = [task.id for task in flow.all_tasks()]
    inputs = [declared.id for declared in flow.inputs]
    for number, case in enumerate(parsed.suite.test_cases):
        at = ("testCases", number, "fixtures")
        for name in case.fixtures.inputs:
            if name not in inputs:
                yield _unknown(parsed, (*at, "inputs", name), f"input `{name}`", name, inputs)
        for position, fixture in enumerate(case.fixtures.tasks):
            loc = (*at, "tasks", position, "id")
            if fixture.id not in tasks:
                yield _unknown(parsed, loc, f"task `{fixture.id}`", fixture.id, tasks)
        for position, assertion in enumerate(case.assertions):
            if assertion.task_id is not None and assertion.task_id not in tasks:
                where = ("testCases", number, "assertions", position, "taskId")
                name = assertion.task_id
                yield _unknown(parsed, where, f"task `{name}`", name, tasks)


def _unknown(
    parsed: ParsedSuite,
    loc: tuple[str | int, ...],
    what: str,
    name: str,
    known: Collection[str],
) -> Problem:
    assert parsed.suite is not None
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    message = f"flow `{parsed.suite.flow}` has no {what}.{hint}"
    return parsed.problem(loc, "unknown-fixture", message)
