"""Errors as JSON: status by class, message for the reader, nothing of the inside."""

import logging
from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mainstem.errors import (
    Conflict,
    Denied,
    Gone,
    InvalidInput,
    MainstemError,
    NotFound,
    Stalled,
    TooLarge,
    Transient,
)
from mainstem.telemetry import request_id

_log = logging.getLogger("mainstem.api")

_STATUS: Final[Sequence[tuple[type[MainstemError], int]]] = (
    (Gone, 410),
    (TooLarge, 413),
    (NotFound, 404),
    (InvalidInput, 422),
    (Conflict, 409),
    (Denied, 403),
    (Transient, 503),
    (Stalled, 502),
)


# What the reference puts before the message, which its clients may look for.
_TITLES: Final[Sequence[tuple[type[MainstemError], str]]] = (
    (Gone, "Resource has expired"),
    (NotFound, "Not Found"),
    (InvalidInput, "Illegal argument"),
    (Conflict, "Illegal state"),
)


def _titled(error: MainstemError) -> str:
    title = next((text for kind, text in _TITLES if isinstance(error, kind)), None)
    return f"{title}: {error.message}" if title else error.message


def status_of(error: MainstemError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(status: int, message: str) -> JSONResponse:
    """The body in the reference's shape."""
    body: dict[str, object] = {"message": message, "_embedded": {"errors": [{"message": message}]}}
    if (request := request_id()) is not None:
        body["requestId"] = request
    return JSONResponse(body, status_code=status)


def install(app: FastAPI) -> None:
    """Answer every error of the API in one shape."""

    @app.exception_handler(MainstemError)
    async def ours(_request: Request, error: MainstemError) -> JSONResponse:
        return problem(status_of(error), _titled(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}"
            for item in error.errors()
        )
        return problem(422, f"invalid request: {faults}")

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(UnicodeEncodeError)
    async def not_text(_request: Request, _error: UnicodeEncodeError) -> JSONResponse:
        return problem(422, "invalid request: it holds half a character (a lone surrogate)")

    @app.exception_handler(Exception)
    async def bug(_request: Request, error: Exception) -> JSONResponse:
        _log.error("a request failed", exc_info=error)
        return problem(500, "internal error; the server's log has the details")
