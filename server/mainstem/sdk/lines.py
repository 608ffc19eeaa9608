"""Lines out of what a command writes."""

from collections.abc import Callable
from typing import Final

#: Bytes of a line; more than a log keeps of one in any script, and a secret beyond that: a log
#: hides secrets before it cuts, so that none is divided.
LONGEST: Final = 1_250_000


class Lines:
    """Cuts what comes out of one pipe into lines; of one without an end the rest is dropped."""

    def __init__(self, is_error: bool, on_line: Callable[[str, bool], None]) -> None:
        self._is_error = is_error
        self._on_line = on_line
        self._begun: list[bytes] = []
        self._size = 0

    def take(self, chunk: bytes) -> None:
        """Take what was read; nothing read is the end."""
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._add(line)
            self._end()
        self._add(rest)
        if not chunk and self._begun:
            self._end()

    def _add(self, part: bytes) -> None:
        kept = part[: LONGEST - self._size]
        if kept:
            self._begun.append(kept)
            self._size += len(kept)

    def _end(self) -> None:
        line = b"".join(self._begun)
        self._begun.clear()
        self._size = 0
        self._on_line(line.decode("utf-8", "replace").rstrip("\r"), self._is_error)
