"""Errors as pages: what failed, what to do next, and the request's id; never a stack trace."""

import logging
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mainstem import errors
from mainstem.telemetry import request_id
from mainstem.ui.desk import desk
from mainstem.ui.render import Crumb, Frame

_log = logging.getLogger("mainstem.ui")

_CLASSES: Final[tuple[tuple[type[errors.MainstemError], int, str], ...]] = (
    (errors.NotFound, 404, "Not found"),
    (errors.Conflict, 409, "This cannot be done now"),
    (errors.InvalidInput, 422, "Something must be corrected"),
    (errors.Denied, 403, "Not allowed"),
    (errors.Transient, 503, "Try again in a moment"),
    (errors.Stalled, 502, "Something outside needs attention"),
)


def mainstem_problem(request: Request, error: Exception) -> Response:
    """An error raised on purpose: its message is for the reader."""
    for kind, status, title in _CLASSES:
        if isinstance(error, kind):
            return _answer(request, status, title, str(error))
    return unexpected(request, error)


def http_problem(request: Request, error: Exception) -> Response:
    """An address that leads nowhere, or a method that it does not take."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return _answer(request, 404, "Not found", f"There is no page at {request.url.path}.")
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    return _answer(request, status, "This request cannot be answered", detail)


def invalid_request(request: Request, error: Exception) -> Response:
    """Parameters of the address that do not have their type."""
    named = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{item['loc'][-1]}: {item['msg']}" for item in named)
    return _answer(request, 422, "The address has a parameter that cannot be read", said)


def unexpected(request: Request, error: Exception) -> Response:
    """A fault of this program: the log has the story, the reader gets the id to find it."""
    _log.error("page failed", exc_info=error)
    text = (
        "The server met an unexpected error; the rest of the dashboard works. "
        "The server's log has the details under the request id."
    )
    return _answer(request, 500, "Something went wrong", text)


def _answer(request: Request, status: int, title: str, text: str) -> Response:
    renderer = desk(request).renderer
    context = {
        "title": title,
        "text": text,
        "request_id": request_id() if status >= 500 else None,
        "status": status,
    }
    if request.headers.get("hx-request"):
        response = renderer.part(request, "problem", context, status=status)
        response.headers["x-problem"] = quote(text or title)
        return response
    frame = Frame("", title, (Crumb(str(status)),))
    return renderer.page(request, "problem", frame, context, status=status)
