"""The beginning of a stored file as rows, text or a picture."""

import base64
import csv
import io
import json
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from mainstem.errors import InvalidInput
from mainstem.expr import to_json
from mainstem.expr.errors import Fault
from mainstem.expr.ion import from_ion
from mainstem.model.execution import Execution
from mainstem.services.previews import PreviewService

Kind = Literal["TEXT", "LIST", "IMAGE", "MARKDOWN", "PDF"]
_HEAD: Final = 2_000_000
_IMAGES: Final = frozenset({"png", "jpg", "jpeg", "gif", "webp", "bmp", "svg"})
_LARGEST_IMAGE: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class FilePreview:
    """`content` is text, a list of rows, or base64 of a picture."""

    extension: str
    kind: Kind
    content: object
    lines: int
    truncated: bool


def preview(
    previews: PreviewService, execution: Execution, uri: str, rows: int, encoding: str
) -> FilePreview:
    """Raises NotFound, Denied for a foreign file, or InvalidInput for an unknown encoding."""
    name = previews.info(execution, uri).name
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    head, size = previews.head(execution, uri, _HEAD)
    cut = size > len(head)
    if extension in _IMAGES and size <= _LARGEST_IMAGE:
        return FilePreview(extension, "IMAGE", base64.b64encode(head).decode(), 0, False)
    try:
        text = head.decode(encoding, "replace")
    except LookupError as error:
        raise InvalidInput(f"Unable to preview using encoding '{encoding}'") from error
    listed = _rows(extension, text, rows, cut)
    if listed is not None:
        found, more = listed
        return FilePreview(extension, "LIST", found, len(found), cut or more)
    lines = text.splitlines(keepends=True)
    kind: Kind = "MARKDOWN" if extension == "md" else "TEXT"
    return FilePreview(
        extension, kind, "".join(lines[:rows]), min(rows, len(lines)), cut or len(lines) > rows
    )


def _rows(extension: str, text: str, most: int, cut: bool) -> tuple[list[object], bool] | None:
    """The rows, and whether there are more; None for what is not made of rows."""
    found: list[object]
    try:
        if extension == "csv":
            reader = csv.DictReader(io.StringIO(text))
            found = [dict(row) for row in islice(reader, most + 1)]
        elif extension in ("jsonl", "ndjson"):
            lines = [line for line in text.splitlines() if line.strip()]
            found = [json.loads(line) for line in lines[: most + 1]]
        elif extension == "ion":
            lines = [line for line in text.splitlines() if line.strip()]
            whole = from_ion("\n".join(lines[: most + 1]), all_rows=True)
            found = json.loads(to_json(whole)) if isinstance(whole, list) else [whole]
        elif extension == "json" and not cut:
            whole = json.loads(text)
            if not isinstance(whole, list):
                return None
            found = whole[: most + 1]
        else:
            return None
    except (ValueError, csv.Error, RecursionError, Fault):
        return None
    return found[:most], len(found) > most
