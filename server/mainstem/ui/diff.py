"""Two sources side by side as one list of lines: kept, removed, added."""

import difflib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["keep", "remove", "add", "gap"]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a unified diff; a gap stands for the lines that are equal and left out."""

    kind: Kind
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """The lines to show, and how many were added and removed."""

    lines: tuple[DiffLine, ...]
    added: int
    removed: int


def compare(old: str, new: str, context: int = 4) -> Diff:
    """Compare two sources line by line, keeping `context` equal lines around each change."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    out: list[DiffLine] = []
    for index, group in enumerate(matcher.get_grouped_opcodes(context)):
        first = group[0]
        if index or first[1]:
            out.append(DiffLine("gap", f"line {first[1] + 1}"))
        for tag, a1, a2, b1, b2 in group:
            out.extend(_block(tag, before[a1:a2], after[b1:b2], (a1, b1)))
    added = sum(line.kind == "add" for line in out)
    return Diff(tuple(out), added, sum(line.kind == "remove" for line in out))


def _block(tag: str, old: list[str], new: list[str], start: tuple[int, int]) -> list[DiffLine]:
    a, b = start
    if tag == "equal":
        return [DiffLine("keep", text, old=a + i + 1, new=b + i + 1) for i, text in enumerate(old)]
    return [DiffLine("remove", text, old=a + i + 1) for i, text in enumerate(old)] + [
        DiffLine("add", text, new=b + i + 1) for i, text in enumerate(new)
    ]
