"""Results for people, for programs and for continuous integration."""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as xml

from mainstem.flowtests.cases import CaseResult, Verdict
from mainstem.flowtests.gate import SuiteResult, problems_of

_WORDS = {
    Verdict.SUCCESS: "ok   ",
    Verdict.FAILED: "FAIL ",
    Verdict.ERROR: "ERROR",
    Verdict.SKIPPED: "skip ",
}


def lines_of(result: SuiteResult) -> Iterator[str]:
    """One line for the file, one for each case, one for each fault."""
    suite = result.parsed.suite
    about = f"  {suite.id} ({suite.flow})" if suite is not None else ""
    yield f"{result.parsed.path}{about}"
    for problem in result.problems:
        yield f"  {problem}"
    for item in result.cases:
        yield f"  {_WORDS[item.verdict]} {item.case.id} ({item.seconds:.2f}s)"
        yield from (f"        {problem}" for problem in _problems(result, item))


def _problems(result: SuiteResult, item: CaseResult) -> Iterator[object]:
    one = SuiteResult(result.parsed, (), (item,))
    yield from problems_of(one)


def summary(results: Sequence[SuiteResult], seconds: float) -> str:
    """How many of which."""
    counts = {verdict: 0 for verdict in Verdict}
    for result in results:
        for item in result.cases:
            counts[item.verdict] += 1
    unread = sum(1 for result in results if result.problems)
    parts = [f"{counts[Verdict.SUCCESS]} passed", f"{counts[Verdict.FAILED]} failed"]
    if counts[Verdict.ERROR]:
        parts.append(f"{counts[Verdict.ERROR]} could not be judged")
    if counts[Verdict.SKIPPED]:
        parts.append(f"{counts[Verdict.SKIPPED]} skipped")
    if unread:
        parts.append(f"{unread} file{'s' if unread != 1 else ''} with problems")
    return f"{', '.join(parts)} in {seconds:.1f}s"


def is_good(results: Sequence[SuiteResult]) -> bool:
    """Whether every file could be read and every case that ran passed."""
    good = (Verdict.SUCCESS, Verdict.SKIPPED)
    return all(
        not result.problems and all(item.verdict in good for item in result.cases)
        for result in results
    )


def as_json(results: Sequence[SuiteResult]) -> list[dict[str, object]]:
    """Plain values, named as the reference's API names them."""
    return [
        {
            "path": result.parsed.path,
            "testSuiteId": result.parsed.suite.id if result.parsed.suite else None,
            "namespace": result.parsed.suite.namespace if result.parsed.suite else None,
            "flowId": result.parsed.suite.flow_id if result.parsed.suite else None,
            "problems": [str(problem) for problem in result.problems],
            "results": [_case(item) for item in result.cases],
        }
        for result in results
    ]


def _case(item: CaseResult) -> dict[str, object]:
    return {
        "testId": item.case.id,
        "testType": item.case.type,
        "state": item.verdict.value,
        "executionState": item.execution.state.value if item.execution else None,
        "seconds": round(item.seconds, 3),
        "errors": [{"message": error} for error in item.errors],
        "assertionResults": [
            {
                "operator": found.operator,
                "expected": found.expected,
                "actual": found.actual,
                "isSuccess": found.holds,
                "taskId": found.task_id,
                "errorMessage": found.message or None,
            }
            for found in item.assertions
        ],
    }


def junit(results: Sequence[SuiteResult]) -> str:
    """The XML that continuous integration reads."""
    root = xml.Element("testsuites")
    for result in results:
        suite = result.parsed.suite
        node = xml.SubElement(
            root,
            "testsuite",
            name=suite.id if suite else result.parsed.path,
            tests=str(len(result.cases) or len(result.problems)),
            failures=str(sum(1 for item in result.cases if item.verdict is Verdict.FAILED)),
            errors=str(
                sum(1 for item in result.cases if item.verdict is Verdict.ERROR)
                + len(result.problems)
            ),
            skipped=str(sum(1 for item in result.cases if item.verdict is Verdict.SKIPPED)),
            time=f"{sum(item.seconds for item in result.cases):.3f}",
        )
        for problem in result.problems:
            case = xml.SubElement(
                node, "testcase", classname=result.parsed.path, name=f"line {problem.line}"
            )
            xml.SubElement(case, "error", message=_clean(str(problem)))
        for item in result.cases:
            _junit_case(node, result, item)
    xml.indent(root)
    text = xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _junit_case(parent: xml.Element, result: SuiteResult, item: CaseResult) -> None:
    suite = result.parsed.suite
    case = xml.SubElement(
        parent,
        "testcase",
        classname=str(suite.flow) if suite else result.parsed.path,
        name=_clean(item.case.id),
        file=result.parsed.path,
        time=f"{item.seconds:.3f}",
    )
    if item.verdict is Verdict.SKIPPED:
        xml.SubElement(case, "skipped")
    elif item.verdict is not Verdict.SUCCESS:
        kind = "error" if item.verdict is Verdict.ERROR else "failure"
        found = [_clean(str(problem)) for problem in _problems(result, item)]
        node = xml.SubElement(case, kind, message=found[0] if found else "")
        node.text = "\n".join(found)


def _clean(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(char for char in text if char in "\t\n" or char >= " ")
