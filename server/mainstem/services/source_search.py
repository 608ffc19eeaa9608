"""Text in the sources of flows: where it is, and what replacing it would give. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Final

from mainstem.errors import InvalidInput

if TYPE_CHECKING:
    import regex

_LONGEST_QUERY: Final = 500
_SECONDS: Final = 0.5
_AROUND: Final = 60
_MOST_HITS: Final = 200


class SearchScope(StrEnum):
    """The part of a flow that is looked at."""

    ALL = "ALL"
    TASKS = "TASKS"
    TRIGGERS = "TRIGGERS"
    INPUTS = "INPUTS"


_SECTIONS: Final = {
    SearchScope.TASKS: frozenset({"tasks", "errors", "finally", "afterExecution"}),
    SearchScope.TRIGGERS: frozenset({"triggers"}),
    SearchScope.INPUTS: frozenset({"inputs"}),
}
_TOP_LEVEL: Final = re.compile(r"([A-Za-z]\w*)\s*:")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; with `regex` the query is a regular expression."""

    query: str
    case_sensitive: bool = False
    whole_word: bool = False
    regex: bool = False
    scope: SearchScope = SearchScope.ALL


@dataclass(frozen=True, slots=True)
class Hit:
    """One place; `line` counts from 1, `column` from 0, as clients of the reference do."""

    line: int
    column: int
    snippet: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """One line before and after."""

    line: int
    before: str
    after: str


def pattern_of(wanted: Wanted) -> "regex.Pattern[str]":
    """Raises InvalidInput for an empty, overlong or broken query."""
    import regex  # slow to load, and few servers are searched

    if not wanted.query or len(wanted.query) > _LONGEST_QUERY:
        raise InvalidInput(f"a query has 1 to {_LONGEST_QUERY} characters")
    text = wanted.query if wanted.regex else regex.escape(wanted.query)
    if wanted.whole_word:
        text = rf"\b(?:{text})\b"
    try:
        return regex.compile(text, 0 if wanted.case_sensitive else regex.IGNORECASE)
    except regex.error as error:
        raise InvalidInput(f"`{wanted.query}` is not a regular expression: {error}") from error


def hits(
    source: str, pattern: "regex.Pattern[str]", scope: SearchScope = SearchScope.ALL
) -> list[Hit]:
    """Every place, in order, up to 200."""
    found = []
    for number, line in _lines(source, scope):
        for match in _matches(pattern, line):
            found.append(Hit(number, match.start(), _snippet(line, match)))
            if len(found) == _MOST_HITS:
                return found
    return found


def fragments(
    source: str, pattern: "regex.Pattern[str]", scope: SearchScope = SearchScope.ALL
) -> list[str]:
    """The lines with their places between `[mark]` and `[/mark]`."""
    found = []
    for _, line in _lines(source, scope):
        marked, end = "", 0
        for match in _matches(pattern, line):
            marked += f"{line[end : match.start()]}[mark]{match.group()}[/mark]"
            end = match.end()
        if end:
            found.append(marked + line[end:])
        if len(found) == _MOST_HITS:
            break
    return found


def marked_html(fragment: str) -> str:
    """A fragment as HTML, with everything but the marks escaped."""
    return escape(fragment).replace("[mark]", "<mark>").replace("[/mark]", "</mark>")


def replacements(
    source: str,
    pattern: "regex.Pattern[str]",
    replacement: str,
    scope: SearchScope = SearchScope.ALL,
) -> list[Replacement]:
    """The lines that would change."""
    return [
        Replacement(number, line, after)
        for number, line in _lines(source, scope)
        if (after := _replaced(pattern, replacement, line)) != line
    ]


def replace(
    source: str,
    pattern: "regex.Pattern[str]",
    replacement: str,
    scope: SearchScope = SearchScope.ALL,
    only_line: int | None = None,
) -> str:
    """The source with every place, or those of one line, replaced."""
    wanted = {number for number, _ in _lines(source, scope)}
    if only_line is not None:
        wanted &= {only_line}
    lines = source.split("\n")
    return "\n".join(
        _replaced(pattern, replacement, line) if number in wanted else line
        for number, line in enumerate(lines, start=1)
    )


def _lines(source: str, scope: SearchScope) -> Iterator[tuple[int, str]]:
    sections = _SECTIONS.get(scope)
    section = ""
    for number, line in enumerate(source.split("\n"), start=1):
        if match := _TOP_LEVEL.match(line):
            section = match.group(1)
        if sections is None or section in sections:
            yield number, line


def _matches(pattern: "regex.Pattern[str]", line: str) -> Iterator["regex.Match[str]"]:
    try:
        for match in pattern.finditer(line, timeout=_SECONDS):
            if match.end() > match.start():
                yield match
    except TimeoutError as error:
        raise _too_slow() from error


def _replaced(pattern: "regex.Pattern[str]", replacement: str, line: str) -> str:
    try:
        return pattern.sub(lambda _match: replacement, line, timeout=_SECONDS)
    except TimeoutError as error:
        raise _too_slow() from error


def _too_slow() -> InvalidInput:
    return InvalidInput("the regular expression takes too long: make it simpler")


def _snippet(line: str, match: "regex.Match[str]") -> str:
    start = max(0, match.start() - _AROUND)
    return line[start : match.end() + _AROUND].strip()
