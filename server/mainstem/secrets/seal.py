"""AES-256-GCM sealing that names its key, so that keys can change.

What is sealed says by which key: `MSK1`, eight bytes of the key's id, nonce, ciphertext. What was
sealed before keys had names is nonce and ciphertext only, and opens by whichever key fits.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from mainstem.errors import Stalled

_NONCE: Final = 12
_MARK: Final = b"MSK1"
_ID: Final = 8
_HEAD: Final = len(_MARK) + _ID
KEY_BYTES: Final = 32


def key_id(key: bytes) -> str:
    """The name of a key: sixteen hex digits that tell nothing of it."""
    return hashlib.sha256(b"mainstem key\x1f" + key).hexdigest()[: 2 * _ID]


def sealed_by(sealed: bytes) -> str | None:
    """The id of the key; None for what was sealed before keys had names."""
    return sealed[len(_MARK) : _HEAD].hex() if sealed.startswith(_MARK) else None


class Sealer:
    """Seals bytes by `key`; opens also what `older` keys sealed, never under another context."""

    def __init__(self, key: bytes, older: Sequence[bytes] = ()) -> None:
        self.key = key
        self.keys = (key, *older)
        self.id = key_id(key)
        self._by_id = {key_id(item): item for item in self.keys}

    def seal(self, plain: bytes, context: str = "") -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # slow to load

        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self.key).encrypt(nonce, plain, context.encode())
        return _MARK + bytes.fromhex(self.id) + nonce + sealed

    def open(self, sealed: bytes, context: str = "") -> bytes:
        """Raises Stalled when the key or the context is another one."""
        from cryptography.exceptions import InvalidTag  # slow to load
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        fault: Exception | None = None
        for key, body in self._candidates(sealed):
            try:
                return AESGCM(key).decrypt(body[:_NONCE], body[_NONCE:], context.encode())
            except (InvalidTag, ValueError) as error:
                fault = error
        raise Stalled(
            "a sealed value does not open with this server's key: restore the key file that "
            "was in use when it was stored"
        ) from fault

    def _candidates(self, sealed: bytes) -> list[tuple[bytes, bytes]]:
        named = self._by_id.get(sealed_by(sealed) or "")
        found = [(named, sealed[_HEAD:])] if named is not None else []
        # A nonce may happen to begin with the mark.
        return [*found, *((key, sealed) for key in self.keys)]
