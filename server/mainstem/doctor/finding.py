"""What a check found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mainstem.errors import MainstemError


class Verdict(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` is what to do, often a command."""

    check: str
    verdict: Verdict
    text: str
    fix: str | None = None


Check = Callable[[], Iterator[Finding]]


def ok(check: str, text: str) -> Finding:
    return Finding(check, Verdict.OK, text)


def warn(check: str, text: str, fix: str | None = None) -> Finding:
    return Finding(check, Verdict.WARN, text, fix)


def fail(check: str, text: str, fix: str | None = None) -> Finding:
    return Finding(check, Verdict.FAIL, text, fix)


def skip(check: str, text: str) -> Finding:
    return Finding(check, Verdict.SKIP, text)


def guarded(name: str, check: Check) -> Iterator[Finding]:
    """The findings of a check; one that breaks is a finding itself."""
    try:
        yield from check()
    except MainstemError as error:
        yield fail(name, error.message)
    except Exception as error:
        yield fail(name, f"the check itself failed: {type(error).__name__}: {first_line(error)}")


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
