"""Flow sources in uploads: YAML documents and zip archives, with bounds."""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Final

from mainstem.errors import InvalidInput

_MOST_FILES: Final = 20_000
_MOST_BYTES: Final = 200_000_000
_SEPARATOR: Final = re.compile(r"^---[ \t\r]*$", re.MULTILINE)
# What reading a damaged, encrypted or oddly packed member raises.
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A flow's source; `name` is that of its file in an archive, or its place in a YAML file."""

    name: str
    source: str


def split_documents(text: str) -> list[str]:
    """The YAML documents of a text, without empty ones."""
    return [part.strip("\n") + "\n" for part in _SEPARATOR.split(text) if part.strip()]


def unpack_flows(name: str, content: bytes) -> list[NamedSource]:
    """Flow sources of a YAML file or a zip archive of YAML files.

    Raises InvalidInput for anything else, and for archives that unpack to too much.
    """
    if name.endswith((".yaml", ".yml")):
        texts = split_documents(_decode(name, content))
        return [NamedSource(str(number), text) for number, text in enumerate(texts)]
    if name.endswith(".zip"):
        return _unzip(content)
    raise InvalidInput(f"`{name}`: a .yaml, .yml or .zip file is expected")


def _unzip(content: bytes) -> list[NamedSource]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if _is_flow(m.filename)]
            if len(members) > _MOST_FILES or sum(m.file_size for m in members) > _MOST_BYTES:
                raise InvalidInput("the archive unpacks to too many or too large files")
            texts = [(m.filename, _decode(m.filename, archive.read(m))) for m in members]
    except _UNREADABLE as error:
        raise InvalidInput("the upload is not a zip archive that can be read") from error
    return [NamedSource(name, part) for name, text in texts for part in split_documents(text)]


def _is_flow(name: str) -> bool:
    """Archives made on macOS hold a shadow of every file."""
    return name.endswith((".yaml", ".yml")) and not name.startswith("__MACOSX/")


def _decode(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"`{name}` is not UTF-8 text") from error
