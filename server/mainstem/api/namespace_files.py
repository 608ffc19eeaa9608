"""Routes of namespace files."""

from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, File, Query, Response, UploadFile
from fastapi.responses import StreamingResponse

from mainstem.api import wire
from mainstem.api.services import Services
from mainstem.errors import InvalidInput, NotFound
from mainstem.services.file_archives import pack, unpack
from mainstem.services.files import LARGEST_FILE, FileRevision, StoredFile, check_path
from mainstem.services.namespaces import checked_namespace

router = APIRouter(tags=["files"])
_PART: Final = 1 << 16
_OCTETS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
Revision = Annotated[int | None, Query(ge=1)]


@router.get("/namespaces/{namespace}/files/search")
def files(namespace: str, services: Services, q: str = "") -> list[str]:
    """Paths that contain the text."""
    found = services.files.of_namespace(namespace)
    return [f"/{file.path}" for file in found if q.lower() in file.path.lower()]


@router.get("/namespaces/{namespace}/files")
def file_get(namespace: str, path: str, services: Services, revision: Revision = None) -> Response:
    """The content, of an earlier revision if one is named."""
    if revision is None:
        sha256, size = services.files.stat(namespace, path).sha256, None
    else:
        found = services.files.revision(namespace, path, revision)
        sha256, size = str(found.sha256), found.size
    stream = services.files.open_blob(sha256)

    def parts() -> Iterator[bytes]:
        with stream:
            while part := stream.read(_PART):
                yield part

    headers = _OCTETS if size is None else {**_OCTETS, "Content-Length": str(size)}
    return StreamingResponse(parts(), media_type="application/octet-stream", headers=headers)


@router.get("/namespaces/{namespace}/files/stats")
def file_stats(namespace: str, services: Services, path: str = "") -> wire.Json:
    """What is told of a file or a folder."""
    if not path.strip("/ "):
        return _folder("")
    try:
        return _file(services.files.stat(namespace, path))
    except NotFound:
        wanted = check_path(path)
        if any(f.path.startswith(f"{wanted}/") for f in services.files.of_namespace(namespace)):
            return _folder(wanted)
        raise


@router.get("/namespaces/{namespace}/files/directory")
def directory(namespace: str, services: Services, path: str = "") -> list[wire.Json]:
    """What lies directly below a folder."""
    prefix = check_path(path) + "/" if path.strip("/ ") else ""
    found: dict[str, wire.Json] = {}
    for file in services.files.of_namespace(namespace):
        if file.path.startswith(prefix):
            name, mark, _ = file.path.removeprefix(prefix).partition("/")
            found.setdefault(name, _folder(prefix + name) if mark else _file(file))
    if prefix and not found:
        raise NotFound(f"namespace {namespace} has no folder `{prefix}`")
    return list(found.values())


@router.post("/namespaces/{namespace}/files/directory", status_code=200)
def directory_create(namespace: str, path: str, services: Services) -> Response:
    """Folders are there as long as they hold a file: this one gets an empty `.gitkeep`."""
    services.files.write(namespace, f"{check_path(path)}/.gitkeep", b"")
    return Response(status_code=200)


@router.get("/namespaces/{namespace}/files/revisions")
def file_revisions(namespace: str, path: str, services: Services) -> list[wire.Json]:
    """Every state of a file, newest first."""
    return [_revision(item) for item in services.files.revisions(namespace, path)]


@router.post("/namespaces/{namespace}/files/revisions/{revision}/restore")
def file_restore(namespace: str, revision: int, path: str, services: Services) -> wire.Json:
    """Make an earlier content the current one."""
    return _file(services.files.restore(namespace, path, revision))


@router.get("/namespaces/{namespace}/files/export")
def files_export(namespace: str, services: Services) -> Response:
    """All files as a zip archive."""
    checked_namespace(namespace)
    headers = {**_OCTETS, "Content-Disposition": f'attachment; filename="{namespace}_files.zip"'}
    body = pack(services.files, namespace)
    return StreamingResponse(body, media_type="application/octet-stream", headers=headers)


@router.post("/namespaces/{namespace}/files")
def file_put(
    namespace: str,
    path: str,
    services: Services,
    fileContent: Annotated[UploadFile, File()],
) -> Response:
    """Create or replace a file; a `.zip` is unpacked at the root of the namespace."""
    content = fileContent.file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InvalidInput(f"a namespace file may hold {LARGEST_FILE:,} bytes")
    if (fileContent.filename or "").lower().endswith(".zip"):
        services.files.write_all(namespace, unpack(content))
    else:
        services.files.write(namespace, path, content)
    return Response(status_code=200)


@router.put("/namespaces/{namespace}/files")
def file_move(
    namespace: str,
    services: Services,
    from_: Annotated[str, Query(alias="from")],
    to: str,
) -> Response:
    """Move a file, or a folder with what lies below it."""
    services.files.move(namespace, from_, to)
    return Response(status_code=200)


@router.delete("/namespaces/{namespace}/files", status_code=204)
def file_delete(namespace: str, path: str, services: Services) -> Response:
    """Delete a file, or a folder with what lies below it."""
    services.files.delete(namespace, path)
    return Response(status_code=204)


def _file(file: StoredFile) -> wire.Json:
    at = int(file.updated_at.timestamp() * 1000)
    return {
        "type": "File",
        "size": file.size,
        "fileName": file.path.rpartition("/")[2],
        "lastModifiedTime": at,
        "creationTime": at,
        "commit": file.git_commit,
    }


def _folder(path: str) -> wire.Json:
    name = path.rpartition("/")[2]
    return {"type": "Directory", "fileName": name, "size": 0}


def _revision(item: FileRevision) -> wire.Json:
    return {
        "revision": item.revision,
        "date": wire.moment(item.at),
        "size": item.size,
        "deleted": item.sha256 is None,
        "author": item.author,
        "message": item.message,
        "executionId": item.execution_id,
        "commit": item.git_commit,
    }
