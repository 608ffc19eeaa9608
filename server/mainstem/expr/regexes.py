"""Java regular expressions over the `regex` library, which can give up after a time limit."""

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mainstem.expr.errors import Fault
from mainstem.expr.javapatterns import translated
from mainstem.expr.scope import RenderOptions

if TYPE_CHECKING:
    import regex

_LONGEST_PATTERN: Final = 2_000
_REFERENCE: Final = re.compile(r"\\(.)|\$(?:\{(\w+)\}|(\d+))", re.DOTALL)
_SPECIAL: Final = re.compile(r"[$\\]")
_PLAIN: Final = re.compile(r"[^\\\[\](){}.*+?^$|]|\\[^\w\s]")


class JavaRegex:
    """One pattern, bounded in the text it reads and the time it takes."""

    def __init__(self, pattern: str, options: RenderOptions) -> None:
        self._options = options
        self._pattern = pattern
        self._plain = pattern[-1] if _PLAIN.fullmatch(pattern) else None
        if self._plain is None:
            self._compile(pattern)

    def _compile(self, pattern: str) -> None:
        import regex  # slow to load, and few templates need it

        if len(pattern) > _LONGEST_PATTERN:
            raise Fault(f"A regular expression may have {_LONGEST_PATTERN} characters at most")
        text, nested = translated(pattern)
        try:
            self._regex = regex.compile(text, regex.V1 if nested else regex.V0)
        except regex.error as error:
            raise Fault(f"The regular expression can't be read: {error}") from error

    def replace(self, text: str, replacement: str) -> str:
        """Replace every match; `$1` and `${name}` stand for groups, a backslash escapes."""
        self._check(text)
        if self._plain is not None:
            if not _SPECIAL.search(replacement):
                return text.replace(self._plain, replacement)
            self._compile(self._pattern)
        parts: list[str] = []
        at = 0
        for found in self._matches_in(text):
            parts += [text[at : found.start()], self._expand(replacement, found)]
            at = found.end()
        return "".join([*parts, text[at:]])

    def _matches_in(self, text: str) -> Iterator["regex.Match[str]"]:
        """As Java finds them: after an empty match the search goes on one character later."""
        at, end = 0, time.monotonic() + self._options.regex_seconds
        try:
            while at <= len(text):
                found = self._regex.search(text, at, timeout=max(end - time.monotonic(), 1e-6))
                if found is None:
                    return
                yield found
                at = found.end() + (found.end() == found.start())
        except TimeoutError as error:
            raise Fault("The regular expression takes more time than allowed") from error

    def _expand(self, replacement: str, found: "regex.Match[str]") -> str:
        def group(reference: re.Match[str]) -> str:
            if reference[1] is not None:
                return reference[1]
            if reference[2] is not None:
                return found[reference[2]] or ""
            return _numbered(reference[3], found)

        try:
            return _REFERENCE.sub(group, replacement)
        except IndexError as error:
            raise Fault("The replacement names a group that the pattern doesn't have") from error

    def split(self, text: str, limit: int) -> list[object]:
        """As Java splits: no empty text at the end unless a limit is given."""
        self._check(text)
        pieces = self._pieces(text, limit)
        if limit == 0:
            while len(pieces) > 1 and pieces[-1] == "":
                pieces.pop()
            if len(pieces) == 1 and pieces[0] == "" and text:
                return []
        return list(pieces)

    def _pieces(self, text: str, limit: int) -> list[str]:
        if self._plain is not None:
            return text.split(self._plain, limit - 1 if limit > 0 else -1)
        pieces: list[str] = []
        at = 0
        for found in self._matches_in(text):
            if found.end() == 0:
                continue
            if 0 < limit <= len(pieces) + 1:
                break
            pieces.append(text[at : found.start()])
            at = found.end()
        return [*pieces, text[at:]]

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        self._check(text)
        if self._plain is not None:
            return text == self._plain
        try:
            return bool(self._regex.fullmatch(text, timeout=self._options.regex_seconds))
        except TimeoutError as error:
            raise Fault("The regular expression takes more time than allowed") from error

    def search(self, text: str, group: int = 0) -> str | None:
        """The first part that matches, or one of its groups (empty where it took no part)."""
        self._check(text)
        if self._plain is not None:
            if group:
                raise Fault(f"The regular expression has no group {group}")
            return self._plain if self._plain in text else None
        try:
            found = self._regex.search(text, timeout=self._options.regex_seconds)
            return None if found is None else str(found[group] or "")
        except TimeoutError as error:
            raise Fault("The regular expression takes more time than allowed") from error
        except IndexError as error:
            raise Fault(f"The regular expression has no group {group}") from error

    def _check(self, text: str) -> None:
        most = self._options.max_regex_input
        if len(text) > most:
            raise Fault(f"A regular expression may read {most} characters at most")


def _numbered(digits: str, found: "regex.Match[str]") -> str:
    """The longest group number that exists; digits left over are text."""
    count = len(found.groups())
    for end in range(len(digits), 0, -1):
        if int(digits[:end]) <= count:
            return (found[int(digits[:end])] or "") + digits[end:]
    raise IndexError(digits)
