"""Outputs of one execution with previews of its files; downloads never run in the page."""

import codecs
import csv
import io
import json
from pathlib import PurePosixPath
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import MainstemError
from mainstem.services.previews import PreviewService
from mainstem.ui import highlight, outputs
from mainstem.ui.desk import Desk, desk
from mainstem.ui.downloads import attachment
from mainstem.ui.outputs import FileLink
from mainstem.ui.pages.execution import PATH, Seen, common, seen, show
from mainstem.ui.render import query_string

router = APIRouter()
_PREVIEW: Final = 200_000
_ROWS: Final = 100


@router.get(PATH + "/outputs")
def page_outputs(request: Request, execution_id: str) -> Response:
    """The tree of outputs."""
    here = desk(request)
    found = seen(here, execution_id)
    return show(request, "outputs", _tree(here, found), found)


@router.get(PATH + "/_outputs")
def part_outputs(request: Request, execution_id: str) -> Response:
    """The tree alone."""
    here = desk(request)
    found = seen(here, execution_id)
    context = common(found, "outputs") | _tree(here, found)
    return here.renderer.part(request, "execution_outputs", context)


@router.get(PATH + "/files")
def page_file(request: Request, execution_id: str, uri: str) -> Response:
    """The head of a file, as a table or as text."""
    here = desk(request)
    found = seen(here, execution_id)
    name = PurePosixPath(uri).name
    head, size = here.services.previews.head(found.execution, uri, _PREVIEW)
    cut = size > len(head)
    text = decode(head, cut=cut)
    if text is not None:
        head = here.services.secret_reads.masker(execution_id).mask(text).encode()
    context = preview(name, head, cut=cut) | {
        "name": name,
        "size": size,
        "uri": uri,
        "cut": cut,
        "download": f"{found.base}/_download{query_string({'uri': uri})}",
    }
    context |= common(found, "outputs")
    return show(request, "file", context | {"tab": "outputs"}, found)


@router.get(PATH + "/_download")
def download(request: Request, execution_id: str, uri: str) -> Response:
    """The file itself, always as an attachment."""
    here = desk(request)
    execution, previews = seen(here, execution_id).execution, here.services.previews
    name = PurePosixPath(uri).name
    size = previews.info(execution, uri).size
    return attachment(name, previews.open(execution, uri), size)


def preview(name: str, head: bytes, *, cut: bool) -> dict[str, object]:
    """What the head of a file can be shown as: table, source, or nothing."""
    text = decode(head, cut=cut)
    if text is None:
        return {"table": None, "lines": None}
    suffix = PurePosixPath(name).suffix.lower().lstrip(".")
    if suffix in ("csv", "tsv"):
        rows = list(csv.reader(io.StringIO(text), delimiter="\t" if suffix == "tsv" else ","))
        return {"table": _table(rows[:-1] if cut else rows), "lines": None}
    if suffix in ("ndjson", "jsonl") and (table := _records(text.splitlines()[: _ROWS + 1])):
        return {"table": table, "lines": None}
    if suffix == "json" and not cut:
        text = _indented(text)
    return {"table": None, "lines": highlight.lines(text, suffix)[:2_000]}


def decode(head: bytes, *, cut: bool) -> str | None:
    """The text of a file's head, or None when it is not UTF-8 text."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=not cut)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _table(rows: list[list[str]]) -> dict[str, object] | None:
    if not rows:
        return None
    return {"head": rows[0], "rows": rows[1 : _ROWS + 1]}


def _records(lines: list[str]) -> dict[str, object] | None:
    try:
        records = [json.loads(line) for line in lines[:_ROWS] if line.strip()]
    except ValueError:
        return None
    if not records or not all(isinstance(record, dict) for record in records):
        return None
    head = list(dict.fromkeys(key for record in records for key in record))
    return {
        "head": head,
        "rows": [[str(record.get(key, "")) for key in head] for record in records],
    }


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _tree(here: Desk, found: Seen) -> dict[str, object]:
    execution = found.execution
    resolve = _Resolve(here.services.previews, found)
    flow_outputs = outputs.tree(execution.outputs or {}, "outputs")
    return {
        "entries": outputs.with_links(outputs.of_runs(found.runs), resolve),
        "flow_outputs": outputs.with_links(flow_outputs, resolve),
    }


class _Resolve:
    """Gives a file its addresses; one that is gone or not ours stays plain text."""

    def __init__(self, previews: PreviewService, found: Seen) -> None:
        self._previews = previews
        self._execution = found.execution
        self._base = found.base

    def __call__(self, file: FileLink) -> FileLink | None:
        try:
            size = self._previews.info(self._execution, file.uri).size
        except (MainstemError, OSError):
            return None
        query = query_string({"uri": file.uri})
        return FileLink(
            file.name,
            file.uri,
            href=f"{self._base}/files{query}",
            download=f"{self._base}/_download{query}",
            size=size,
        )
