"""Checks of single values that several plug-ins share; each gives a sentence or None."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import zone_named
from mainstem.expr.javapatterns import translated
from mainstem.expr.jsonreading import read_json

if TYPE_CHECKING:
    import regex

_DATE_LETTERS: Final = frozenset("GyYMLwWDdFEuaHkKhmsSzZX")
_LONGEST_PATTERN: Final = 2_000
_SECONDS: Final = 1.0
# A brace that begins no repetition is a fault to Java alone; quoted ones are text.
_QUOTED: Final = re.compile(r"\\Q(.*?)(?:\\E|$)", re.DOTALL)
_WHOLE: Final = re.compile(
    r"\\[pPxN]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}", re.DOTALL
)


def pattern_fault(pattern: str) -> str | None:
    """What keeps a text from being a regular expression."""
    try:
        _compiled(pattern)
    except ValueError as error:
        return f"invalid pattern [{pattern}]: {error}"
    return None


def matches_whole(pattern: str, text: str) -> bool:
    """Whether the whole text matches; one that takes too long to decide does not."""
    try:
        return _compiled(pattern).fullmatch(text, timeout=_SECONDS) is not None
    except (ValueError, TimeoutError):
        return False


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> "regex.Pattern[str]":
    import regex  # slow to load, and few flows need it

    if len(pattern) > _LONGEST_PATTERN:
        raise ValueError(f"more than {_LONGEST_PATTERN} characters")
    plain = _QUOTED.sub(lambda found: regex.escape(found[1]), pattern)
    brace = _WHOLE.sub(lambda found: "x" * len(found[0]), plain).find("{")
    if brace >= 0:
        raise ValueError(f"illegal repetition at position {brace}: write \\{{ for a brace")
    text, nested = translated(pattern)
    try:
        return regex.compile(text, regex.V1 if nested else regex.V0)
    except regex.error as error:
        raise ValueError(str(error)) from error


def timezone_fault(name: str) -> str | None:
    """What keeps a text from naming a time zone."""
    try:
        zone_named(name)
    except Fault:
        return f"timezone '({name})' is not a valid time-zone ID"
    return None


def json_fault(text: str) -> str | None:
    """What keeps a text from beginning with a JSON value; one without any is empty."""
    try:
        if text.strip():
            read_json(text)
    except Fault as fault:
        return f"invalid json '({text[:80]})': {fault}"
    return None


def date_format_fault(pattern: str) -> str | None:
    """What keeps a text from being a pattern of letters for dates and times."""
    unquoted = re.sub(r"'[^']*'", "", pattern)
    if "'" in unquoted:
        return f"invalid date format value '({pattern})': Unterminated quote"
    letters = [char for char in unquoted if char.isascii() and char.isalpha()]
    wrong = next((char for char in letters if char not in _DATE_LETTERS), None)
    if wrong is None and "XXXX" in unquoted:
        return f"invalid date format value '({pattern})': invalid ISO 8601 format: length=4"
    if wrong is not None:
        return f"invalid date format value '({pattern})': Illegal pattern character '{wrong}'"
    return None
