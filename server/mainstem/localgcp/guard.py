"""Keeps other people's web pages away: a browser on this machine can reach loopback ports."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = {"127.0.0.1", "localhost", "[::1]", "host.docker.internal"}


class LoopbackOnly:
    """Refuses foreign host names (DNS rebinding) and requests that other sites' pages send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reason = _why_not(Headers(scope=scope), scope["method"])
        if reason is None:
            await self._app(scope, receive, send)
            return
        error = {"code": 403, "message": reason, "status": "PERMISSION_DENIED"}
        await JSONResponse({"error": error}, status_code=403)(scope, receive, send)


def _why_not(headers: Headers, method: str) -> str | None:
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in HOSTS:
        return "Local Google Cloud answers under localhost and 127.0.0.1 only."
    is_navigation = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not is_navigation:
        return "Local Google Cloud takes no requests from pages of other sites."
    return None
