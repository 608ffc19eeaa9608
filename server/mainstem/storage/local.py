"""Internal storage in a local folder."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from mainstem.errors import InvalidInput, NotFound

_UNFINISHED: Final = ".writing-"


class LocalStorage:
    """Files below `root`; writing goes through a temporary file and a rename."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._root.mkdir(parents=True, exist_ok=True)

    def put(self, path: str, source: Path) -> int:
        with self._replacing(path) as temporary:
            shutil.copyfile(source, temporary)
            return temporary.stat().st_size

    def put_bytes(self, path: str, content: bytes) -> None:
        with self.writing(path) as file:
            file.write(content)

    @contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        with self._replacing(path) as temporary, temporary.open("wb") as file:
            yield file

    def open(self, path: str) -> BinaryIO:
        return self._existing(path).open("rb")

    def fetch(self, path: str, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._existing(path), to)

    def size(self, path: str) -> int:
        return self._existing(path).stat().st_size

    def exists(self, path: str) -> bool:
        return self._resolve(path).is_file()

    def paths(self, prefix: str) -> Iterator[str]:
        folder = self._resolve(prefix) if prefix else self._root
        for parent, _, names in os.walk(folder):
            for name in sorted(n for n in names if not n.startswith(_UNFINISHED)):
                yield str((Path(parent) / name).relative_to(self._root))

    def delete(self, path: str) -> bool:
        try:
            self._resolve(path).unlink()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return False
        return True

    def delete_below(self, prefix: str) -> list[str]:
        paths = list(self.paths(prefix))
        shutil.rmtree(self._resolve(prefix), ignore_errors=True)
        return paths

    def _resolve(self, path: str) -> Path:
        try:
            target = (self._root / path).resolve()
            target.is_file()
        except (OSError, ValueError) as error:
            raise InvalidInput(f"`{path}` cannot be a path of internal storage") from error
        if target == self._root or not target.is_relative_to(self._root):
            raise InvalidInput(f"`{path}` lies outside of internal storage")
        return target

    @contextmanager
    def _replacing(self, path: str) -> Iterator[Path]:
        """A temporary file that takes its place at `path` when the block ends well."""
        target = self._resolve(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            is_folder = target.is_dir()
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidInput(f"`{path}` would lie below a file") from error
        except OSError as error:
            raise InvalidInput(f"`{path}` cannot be stored: {error.strerror}") from error
        if is_folder:
            raise InvalidInput(f"`{path}` is a folder")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_UNFINISHED)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _existing(self, path: str) -> Path:
        target = self._resolve(path)
        if not target.is_file():
            raise NotFound(f"internal storage has no file `{path}`")
        return target
