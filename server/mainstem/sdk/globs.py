"""Globs over the files of a working directory."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from mainstem.errors import InvalidInput
from mainstem.sdk.patterns import Pattern

_MARKS: Final = frozenset("*?[{")


def is_glob(pattern: str) -> bool:
    """Whether the text is a pattern and not a plain path."""
    return pattern.startswith(("glob:", "regex:")) or any(mark in _MARKS for mark in pattern)


def working_files(root: Path, patterns: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Files below `root` that match any pattern, by relative path; links that leave are not."""
    matchers = [_compiled(pattern) for pattern in patterns]
    base = root.resolve()
    for path in sorted(base.rglob("*")) if matchers else ():
        name = path.relative_to(base).as_posix()
        wanted = any(matches(name) for matches in matchers)
        if wanted and path.is_file() and path.resolve().is_relative_to(base):
            yield name, path


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Callable[[str], object]:
    """`*` stays within a folder, `**` does not; `?`, `[a-z]`, `[!a]`, `{a,b}`, `regex:…`."""
    if pattern.startswith("regex:"):
        return Pattern(pattern.removeprefix("regex:"), "pattern").matches
    source = _translated(pattern.removeprefix("glob:").removeprefix("./").lstrip("/"))
    try:
        return re.compile(source, re.DOTALL).fullmatch
    except re.error as error:
        raise InvalidInput(f"`{pattern}` is not a glob: {error}") from error


_PIECE: Final = re.compile(r"(?:\*\*/)+|\*\*|\*|\?|\[!?\]?[^\]]*\]|\\.|[{},]|.", re.DOTALL)
_SIMPLE: Final = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}


def _translated(glob: str) -> str:
    depth, parts = 0, []
    for piece in _PIECE.findall(glob):
        if piece == "," and depth:
            parts.append("|")
        elif piece.startswith("**/"):
            parts.append("(?:.*/)?")
        elif piece in _SIMPLE:
            depth += (piece == "{") - (piece == "}")
            parts.append(_SIMPLE[piece])
        elif piece.startswith("[") and len(piece) > 1:
            inner = piece[1:-1].replace("\\", "\\\\")
            parts.append(f"[{'^' + inner[1:] if inner.startswith('!') else inner}]")
        else:
            parts.append(re.escape(piece[1:] if piece.startswith("\\") and piece[1:] else piece))
    return "".join(parts)
