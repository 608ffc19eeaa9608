"""Files of a namespace: tree, preview, editor, history, upload, download, move, delete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.services.file_archives import pack, unpack
from mainstem.services.files import FileService, Writing, check_path
from mainstem.ui import diff, highlight, markdown
from mainstem.ui.desk import Desk, desk
from mainstem.ui.downloads import attachment
from mainstem.ui.flash import redirect
from mainstem.ui.pages.execution_files import decode
from mainstem.ui.pages.namespaces import checked, common, frame_of, managed_of
from mainstem.ui.render import link
from mainstem.ui.security import PostedForm

router = APIRouter()
_SHOWN: Final = 200_000


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A folder with children, or a file."""

    name: str
    path: str
    href: str = ""
    size: int = 0
    children: tuple["TreeEntry", ...] = ()
    open: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file, read."""

    name: str
    content: bytes


async def posted_file(form: PostedForm) -> Upload:
    """The one file of the upload form."""
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise InvalidInput("Choose a file to upload.")
    return Upload(PurePosixPath(sent.filename).name, await sent.read())


@router.get("/namespaces/{namespace}/files")
def page_files(request: Request, namespace: str, path: str = "", mode: str = "") -> Response:
    """The tree, and the file that the address names: to read, to edit, or its history."""
    here = desk(request)
    name = checked(namespace)
    context = _context(here, name, path)
    if mode == "new":
        context |= {"editing": True, "text": "", "seen": ""}
    elif path:
        context["file"] = file = here.services.files.stat(name, path)
        with here.services.files.open(name, path) as stream:
            head = stream.read(_SHOWN + 1)
        context |= _content(path, head)
        if mode == "edit" and context["text"] is not None:
            context |= {"editing": True, "seen": file.sha256}
        if mode == "history":
            context |= _history(here, name, path, request)
    frame = replace(frame_of(name), editor=bool(context["editing"]))
    return here.renderer.page(request, "namespace_files", frame, context)


def _context(here: Desk, name: str, path: str) -> dict[str, object]:
    sizes = [(item.path, item.size) for item in here.services.files.of_namespace(name)]
    return common(name, "files") | {
        "tree": tree(sizes, link("namespaces", name, "files"), path),
        "count": len(sizes),
        "path": path,
        "managed": managed_of(here, "file", name).get(path),
        "file": None,
        "lines": None,
        "markdown": None,
        "text": None,
        "editing": False,
        "history": None,
        "error": "",
        "download": link("namespaces", name, "files", "_download", path=path) if path else "",
    }


def _content(path: str, head: bytes) -> dict[str, object]:
    if len(head) > _SHOWN or (text := decode(head, cut=False)) is None:
        return {}
    suffix = PurePosixPath(path).suffix.lower().lstrip(".")
    if suffix == "md":
        return {"text": text, "markdown": markdown.to_html(text)}
    return {"text": text, "lines": highlight.lines(text, suffix)}


def _history(here: Desk, name: str, path: str, request: Request) -> dict[str, object]:
    """All revisions, and two of them compared: those of the address, or the newest two."""
    files = here.services.files
    history = files.revisions(name, path)
    numbers = [item.revision for item in history if item.sha256 is not None]
    asked = request.query_params
    new = _number(asked.get("new"), numbers[0] if numbers else 0)
    old = _number(asked.get("old"), next((n for n in numbers if n < new), new))
    difference = None
    if {old, new} <= set(numbers):
        texts = [_text_of(files, name, path, number) for number in (old, new)]
        if texts[0] is not None and texts[1] is not None:
            difference = diff.compare(texts[0], texts[1])
    return {"history": history, "old": old, "new": new, "difference": difference}


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdigit() else usual


def _text_of(files: FileService, name: str, path: str, number: int) -> str | None:
    with files.open_blob(str(files.revision(name, path, number).sha256)) as stream:
        head = stream.read(_SHOWN + 1)
    return decode(head, cut=False) if len(head) <= _SHOWN else None


@router.post("/namespaces/{namespace}/files/_save")
def save(request: Request, namespace: str, form: PostedForm) -> Response:
    """Write the text of the editor, unless the file changed since it was opened."""
    here = desk(request)
    name, path = checked(namespace), str(form.get("path") or "").strip()
    text = str(form.get("text") or "").replace("\r\n", "\n")
    seen = str(form.get("seen") or "")
    try:
        wanted = check_path(path)
        _must_be_seen(here, name, wanted, seen)
        message = str(form.get("message") or "").strip()[:500] or None
        by = Writing(message=message)
        here.services.files.write(name, wanted, text.encode(), by)
    except (InvalidInput, Conflict) as error:
        context = _context(here, name, path)
        context |= {"editing": True, "text": text, "seen": seen, "error": error.message}
        status = 409 if isinstance(error, Conflict) else 422
        frame = replace(frame_of(name), editor=True)
        return here.renderer.page(request, "namespace_files", frame, context, status=status)
    return redirect(link("namespaces", name, "files", path=wanted), f"Saved {wanted}")


def _must_be_seen(here: Desk, name: str, path: str, seen: str) -> None:
    try:
        current = here.services.files.stat(name, path).sha256
    except NotFound:
        return
    if current != seen:
        raise Conflict(
            f"`{path}` was changed meanwhile: look at its history, then copy your text over it"
            if seen
            else f"`{path}` exists already: open it to edit it"
        )


@router.post("/namespaces/{namespace}/files/_restore")
def restore(request: Request, namespace: str, form: PostedForm) -> Response:
    """Make an earlier content the current one."""
    name, path = checked(namespace), str(form.get("path") or "")
    number = _number(str(form.get("revision") or ""), 0)
    desk(request).services.files.restore(name, path, number)
    return redirect(link("namespaces", name, "files", path=path), f"Restored revision {number}")


@router.post("/namespaces/{namespace}/files/_move")
def move(request: Request, namespace: str, form: PostedForm) -> Response:
    """Rename a file, or a folder with what lies below it."""
    name, path = checked(namespace), str(form.get("path") or "")
    target = str(form.get("to") or "").strip()
    try:
        desk(request).services.files.move(name, path, target)
    except (InvalidInput, Conflict, NotFound) as error:
        return redirect(link("namespaces", name, "files", path=path), error.message)
    found = link("namespaces", name, "files", path=check_path(target))
    return redirect(found, f"Moved to {target}")


@router.get("/namespaces/{namespace}/files/_export")
def export(request: Request, namespace: str) -> Response:
    """All files as a zip archive."""
    name = checked(namespace)
    headers = {"content-disposition": f'attachment; filename="{name}_files.zip"'}
    body = pack(desk(request).services.files, name)
    return StreamingResponse(body, media_type="application/zip", headers=headers)


@router.get("/namespaces/{namespace}/files/_download")
def download(request: Request, namespace: str, path: str) -> Response:
    """The file itself, always as an attachment."""
    files = desk(request).services.files
    return attachment(PurePosixPath(path).name, files.open(checked(namespace), path))


@router.post("/namespaces/{namespace}/files")
def upload(
    request: Request,
    namespace: str,
    form: PostedForm,
    sent: Annotated[Upload, Depends(posted_file)],
) -> Response:
    """Create or replace a file."""
    name = checked(namespace)
    folder = str(form.get("folder") or "").strip("/ ")
    path = f"{folder}/{sent.name}" if folder else sent.name
    if form.get("unpack") and sent.name.lower().endswith(".zip"):
        files = {f"{folder}/{p}" if folder else p: c for p, c in unpack(sent.content).items()}
        desk(request).services.files.write_all(name, files)
        return redirect(link("namespaces", name, "files"), f"Unpacked {len(files)} files")
    desk(request).services.files.write(name, path, sent.content)
    return redirect(link("namespaces", name, "files", path=path), f"Uploaded {path}")


@router.post("/namespaces/{namespace}/files/_delete")
def delete(request: Request, namespace: str, form: PostedForm) -> Response:
    """Delete one file."""
    name, path = checked(namespace), str(form.get("path") or "")
    try:
        desk(request).services.files.delete(name, path)
    except Conflict as error:
        return redirect(link("namespaces", name, "files", path=path), error.message)
    return redirect(link("namespaces", name, "files"), f"Deleted {path}")


def tree(files: Sequence[tuple[str, int]], base: str, chosen: str = "") -> list[TreeEntry]:
    """Paths as nested folders, folders first; those above the chosen file are open."""
    return list(_below([(path.split("/"), path, size) for path, size in files], base, chosen, ()))


def _below(
    files: Sequence[tuple[list[str], str, int]], base: str, chosen: str, above: tuple[str, ...]
) -> tuple[TreeEntry, ...]:
    folders: dict[str, list[tuple[list[str], str, int]]] = {}
    leaves = []
    for parts, path, size in files:
        if len(parts) > 1:
            folders.setdefault(parts[0], []).append((parts[1:], path, size))
        else:
            leaves.append(TreeEntry(parts[0], path, f"{base}{_query(path)}", size))
    out = []
    for name, inner in sorted(folders.items()):
        path = "/".join((*above, name))
        children = _below(inner, base, chosen, (*above, name))
        is_open = not chosen or chosen.startswith(f"{path}/")
        out.append(TreeEntry(name, path, children=children, open=is_open))
    return (*out, *sorted(leaves, key=lambda leaf: leaf.name))


def _query(path: str) -> str:
    return link("", path=path).removeprefix("/ui/")
