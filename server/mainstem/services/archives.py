"""Flow sources in uploads: YAML documents and zip archives, with bounds."""

import io
import re
import zipfile
from typing import Final

from mainstem.errors import InvalidInput

_MOST_FILES: Final = 20_000
_MOST_BYTES: Final = 200_000_000
_SEPARATOR: Final = re.compile(r"^---[ \t]*$", re.MULTILINE)


def split_documents(text: str) -> list[str]:
    """The YAML documents of a text, without empty ones."""
    return [part.strip("\n") + "\n" for part in _SEPARATOR.split(text) if part.strip()]


def unpack_flows(name: str, content: bytes) -> list[str]:
    """Flow sources of a YAML file or a zip archive of YAML files.

    Raises InvalidInput for anything else, and for archives that unpack to too much.
    """
    if name.endswith((".yaml", ".yml")):
        return split_documents(_decode(name, content))
    if name.endswith(".zip"):
        return _unzip(content)
    raise InvalidInput(f"`{name}`: a .yaml, .yml or .zip file is expected")


def _unzip(content: bytes) -> list[str]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise InvalidInput("the upload is not a zip archive") from error
    members = [m for m in archive.infolist() if m.filename.endswith((".yaml", ".yml"))]
    if len(members) > _MOST_FILES or sum(m.file_size for m in members) > _MOST_BYTES:
        raise InvalidInput("the archive unpacks to too many or too large files")
    found = []
    for member in members:
        found += split_documents(_decode(member.filename, archive.read(member)))
    return found


def _decode(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"`{name}` is not UTF-8 text") from error
