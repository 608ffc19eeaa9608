"""Where a cursor stands in YAML under way, by columns alone.

A parser cannot help: while one types, the text is hardly ever whole.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

#: The step into a list, between the keys of a path.
ITEM: Final = "-"
_KEY: Final = re.compile(
    r"""(?:"([^"]*)"|'([^']*)'|([^\s#'"\[{&*!|>%@`-][^:#]*?|-[^\s:#][^:#]*?))\s*:(?=\s|$)"""
)
_BLOCK_TEXT: Final = re.compile(r"[|>][+-]?\d?[+-]?\s*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key or a dash, at its line and column, both from zero; a dash has no key."""

    line: int
    column: int
    key: str | None = None
    value: str = ""

    @property
    def is_dash(self) -> bool:
        return self.key is None


@dataclass(frozen=True, slots=True)
class Step:
    """One key or `ITEM` on the way down, and the `type` of the mapping that holds it."""

    name: str
    type: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """What is being written: a key of a mapping, or the value of one.

    `path` leads from the flow to that mapping; `type` and `present` are what the mapping says.
    """

    path: Sequence[Step]
    type: str | None
    present: Sequence[str]
    key: str | None
    word: str
    column: int


def entries(lines: Sequence[str]) -> list[Entry]:
    """Every key and dash outside of text blocks and comments, in reading order."""
    found: list[Entry] = []
    text_below: int | None = None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip(" "))
        if not line.strip():
            continue
        if text_below is not None and indent > text_below:
            continue
        text_below = None
        of_line = list(_entries_of(number, line, indent))
        if of_line and _BLOCK_TEXT.match(of_line[-1].value):
            text_below = of_line[-1].column
        found += of_line
    return found


def _entries_of(number: int, line: str, column: int) -> Iterator[Entry]:
    while line.startswith("-", column) and line[column + 1 : column + 2] in ("", " "):
        rest = line[column + 1 :]
        yield Entry(number, column, None, rest.strip())
        column += 1 + len(rest) - len(rest.lstrip(" "))
    if match := _KEY.match(line, column):
        key = next(group for group in match.groups() if group is not None)
        yield Entry(number, column, key.strip(), line[match.end() :].strip())


def place(source: str, line: int, column: int) -> Place | None:
    """What stands at a position, both counted from zero; None inside text and comments."""
    lines = source.split("\n")
    head = lines[line][:column] if line < len(lines) else ""
    all_entries = entries(lines)
    if head.lstrip().startswith("#") or _inside_text(all_entries, head, line):
        return None
    before = [entry for entry in all_entries if entry.line < line]
    here = list(_entries_of(line, head, len(head) - len(head.lstrip(" "))))
    key = next((entry for entry in here if not entry.is_dash), None)
    if key is not None:
        word = _written(head, key.column)
        start = len(head) - len(word)
        return _found(all_entries, before + here, key.column, key.key, word, start)
    start = here[-1].column + 1 if here else 0
    word = head[start:].lstrip(" ")
    start = len(head) - len(word)
    return _found(all_entries, before + here, start, None, word, start)


def _written(head: str, column: int) -> str:
    """What follows the key at a column."""
    match = _KEY.match(head, column)
    return head[match.end() :].lstrip() if match else ""


def _found(
    every: Sequence[Entry],
    before: Sequence[Entry],
    column: int,
    key: str | None,
    word: str,
    start: int,
) -> Place:
    siblings = _siblings(every, before, column)
    named = {entry.key: entry.value for entry in siblings if entry.key is not None}
    path = _path(every, before, column)
    return Place(path, _plain(named.get("type")), tuple(named), key, word, start)


def _path(every: Sequence[Entry], before: Sequence[Entry], column: int) -> tuple[Step, ...]:
    """From the outermost key to the mapping at a column below the entries before it."""
    steps: list[Step] = []
    limit, after_dash = column, False
    for index in range(len(before) - 1, -1, -1):
        entry = before[index]
        # A list may start at the column of its key.
        parent = entry.column < limit or (
            after_dash and not entry.is_dash and entry.column == limit
        )
        if not parent:
            continue
        if entry.key is None:
            steps.append(Step(ITEM, None, entry.line))
        else:
            siblings = _siblings(every, before[: index + 1], entry.column)
            kind = next((e.value for e in siblings if e.key == "type"), None)
            steps.append(Step(entry.key, _plain(kind), entry.line))
        limit, after_dash = entry.column, entry.is_dash
    return tuple(reversed(steps))


def _siblings(every: Sequence[Entry], before: Sequence[Entry], column: int) -> list[Entry]:
    """Keys of the mapping at a column that the end of `before` belongs to, above and below."""
    found = []
    for entry in reversed(before):
        if entry.column < column:
            break
        if entry.column == column and not entry.is_dash:
            found.append(entry)
    last = before[-1] if before else Entry(-1, -1)
    for entry in every:
        if (entry.line, entry.column) <= (last.line, last.column):
            continue
        if entry.column < column:
            break
        if entry.column == column and not entry.is_dash:
            found.append(entry)
    return found


def _inside_text(found: Sequence[Entry], head: str, line: int) -> bool:
    """Whether the cursor stands in the text that a `|` or `>` above it began."""
    above = next((entry for entry in reversed(found) if entry.line < line), None)
    if above is None or not _BLOCK_TEXT.match(above.value):
        return False
    return len(head) - len(head.lstrip(" ")) > above.column


def _plain(value: str | None) -> str | None:
    if not value:
        return None
    return value.partition(" #")[0].strip().strip("\"'") or None
