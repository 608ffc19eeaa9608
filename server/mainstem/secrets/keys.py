"""Where the key that seals secrets comes from: a file, the settings, or Google KMS.

A key file holds 32 bytes, or after the first rotation a small JSON text with several keys of which
one is active. With KMS the keys in the file are wrapped by it and useless without it.
"""

import base64
import binascii
import fcntl
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from mainstem.errors import InvalidInput, Stalled
from mainstem.secrets.seal import KEY_BYTES, Sealer, key_id

_VERSION: Final = 1


class Wrapper(Protocol):
    """Wraps data keys by a key that never leaves its keeper."""

    name: str

    def wrap(self, plain: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes) -> bytes: ...


class KeySource(Protocol):
    """Gives the sealer in force; one that cannot rotate says how its operator does."""

    @property
    def place(self) -> str:
        """Where the keys lie, for messages."""

    def ids(self) -> list[str]:
        """Ids of the keys, the active one first, without asking KMS; none before they are made."""

    def sealer(self) -> Sealer: ...
    def rotate(self) -> Sealer:
        """Make a new active key; the others stay, to open what they sealed."""

    def forget(self, keep: str) -> int:
        """Drop all keys but this one; returns how many."""


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """Keys from the settings, the active one first."""

    keys: Sequence[bytes]
    place: ClassVar[str] = "`secrets.key_value`"

    def ids(self) -> list[str]:
        return [key_id(key) for key in self.keys]

    def sealer(self) -> Sealer:
        return Sealer(self.keys[0], self.keys[1:])

    def rotate(self) -> Sealer:
        """The operator puts the new key first and restarts; then sealing again is all to do."""
        return self.sealer()

    def forget(self, keep: str) -> int:
        raise InvalidInput("remove the older keys from `secrets.key_value` and restart the server")


class KeyFile:
    """Keys in a file that only its owner reads; read again whenever it changes."""

    def __init__(self, path: Path, wrapper: Wrapper | None = None) -> None:
        self._path = path
        self._wrapper = wrapper
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._sealer: Sealer | None = None

    @property
    def place(self) -> str:
        return str(self._path)

    def ids(self) -> list[str]:
        """Raises Stalled when the file is damaged."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        if len(content) == KEY_BYTES:
            return [key_id(content)]
        return [name for name, _ in self._entries(content)[0]]

    def sealer(self) -> Sealer:
        """Raises Stalled when the file is damaged, Transient when KMS does not answer."""
        seen = self._stamp()
        if self._sealer is not None and seen == self._seen:
            return self._sealer
        with self._lock:
            if seen is None:
                self._create()
                seen = self._stamp()
            keys = self._load()
            self._seen, self._sealer = seen, Sealer(keys[0], keys[1:])
            return self._sealer

    def rotate(self) -> Sealer:
        """A new key becomes active, whole or not at all."""
        with self._alone():
            self._write([secrets.token_bytes(KEY_BYTES), *self.sealer().keys])
        return self.sealer()

    def forget(self, keep: str) -> int:
        with self._alone():
            held = self.sealer().keys
            kept = [key for key in held if key_id(key) == keep]
            if not kept:
                raise InvalidInput(f"{self._path} has no key {keep}")
            self._write(kept)
        return len(held) - 1

    def adopt(self) -> Sealer:
        """Wrap by KMS the bare keys of a file that was made without it."""
        if self._wrapper is None:
            raise InvalidInput("there is no KMS key: set `secrets.key_kms`")
        with self._alone():
            bare = KeyFile(self._path).sealer().keys
            self._write(bare)
        return self.sealer()

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (self._path.parent / f".{self._path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _create(self) -> None:
        """Whole or not at all: half a key would lock out every secret sealed later."""
        fresh = secrets.token_bytes(KEY_BYTES)
        content = fresh if self._wrapper is None else self._text([fresh])
        temporary = self._temporary(content)
        try:
            with suppress(FileExistsError):  # another thread or process was faster
                os.link(temporary, self._path)
        finally:
            temporary.unlink()

    def _write(self, keys: Sequence[bytes]) -> None:
        self._temporary(self._text(keys)).replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _temporary(self, content: bytes) -> Path:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".key-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)

    def _text(self, keys: Sequence[bytes]) -> bytes:
        wrapper = self._wrapper
        wrapped = [key if wrapper is None else wrapper.wrap(key) for key in keys]
        held: dict[str, Any] = {
            "version": _VERSION,
            "keys": [
                {"id": key_id(key), "key": base64.b64encode(item).decode()}
                for key, item in zip(keys, wrapped, strict=True)
            ],
        }
        if wrapper is not None:
            held["kms"] = wrapper.name
        return json.dumps(held, indent=1).encode() + b"\n"

    def _load(self) -> list[bytes]:
        content = self._path.read_bytes()
        if len(content) == KEY_BYTES:
            if self._wrapper is not None:
                raise Stalled(
                    f"{self._path} holds a bare key, but `secrets.key_kms` is set: name another "
                    "`secrets.key_file`, or run `mainstem secret rotate-key --adopt-kms`"
                )
            return [content]
        entries, kms = self._entries(content)
        keys = self._unwrapped([key for _, key in entries], kms)
        if not keys or [key_id(key) for key in keys] != [name for name, _ in entries]:
            raise Stalled(f"{self._path} is damaged: its keys do not have the ids that it says")
        return keys

    def _entries(self, content: bytes) -> tuple[list[tuple[str, bytes]], object]:
        """Ids with keys as they lie in the file, and what wraps them."""
        try:
            held = json.loads(content)
            entries = [
                (str(item["id"]), base64.b64decode(item["key"], validate=True))
                for item in held["keys"]
            ]
            return entries, held.get("kms")
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise Stalled(
                f"{self._path} must hold exactly 32 bytes; it holds {len(content)}, which are no "
                "list of keys either"
            ) from error

    def _unwrapped(self, keys: list[bytes], kms: object) -> list[bytes]:
        if kms is None and self._wrapper is None:
            return keys
        if kms is None or self._wrapper is None:
            wanted = kms or (self._wrapper.name if self._wrapper else "")
            raise Stalled(f"{self._path} and `secrets.key_kms` disagree about the key {wanted}")
        return [self._wrapper.unwrap(key) for key in keys]


def load_or_create_key(path: Path) -> bytes:
    """The active key in `path`, made with mode 0600 when the file is missing."""
    return KeyFile(path).sealer().key


def read_keys(text: str) -> list[bytes]:
    """Base64 keys of 32 bytes between commas, the active one first; raises InvalidInput."""
    try:
        keys = [base64.b64decode(part.strip(), validate=True) for part in text.split(",")]
    except binascii.Error as error:
        raise InvalidInput("secrets.key_value must be base64 of 32 bytes") from error
    if not all(len(key) == KEY_BYTES for key in keys):
        raise InvalidInput("secrets.key_value must be base64 of exactly 32 bytes for each key")
    return keys
