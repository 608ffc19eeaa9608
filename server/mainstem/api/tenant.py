"""The default tenant of newer clients: `/api/v1/main/…` is `/api/v1/…`.

The address is changed before any route is looked for, so that every rule about routes, permissions
included, sees one address for one thing.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

TENANT: Final = "main"
_BASE: Final = "/api/v1/"
_WITH: Final = f"{_BASE}{TENANT}/"


class DefaultTenant:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"].startswith(_WITH):
            raw = scope.get("raw_path") or b""
            scope = {**scope, "path": _BASE + scope["path"].removeprefix(_WITH)}
            if raw.startswith(_WITH.encode()):
                scope["raw_path"] = _BASE.encode() + raw.removeprefix(_WITH.encode())
        await self._app(scope, receive, send)
