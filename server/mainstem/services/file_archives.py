"""Namespace files as zip archives, in and out, with bounds."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from mainstem.errors import InvalidInput
from mainstem.services.files import LARGEST_FILE, FileService, check_path

_MOST_FILES: Final = 10_000
_MOST_BYTES: Final = 500_000_000
_PART: Final = 1 << 20
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
)


def unpack(content: bytes) -> dict[str, bytes]:
    """Files of an archive by checked path; raises InvalidInput for a bomb or a traversal."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if _is_wanted(m)]
            if len(members) > _MOST_FILES:
                raise InvalidInput(f"the archive holds more than {_MOST_FILES:,} files")
            return _read(archive, members)
    except _UNREADABLE as error:
        raise InvalidInput("the upload is not a zip archive that can be read") from error


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    """Archives made on macOS hold a shadow of every file."""
    return not member.is_dir() and not member.filename.startswith("__MACOSX/")


def _read(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = _MOST_BYTES
    for member in members:
        limit = min(LARGEST_FILE, left)
        with archive.open(member) as file:
            content = file.read(limit + 1)  # what the archive says of sizes may be a lie
        if len(content) > limit:
            raise InvalidInput(f"the archive unpacks to too much at `{member.filename}`")
        left -= len(content)
        found[check_path(member.filename)] = content
    return found


class _Pipe(io.RawIOBase):
    """Collects what the archive writes until it is handed on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: object) -> int:
        content = bytes(part)  # type: ignore[call-overload]
        self._parts.append(content)
        return len(content)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def pack(files: FileService, namespace: str) -> Iterator[bytes]:
    """All files of a namespace as an archive, in parts."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files.of_namespace(namespace):
            with files.open_blob(file.sha256) as source, archive.open(file.path, "w") as target:
                while part := source.read(_PART):
                    target.write(part)
                    yield pipe.take()
    yield pipe.take()
