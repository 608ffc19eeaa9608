"""Load jobs that bring their file along: multipart bodies and resumable sessions."""

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid, not_found
from mainstem.localgcp.bigquery.jobs.submit import Submission
from mainstem.localgcp.bigquery.routes.http import JsonAnswer, User, Warehouse
from mainstem.localgcp.bigquery.routes.jobs import start_job
from mainstem.localgcp.bigquery.wire.base import read
from mainstem.localgcp.bigquery.wire.jobjson import job_json
from mainstem.localgcp.bigquery.wire.jobs import JobBody

router = APIRouter()
PATH: Final = "/projects/{project}/jobs"
MOST_METADATA: Final = 4 * 1024 * 1024
MOST_SESSIONS: Final = 1000
RANGE: Final = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
RESUME_INCOMPLETE: Final = 308


@dataclass(slots=True)
class Session:
    """A resumable upload under way."""

    project: str
    metadata: object
    path: Path
    received: int = 0
    answer: dict[str, object] | None = None


@dataclass(slots=True)
class Sessions:
    """Uploads by their id; the oldest are given up when there are too many."""

    held: dict[str, Session] = field(default_factory=dict)

    def open(self, project: str, metadata: object, scratch: Path) -> str:
        upload_id = secrets.token_urlsafe(24)
        self.held[upload_id] = Session(project, metadata, scratch / f"upload-{upload_id}")
        while len(self.held) > MOST_SESSIONS:
            oldest = self.held.pop(next(iter(self.held)))
            oldest.path.unlink(missing_ok=True)
        return upload_id

    def get(self, upload_id: str | None) -> Session:
        found = self.held.get(upload_id or "")
        if found is None:
            raise not_found(f"Not found: upload session {upload_id}")
        return found


@router.post(PATH)
async def begin_upload(
    project: str, request: Request, warehouse: Warehouse, user: User
) -> Response:
    """A whole upload in one multipart body, or the beginning of a resumable one."""
    match request.query_params.get("uploadType"):
        case "multipart":
            return await _multipart(project, request, warehouse, user)
        case "resumable":
            return await _open_session(project, request, warehouse)
        case other:
            raise invalid(f"Invalid value for uploadType: {other}", "uploadType")


async def _open_session(project: str, request: Request, warehouse: Warehouse) -> Response:
    metadata = _json(await request.body())
    read(JobBody, metadata)
    sessions: Sessions = request.app.state.sessions
    upload_id = sessions.open(project, metadata, warehouse.scratch)
    location = request.url.replace_query_params(uploadType="resumable", upload_id=upload_id)
    headers = {"Location": str(location), "X-GUploader-UploadID": upload_id}
    return Response(status_code=200, headers=headers)


@router.put(PATH)
async def continue_upload(
    project: str, request: Request, warehouse: Warehouse, user: User
) -> Response:
    """One chunk; the last one starts the job."""
    sessions: Sessions = request.app.state.sessions
    session = sessions.get(request.query_params.get("upload_id"))
    if session.project != project:
        raise not_found("Not found: upload session of another project")
    if session.answer is not None:
        return JsonAnswer(session.answer)
    total = await _receive(session, request)
    if total is None or session.received < total:
        return _incomplete(session)
    answer = await run_in_threadpool(_load, session, warehouse, user)
    session.answer = answer
    return JsonAnswer(answer)


async def _receive(session: Session, request: Request) -> int | None:
    """Append the chunk; how long the whole is, when the client knows."""
    text = request.headers.get("content-range")
    if text is None:
        session.received = await _save(request.stream(), session.path, at=0)
        return session.received
    match = RANGE.fullmatch(text)
    if match is None:
        raise invalid(f"Invalid Content-Range: {text}")
    total = None if match.group(3) == "*" else int(match.group(3))
    if match.group(1) is None:
        if total == 0:
            session.path.touch()
        return total
    start = int(match.group(1))
    if start > session.received:
        raise invalid(f"Content-Range {text} leaves a gap after byte {session.received}")
    session.received = start + await _save(request.stream(), session.path, at=start)
    return total


async def _save(chunks: AsyncIterator[bytes], path: Path, at: int) -> int:
    size = 0
    opened = await run_in_threadpool(path.open, "r+b" if at else "wb")
    try:
        opened.seek(at)
        async for chunk in chunks:
            size += opened.write(chunk)
    finally:
        opened.close()
    return size


def _incomplete(session: Session) -> Response:
    headers = {"Range": f"bytes=0-{session.received - 1}"} if session.received else {}
    return Response(status_code=RESUME_INCOMPLETE, headers=headers)


def _load(session: Session, warehouse: Warehouse, user: str) -> dict[str, object]:
    body = read(JobBody, session.metadata)
    assert isinstance(session.metadata, dict)
    if body.configuration.load is None:
        raise invalid("Only load jobs take an upload")
    submission = Submission(
        session.project, body, session.metadata["configuration"], session.path, user
    )
    return job_json(start_job(warehouse, submission))


async def _multipart(project: str, request: Request, warehouse: Warehouse, user: str) -> Response:
    content_type = request.headers.get("content-type", "")
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if match is None:
        raise invalid("A multipart upload needs a boundary in its content type")
    metadata, media = _split(await request.body(), match.group(1).encode())
    path = warehouse.scratch / f"upload-{secrets.token_hex(16)}"
    await run_in_threadpool(path.write_bytes, media)
    session = Session(project, _json(metadata), path)
    return JsonAnswer(await run_in_threadpool(_load, session, warehouse, user))


def _split(body: bytes, boundary: bytes) -> tuple[bytes, bytes]:
    """The two parts of a multipart/related body without their headers."""
    marker = b"--" + boundary
    pieces = body.split(marker, 2)
    if len(pieces) != 3:
        raise invalid("A multipart upload has exactly two parts")
    end = pieces[2].rfind(marker)
    media = pieces[2][:end] if end >= 0 else pieces[2]
    return _content(pieces[1]), _content(media)


def _content(part: bytes) -> bytes:
    for blank in (b"\r\n\r\n", b"\n\n"):
        _, found, content = part.partition(blank)
        if found:
            newline = blank[: len(blank) // 2]
            return content.removesuffix(newline)
    raise invalid("A part of the multipart upload has no headers")


def _json(text: bytes) -> object:
    if len(text) > MOST_METADATA:
        raise invalid("The metadata of an upload is too large")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise BigQueryError("parseError", f"Parse Error: {problem}") from None
