"""Passwords as Argon2id hashes; the library is loaded when the first one is looked at."""

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mainstem.errors import InvalidInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 10
LONGEST: Final = 1_000
_KIBIBYTES: Final = 19_456
# Each hash holds 19 MiB and a core: a flood of sign-ins must not hold them all.
_room = threading.BoundedSemaphore(2)


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=_KIBIBYTES, parallelism=1)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """What a password of an unknown user is compared with, so that both take the same time."""
    return hash_password("the password of a user who does not exist")


def check_password(password: str, name: str = "") -> None:
    """Raises InvalidInput for one that is too short, too long, or the user's name."""
    if len(password) < SHORTEST:
        raise InvalidInput(f"A password needs {SHORTEST} characters or more.")
    if len(password) > LONGEST:
        raise InvalidInput(f"A password may have {LONGEST} characters.")
    if password.lower() == name.lower() or len(set(password)) < 4:
        raise InvalidInput("This password is too easy to guess: choose another.")


def hash_password(password: str) -> str:
    with _room:
        return _hasher().hash(password)


def is_password(hashed: str | None, password: str) -> bool:
    """Whether it is; takes the same time when there is nothing to compare with."""
    from argon2.exceptions import InvalidHashError, VerificationError

    wanted = hashed or _nobodys()
    with _room:
        try:
            return _hasher().verify(wanted, password[: LONGEST + 1]) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False
