"""Lines out of what a command writes."""

from collections.abc import Callable
from typing import Final

LONGEST: Final = 1 << 20


class Lines:
    """Cuts what comes out of one pipe into lines; one without an end is cut at the longest."""

    def __init__(self, is_error: bool, on_line: Callable[[str, bool], None]) -> None:
        self._is_error = is_error
        self._on_line = on_line
        self._begun: list[bytes] = []
        self._size = 0

    def take(self, chunk: bytes) -> None:
        """Take what was read; nothing read is the end."""
        if not chunk:
            self._end(b"")
            return
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._end(line + b"\n")
        if rest:
            self._begun.append(rest)
            self._size += len(rest)
            if self._size >= LONGEST:
                self._end(b"")

    def _end(self, last: bytes) -> None:
        line = b"".join((*self._begun, last))
        self._begun.clear()
        self._size = 0
        if line:
            self._on_line(line.decode("utf-8", "replace").rstrip("\r\n"), self._is_error)
