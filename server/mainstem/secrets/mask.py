"""Masking: replaces known secret values in text by stars of the same length.

The cost of a line does not depend on how many secrets are known. Every form of a secret lies in an
index by short pieces of its beginning, one piece for each way in which it may be shifted against a
grid; a text is then looked at on the points of the grid only. Long forms take a coarse grid.
A pattern of thousands of alternatives would try them all at each character.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping

from mainstem.secrets.forms import SHORTEST, forms


class _Grid:
    """Forms of at least `stride + width - 1` characters, looked for at every `stride`-th place."""

    def __init__(self, stride: int, width: int) -> None:
        self.stride = stride
        self.width = width
        # Lists are replaced whole, so that readers need no lock.
        self._pieces: dict[str, tuple[tuple[int, str], ...]] = {}

    def takes(self, form: str) -> bool:
        return len(form) >= self.stride + self.width - 1

    def add(self, form: str) -> None:
        for shift in range(self.stride):
            piece = form[shift : shift + self.width]
            known = self._pieces.get(piece, ())
            if (shift, form) not in known:
                self._pieces[piece] = (*known, (shift, form))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        pieces, width = self._pieces, self.width
        if not pieces:
            return
        for place in range(0, len(text) - width + 1, self.stride):
            piece = text[place : place + width]
            if piece in pieces:
                for shift, form in pieces[piece]:
                    begin = place - shift
                    if begin >= 0 and text.startswith(form, begin):
                        yield begin, begin + len(form)


class Masker:
    """Grows with every secret that is handed out; any thread may add and mask."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        # Made with the first value: most executions have no secret of their own.
        self._grids: tuple[_Grid, ...] = ()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Hide this value from now on; values of fewer than three characters stay visible."""
        if value in self._values or len(value) < SHORTEST:
            return
        with self._lock:
            self._grids = self._grids or (_Grid(8, 5), _Grid(4, 4), _Grid(1, SHORTEST))
            for form in forms(value):
                next(grid for grid in self._grids if grid.takes(form)).add(form)
            self._values.add(value)

    def mask(self, text: str) -> str:
        """The text with every form of every secret starred, also where they overlap."""
        if not self._values:
            return text
        spans = [span for grid in self._grids for span in grid.spans(text)]
        return _starred(text, spans) if spans else text

    def mask_value(self, value: object) -> object:
        """A copy of a JSON-like value in which every text is masked; the same when none is."""
        if not self._values:
            return value
        return self._masked(value)

    def _masked(self, value: object) -> object:
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, Mapping):
            return {self.mask(str(key)): self._masked(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._masked(inner) for inner in value]
        return value


def _starred(text: str, spans: list[tuple[int, int]]) -> str:
    out: list[str] = []
    done = 0
    for begin, end in sorted(spans):
        if end <= done:
            continue
        start = max(begin, done)
        out.append(text[done:start])
        out.append("*" * (end - start))
        done = end
    out.append(text[done:])
    return "".join(out)
