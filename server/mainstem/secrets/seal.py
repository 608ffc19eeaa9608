"""AES-256-GCM sealing with a key kept in a file of its own."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mainstem.errors import Stalled

_NONCE = 12


class Sealer:
    """Seals bytes; what was sealed under another context or key does not open."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: str = "") -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str = "") -> bytes:
        """Raises Stalled when the key or the context is another one."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise Stalled(
                "a sealed value does not open with this server's key: restore the key file that "
                "was in use when it was stored"
            ) from error


def load_or_create_key(path: Path) -> bytes:
    """The 32-byte key in `path`, made with mode 0600 when the file is missing."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = _create_key(path)
    if len(key) != 32:
        raise Stalled(f"{path} must hold exactly 32 bytes; it holds {len(key)}")
    return key


def _create_key(path: Path) -> bytes:
    """Whole or not at all: half a key would lock out every secret sealed later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
        with suppress(FileExistsError):  # another thread or process was faster
            os.link(name, path)
    finally:
        os.unlink(name)
    return path.read_bytes()
