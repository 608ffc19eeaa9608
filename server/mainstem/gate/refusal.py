"""Refusals: as JSON for programs, as the way to the sign-in form for readers of pages."""

import json
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mainstem.errors import MainstemError
from mainstem.telemetry import request_id

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN: Final = "/ui/login"
NOBODY: Final = "Sign in first: this server serves nobody without credentials."
_CHALLENGE: Final = 'Basic realm="Mainstem", charset="UTF-8"'


class Refused(MainstemError):
    """Credentials that are missing or do not hold, or too many tries (HTTP 401, 403 or 429)."""

    def __init__(
        self, message: str = NOBODY, status: int = 401, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


async def refuse(scope: Scope, receive: Receive, send: Send, error: Refused) -> None:
    """Answer instead of the application."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": error.message})
        return
    await _answer(scope, error)(scope, receive, send)


def _answer(scope: Scope, error: Refused) -> Response:
    headers = {"cache-control": "no-store", "vary": "Cookie, Authorization"}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    given = Headers(scope=scope)
    path = str(scope["path"])
    is_page = path in ("/", "/ui") or path.startswith("/ui/")
    if error.status == 401 and is_page and "authorization" not in given:
        return _to_sign_in(scope, given, headers)
    if error.status == 401:
        headers["www-authenticate"] = _CHALLENGE
    said = {"message": error.message}
    about = {"requestId": request_id()} if request_id() else {}
    body = json.dumps({**said, "_embedded": {"errors": [said]}, **about})
    return Response(body, error.status, headers, "application/json")


def _to_sign_in(scope: Scope, given: Headers, headers: dict[str, str]) -> Response:
    """A page's reader is led to the form, a fragment tells its page to go there."""
    if given.get("hx-request"):
        return Response(status_code=401, headers={**headers, "hx-redirect": SIGN_IN})
    if given.get("accept", "").startswith("text/event-stream"):
        return Response(status_code=401, headers=headers)
    wanted = str(scope["path"])
    if scope.get("query_string"):
        wanted += f"?{scope['query_string'].decode('latin-1')}"
    plain = scope["method"] not in READING or wanted in ("/", "/ui", "/ui/")
    target = SIGN_IN if plain else f"{SIGN_IN}?next={quote(wanted, safe='')}"
    return Response(status_code=303, headers={**headers, "location": target})
