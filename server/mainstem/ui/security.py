"""What every answer of the dashboard carries, and what every change must prove."""

import hmac
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Final

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstem.errors import Denied
from mainstem.guard import is_foreign

CSRF_COOKIE: Final = "mainstem_csrf"
CSRF_HEADER: Final = "x-csrf-token"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32,64}")


def content_policy(style_nonce: str = "") -> str:
    """What a page may load; a nonce admits the style sheets that the editor makes for itself."""
    styles = f"'self' 'nonce-{style_nonce}'" if style_nonce else "'self'"
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            f"style-src {styles}",
            "img-src 'self' data:",
            "connect-src 'self'",
            "object-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )


SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": content_policy(),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class SecurityHeaders:
    """ASGI middleware that adds the content policy to every answer that has none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in SECURITY_HEADERS.items()
                        if name.encode() not in given
                    ),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def csrf_token(request: Request) -> str:
    """The browser's token: the one it holds, or a fresh one that the answer must set."""
    held = request.cookies.get(CSRF_COOKIE, "")
    if _TOKEN.fullmatch(held):
        return held
    fresh: str | None = getattr(request.state, "csrf_token", None)
    if fresh is None:
        fresh = secrets.token_urlsafe(32)
        request.state.csrf_token = fresh
    return fresh


async def posted_form(request: Request) -> AsyncIterator[FormData]:
    """The form of a change, after proof that this dashboard's own page sent it.

    Raises Denied when the browser says the request came from elsewhere, or the token is missing.
    """
    if is_foreign(request.headers):
        raise Denied("Changes are accepted only from the dashboard's own pages.")
    async with request.form(max_files=50, max_fields=2_000) as form:
        _require_token(request, form)
        yield form


def _require_token(request: Request, form: FormData) -> None:
    given = request.headers.get(CSRF_HEADER) or form.get("csrf")
    held = request.cookies.get(CSRF_COOKIE, "")
    if not _TOKEN.fullmatch(held) or not isinstance(given, str):
        raise Denied("This form has expired. Reload the page and send it again.")
    if not hmac.compare_digest(given.encode(), held.encode()):
        raise Denied("This form belongs to another session. Reload the page and send it again.")


#: The parameter type by which a route asks for a proven form.
PostedForm = Annotated[FormData, Depends(posted_form)]
