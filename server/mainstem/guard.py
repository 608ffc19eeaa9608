"""Keeps other web sites from using the server through its user's browser.

A browser can send requests to this server on behalf of any page: by a name that resolves to its
address (DNS rebinding), or by posting across sites.
"""

import ipaddress
import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@lru_cache(maxsize=256)
def host_of(netloc: str) -> str:
    """The name in `name:port` or `[::1]:port`, in small letters; empty when it has none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether the browser says that the request comes from a page of another site."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def is_proven_own(headers: Mapping[str, str]) -> bool:
    """Whether the browser says that the request comes from a page of this server."""
    if is_foreign(headers):
        return False
    return headers.get("sec-fetch-site") == "same-origin" or headers.get("origin") is not None


class Guard:
    """ASGI middleware: 403 for a foreign Host, and for changes that a foreign page sends."""

    def __init__(
        self,
        app: ASGIApp,
        base_url: str,
        *,
        allowed: Collection[str] = (),
        by_address: bool = False,
    ) -> None:
        """`by_address` also takes the server's bare addresses, which no name can be bound to."""
        self._app = app
        self._hosts = LOOPBACK | {host_of(urlsplit(base_url).netloc), *map(str.lower, allowed)}
        self._by_address = by_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if reason is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(reason, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = host_of(headers.get("host", ""))
        if not self._is_ours(host):
            return (
                "The Host of the request is not an address of this server. Use "
                "http://127.0.0.1, or set `server.base_url` to the address that you use, or add "
                "the name to `server.allowed_hosts`."
            )
        if scope.get("method", "GET") not in _READING and is_foreign(headers):
            return "Changes are accepted only from this server's own pages and from programs."
        return None

    def _is_ours(self, host: str) -> bool:
        if host in self._hosts or (host and "*" in self._hosts):
            return True
        return self._by_address and _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _refuse(reason: str, send: Send) -> None:
    body = json.dumps({"message": reason, "_embedded": {"errors": [{"message": reason}]}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
