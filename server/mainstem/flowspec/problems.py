"""What is wrong with a flow, said to its author."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault at one place; prints as a compiler would print it.

    `path` is the file, if known. `pointer` is the property, such as `tasks[0].message`; it is
    empty for the flow as a whole.
    """

    path: str | None
    line: int
    column: int
    code: str
    message: str
    severity: Severity = "error"
    suggestion: str | None = None
    pointer: str = ""

    def __str__(self) -> str:
        place = f"{self.path or '<flow>'}:{self.line}:{self.column}"
        hint = f" {self.suggestion}" if self.suggestion else ""
        subject = f"`{self.pointer}` " if self.pointer and self.message.startswith("must ") else ""
        return f"{place}: {subject}{self.message}{hint}"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that keep the flow from being stored."""
    return [problem for problem in problems if problem.severity == "error"]


FLOW_RULES: Final = frozenset(
    {
        "duplicate-task-id",
        "duplicate-trigger-id",
        "duplicate-input-id",
        "duplicate-output-id",
        "recursive-flow",
        "unknown-input",
        "input-cycle",
        "system-label",
    }
)
"""Codes of the rules about a flow as a whole; the reference API reports them as one violation."""

_BRANCHES: Final = ("tasks", "errors", "finally", "afterExecution", "listeners")
_ALSO: Final = {
    "blank-flow-id": ('must match "^[a-zA-Z0-9][a-zA-Z0-9._-]*"', "size must be between 1 and 100"),
    "blank-namespace": ("size must be between 1 and 150",),
    "empty-task-list": ("must not be null",),
    "missing-type": ("missing type id property 'type' (for POJO property '{parent}')",),
}
"""Constraints that the reference reports besides the sentence we give once."""


def violations(problems: Sequence[Problem]) -> list[str]:
    """The errors in the wording of the reference API, one line for each broken constraint."""
    found = errors(problems)
    lines: list[str] = []
    whole = sorted((item for item in found if item.code in FLOW_RULES), key=_branch)
    if whole:
        lines.append(f": Invalid Flow: {', '.join(_joined(whole))}")
    for problem in found:
        if problem.code in FLOW_RULES:
            continue
        lines.append(f"{problem.pointer}: {problem.message}")
        parent = problem.pointer.rpartition(".")[0].rpartition(".")[2].partition("[")[0]
        also = [text.replace("{parent}", parent) for text in _ALSO.get(problem.code, ())]
        lines.extend(f"{problem.pointer}: {text}" for text in also)
    return lines


def _branch(problem: Problem) -> int:
    """Ordinary tasks are named before error branches, these before listeners."""
    first = problem.pointer.partition("[")[0]
    return _BRANCHES.index(first) if first in _BRANCHES else 0


def _joined(problems: Iterable[Problem]) -> list[str]:
    """Messages that differ only in the name in brackets become one with all names."""
    names: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        head, bracket, rest = problem.message.partition("[")
        name, _, tail = rest.partition("]")
        duplicate = bracket and problem.code.startswith("duplicate-")
        key = (head, tail) if duplicate else (problem.message, "")
        seen = names.setdefault(key, [])
        if duplicate and name not in seen:
            seen.append(name)
    return [f"{head}[{', '.join(seen)}]" if seen else head for (head, _), seen in names.items()]
