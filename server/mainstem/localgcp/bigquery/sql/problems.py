"""Errors with a position: what BigQuery calls `… at [line:column]`."""

from collections.abc import Iterable
from difflib import get_close_matches

from mainstem.localgcp.bigquery.errors import BigQueryError


class SqlProblem(Exception):  # becomes a BigQueryError once the text is known
    """A refusal at an offset of some SQL text; whoever holds the text adds line and column."""

    def __init__(self, message: str, offset: int | None, reason: str = "invalidQuery") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.reason = reason

    def resolve(self, text: str) -> BigQueryError:
        """The error a client sees, its offset turned into a position of `text`."""
        message = self.message
        if self.offset is not None:
            message = f"{message} at {position(text, self.offset)}"
        location = "query" if self.reason == "invalidQuery" else None
        return BigQueryError(self.reason, message, location=location)


def position(text: str, offset: int) -> str:
    """An offset as BigQuery writes positions: `[line:column]`, both from one."""
    before = text[:offset]
    line = before.count("\n") + 1
    column = offset - (before.rfind("\n") + 1) + 1
    return f"[{line}:{column}]"


def suggestion(name: str, known: Iterable[str]) -> str:
    """BigQuery's hint for a misspelt name, or nothing."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.7)
    return f"; Did you mean {by_fold[close[0]]}?" if close else ""


def refused(what: str, offset: int | None) -> SqlProblem:
    """The refusal of something BigQuery has and this emulator does not."""
    return SqlProblem(f"The local BigQuery emulator does not support {what}", offset)
