"""Identifiers: 22 lower-case letters and digits, unordered, safe in URLs and file names."""

import hashlib
import os
from collections.abc import Callable

IdSource = Callable[[], str]

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 22
# A byte to a letter; 256 is not a multiple of 36, which costs a hundredth of a bit.
_LETTERS = (_ALPHABET * 8)[:256].encode()
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _encode(number: int) -> str:
    pairs = []
    for _ in range(_LENGTH // 2):
        number, rest = divmod(number, 1296)
        pairs.append(_PAIRS[rest])
    pairs.reverse()
    return "".join(pairs)


def random_id() -> str:
    """A fresh identifier of 113 random bits."""
    return os.urandom(_LENGTH).translate(_LETTERS).decode("ascii")


def seeded_ids(seed: str) -> IdSource:
    """A reproducible source for tests and simulations: same seed, same sequence."""
    count = 0

    def following() -> str:
        nonlocal count
        count += 1
        return derived_id(seed, str(count))

    return following


def derived_id(*parts: str) -> str:
    """The identifier that these parts always give; used as an idempotency key."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return _encode(int.from_bytes(digest[:14], "big") >> 1)
