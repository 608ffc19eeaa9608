"""Files of a namespace: tree, preview, upload, download, delete."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from mainstem.errors import InvalidInput
from mainstem.ui import highlight, markdown
from mainstem.ui.desk import desk
from mainstem.ui.downloads import attachment
from mainstem.ui.flash import redirect
from mainstem.ui.pages.execution_files import decode
from mainstem.ui.pages.namespaces import checked, common, frame_of
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
def page_files(request: Request, namespace: str, path: str = "") -> Response:
    """The tree, and the file that the address names."""
    here = desk(request)
    name = checked(namespace)
    stored = here.services.files.of_namespace(name)
    sizes = [(item.path, item.size) for item in stored]
    context = common(name, "files") | {
        "tree": tree(sizes, link("namespaces", name, "files"), path),
        "count": len(sizes),
        "path": path,
        "file": None,
        "lines": None,
        "markdown": None,
        "download": "",
    }
    if path:
        context["file"] = here.services.files.stat(name, path)
        context["download"] = link("namespaces", name, "files", "_download", path=path)
        with here.services.files.open(name, path) as stream:
            context |= _content(path, stream.read(_SHOWN + 1))
    return here.renderer.page(request, "namespace_files", frame_of(name), context)


def _content(path: str, head: bytes) -> dict[str, object]:
    if len(head) > _SHOWN or (text := decode(head, cut=False)) is None:
        return {}
    suffix = PurePosixPath(path).suffix.lower().lstrip(".")
    if suffix == "md":
        return {"markdown": markdown.to_html(text)}
    return {"lines": highlight.lines(text, suffix)}


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
    desk(request).services.files.write(name, path, sent.content)
    return redirect(link("namespaces", name, "files", path=path), f"Uploaded {path}")


@router.post("/namespaces/{namespace}/files/_delete")
def delete(request: Request, namespace: str, form: PostedForm) -> Response:
    """Delete one file."""
    name, path = checked(namespace), str(form.get("path") or "")
    desk(request).services.files.delete(name, path)
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
