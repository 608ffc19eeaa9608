"""Content-addressed blobs: immutable contents of namespace files."""

import hashlib
from typing import Final

from mainstem.storage.base import Storage

_ROOT: Final = "_blobs"


def put_blob(storage: Storage, content: bytes) -> str:
    """Store content once; returns its SHA-256 in hex."""
    digest = hashlib.sha256(content).hexdigest()
    path = blob_path(digest)
    if not storage.exists(path):
        storage.put_bytes(path, content)
    return digest


def blob_path(digest: str) -> str:
    return f"{_ROOT}/{digest[:2]}/{digest}"


def read_blob(storage: Storage, digest: str) -> bytes:
    """Raises NotFound."""
    with storage.open(blob_path(digest)) as file:
        return file.read()
