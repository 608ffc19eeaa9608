"""A working directory on its way into a container and back."""

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

_IN_MEMORY: Final = 8_000_000


@contextmanager
def packed(folder: Path) -> Iterator[IO[bytes]]:
    """The folder as a tar that unpacks to the same path, writable by any user."""

    def everyone(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mode |= 0o777 if info.isdir() else 0o666
        return info

    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(folder, arcname=str(folder).lstrip("/"), filter=everyone)
        file.seek(0)
        yield file


def copy_back(container: Any, folder: Path) -> None:
    """Copy the working directory out; members that would leave it are refused."""
    stream, _ = container.get_archive(str(folder))
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        for chunk in stream:
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            _extract(archive, folder)


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    prefix = f"{folder.name}/"
    for member in archive:
        if member.name.startswith(prefix):
            member.name = member.name.removeprefix(prefix)
            archive.extract(member, folder, filter="data")
