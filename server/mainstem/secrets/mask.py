"""Masking: replaces known secret values in text by stars of the same length."""

import base64
import json
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

_SHORTEST = 3


def forms(value: str) -> set[str]:
    """The value as it is and in the encodings under which it usually leaks."""
    found = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(value.encode()).decode()
        found |= {encoded, encoded.rstrip("=")}
    found |= {line.strip() for line in value.splitlines() if len(line.strip()) >= 8}
    return {form for form in found if len(form) >= _SHORTEST}


class Masker:
    """Grows with every secret that is handed out; thread-safe by replacing its pattern whole."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Hide this value from now on; values of fewer than three characters stay visible."""
        with self._lock:
            new = self._forms | forms(value)
            if new != self._forms:
                longest_first = sorted(new, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
                self._forms = new

    def mask(self, text: str) -> str:
        pattern = self._pattern
        return pattern.sub(lambda match: "*" * len(match[0]), text) if pattern else text
