"""Secrets that this server makes: shown once, kept as hashes.

They have 256 random bits, so a plain SHA-256 cannot be tried out, and is found by an index.
"""

import hashlib
import secrets
from typing import Final

#: What tokens of programs begin with, so that scanners of leaked secrets can know them.
TOKEN_PREFIX: Final = "mst_"  # noqa: S105 - a prefix
LOCAL_PREFIX: Final = "msl_"


def new_secret(kind: str = "") -> str:
    prefix = {"token": TOKEN_PREFIX, "local": LOCAL_PREFIX}.get(kind, "")
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
