"""AES-GCM as the flow language uses it: base64 of a 12-byte nonce followed by the ciphertext."""

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.runtime import Evaluation

# One key, or several of which the first seals and any opens.
Keys = bytes | Sequence[bytes]
ENCRYPTED_TYPE: Final = "io.kestra.datatype:aes_encrypted"
_NONCE_BYTES: Final = 12


def is_encrypted(value: object) -> bool:
    """Whether a variable is an encrypted text: a map of that type with its cipher."""
    return type(value) is dict and value.get("type") == ENCRYPTED_TYPE


def decrypted(ev: Evaluation, value: object) -> object:
    """The text of an encrypted variable, by the key of the host; without a key it stays sealed."""
    if ev.options.keep_sealed:
        return value
    key = ev.host.encryption_key()
    if key is None:
        return str(value.get("value", "")) if isinstance(value, dict) else ""
    return unseal(key, str(value.get("value", "")) if isinstance(value, dict) else "")


def encrypt(key: str, text: str) -> str:
    """Encrypt by a base64 key of 16, 24 or 32 bytes; empty text stays empty."""
    return seal(_key_bytes(key), text)


def decrypt(key: str, cipher: str) -> str:
    """The reverse of `encrypt`."""
    return unseal(_key_bytes(key), cipher)


def seal(key: Keys, text: str) -> str:
    """Encrypt by a raw key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # slow to load

    if not text:
        return text
    nonce = secrets.token_bytes(_NONCE_BYTES)
    try:
        sealed = AESGCM(_all(key)[0]).encrypt(nonce, text.encode(), None)
    except ValueError as error:
        raise Fault("The key must be the base64 text of 16, 24 or 32 bytes") from error
    return base64.b64encode(nonce + sealed).decode()


def unseal(key: Keys, cipher: str) -> str:
    """The reverse of `seal`; raises Fault for another key or a damaged text."""
    from cryptography.exceptions import InvalidTag  # slow to load
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not cipher:
        return cipher
    fault: Exception | None = None
    for candidate in _all(key):
        try:
            sealed = base64.b64decode(cipher, validate=True)
            plain = AESGCM(candidate).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
            return plain.decode()
        except (InvalidTag, ValueError) as error:
            fault = error
    raise Fault("The text can't be decrypted by this key") from fault


def _all(key: Keys) -> Sequence[bytes]:
    return (key,) if isinstance(key, bytes) else key


def _key_bytes(key: str) -> bytes:
    try:
        return base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault("The key must be base64 text") from error
