"""Secrets as files: what Docker, Compose and Kubernetes mount.

`<directory>/NAME` is seen by every namespace, `<directory>/<namespace>/NAME` by one and those below
it. Files are read at every look-up, so a rotated one is used at once.
"""

from pathlib import Path
from typing import Final

from mainstem.errors import InvalidInput, Transient
from mainstem.secrets.base import LARGEST_SECRET, SECRET_KEY

_MOST_NAMES: Final = 1_000


class FileSecrets:
    """Reads beneath one directory, also through links, but never outside of it."""

    name = "files"

    def __init__(self, directory: Path) -> None:
        self._root = directory

    def find(self, namespace: str, key: str) -> str | None:
        """The nearer file wins; one line break at the end is not part of the value."""
        if not SECRET_KEY.fullmatch(key):
            return None
        for folder in (self._root / namespace, self._root):
            value = self._read(folder / key)
            if value is not None:
                return value
        return None

    def names(self, namespace: str) -> list[str]:
        found: set[str] = set()
        for folder in (self._root / namespace, self._root):
            try:
                entries = sorted(folder.iterdir())[:_MOST_NAMES]
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise Transient(f"{folder} cannot be listed: {error.strerror}") from error
            found |= {e.name for e in entries if SECRET_KEY.fullmatch(e.name) and e.is_file()}
        return sorted(found)

    def _read(self, path: Path) -> str | None:
        try:
            root, target = self._root.resolve(), path.resolve()
            if not target.is_relative_to(root) or not target.is_file():
                return None
            with target.open("rb") as file:
                content = file.read(LARGEST_SECRET + 1)
        except OSError as error:
            raise Transient(f"{path} cannot be read: {error.strerror}") from error
        if len(content) > LARGEST_SECRET:
            raise InvalidInput(f"{path} is larger than a secret may be ({LARGEST_SECRET} bytes)")
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{path} is not UTF-8 text") from error
        return text.removesuffix("\n").removesuffix("\r")
