"""Regular expressions that users write: read as Java reads them, bounded in time."""

from mainstem.errors import InvalidInput
from mainstem.expr.errors import Fault
from mainstem.expr.regexes import JavaRegex
from mainstem.expr.scope import DEFAULT_OPTIONS


class Pattern:
    """A pattern; `where` is the property that holds it, for what is said of a bad one."""

    def __init__(self, text: str, where: str) -> None:
        self._where = f"`{where}` `{text}`"
        try:
            self._regex = JavaRegex(text, DEFAULT_OPTIONS)
        except Fault as error:
            raise InvalidInput(f"{self._where}: {error}") from error

    def matches(self, text: str) -> bool:
        """Whether the whole text matches; raises InvalidInput when that takes too long."""
        try:
            return self._regex.matches(text)
        except Fault as error:
            raise InvalidInput(f"{self._where}: {error}") from error

    def is_in(self, text: str) -> bool:
        """Whether a part of the text matches; raises InvalidInput when that takes too long."""
        try:
            return self._regex.search(text) is not None
        except Fault as error:
            raise InvalidInput(f"{self._where}: {error}") from error
