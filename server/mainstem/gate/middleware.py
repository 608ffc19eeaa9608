"""The middleware around everything: it finds the caller, and lets nothing out unallowed."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstem.errors import MainstemError
from mainstem.gate.passage import Passage, begin
from mainstem.gate.permissions import Special
from mainstem.services import access
from mainstem.services.access import Caller
from mainstem.services.audit import AuditService, Outcome

_log = logging.getLogger("mainstem.gate")
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE: Final = 'Basic realm="Mainstem", charset="UTF-8"'
SIGN_IN: Final = "/ui/login"


class Refused(MainstemError):
    """Credentials that do not hold, or too many tries (HTTP 401 or 429)."""

    def __init__(self, message: str, status: int = 401, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Found:
    """Who a request comes from, and how that was proved; `cookies` are set with the answer."""

    caller: Caller
    by_cookie: bool = False
    cookies: tuple[str, ...] = ()


#: Raises Refused for credentials that do not hold; nobody's request gives the anonymous caller.
Authenticate = Callable[[Scope], Awaitable[Found]]


class Gate:
    """ASGI middleware around the whole server."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate, audit: AuditService) -> None:
        self._app = app
        self._authenticate = authenticate
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            found = await self._authenticate(scope)
        except Refused as error:
            await _refuse(scope, receive, send, error)
            return
        passage = Passage(found.caller, by_cookie=found.by_cookie)
        begin(scope, passage)
        token = access.enter(found.caller)
        try:
            await self._app(scope, receive, self._watched(scope, receive, send, (passage, found)))
        finally:
            access.leave(token)

    def _watched(
        self, scope: Scope, receive: Receive, send: Send, known: tuple[Passage, Found]
    ) -> Send:
        """Sends what was allowed; the first message of anything else becomes a refusal."""
        passage, found = known
        refused = False

        async def watched(message: Message) -> None:
            nonlocal refused
            if refused:
                return
            if message["type"] in ("http.response.start", "websocket.accept"):
                await self._record(scope, passage, message)
                error = _objection(passage, message)
                if error is not None:
                    refused = True
                    await _refuse(scope, receive, send, error)
                    return
                _dress(message, found.cookies)
            await send(message)

        return watched

    async def _record(self, scope: Scope, passage: Passage, message: Message) -> None:
        """Note a change that no service recorded, and every refusal of somebody known."""
        status = int(message.get("status", 101))
        rule, who = passage.rule, passage.caller.principal
        if rule is None or (who.is_anonymous and not passage.allowed):
            return
        changes = scope.get("method", "GET") not in _READING and rule.audited
        denied = status == 403
        if passage.caller.records or not (denied or changes):
            return
        outcome = Outcome.DENIED if denied else Outcome.DONE if status < 400 else Outcome.FAILED
        action = rule.needs.value if not isinstance(rule.needs, Special) else "request"
        try:
            await run_in_threadpool(
                self._audit.note,
                action,
                f"{scope.get('method', 'WS')} {scope['path']}",
                {"status": status},
                namespace=passage.namespace or None,
                outcome=outcome,
            )
        except MainstemError:
            _log.exception("a change could not be recorded", extra={"path": scope["path"]})


def _objection(passage: Passage, message: Message) -> Refused | None:
    """Why an answer must not leave: no matched route allowed it."""
    if passage.allowed:
        return None
    if passage.caller.principal.is_anonymous:
        return Refused("Sign in first: this server serves nobody without credentials.")
    if int(message.get("status", 101)) < 400:
        return Refused("No route of this server allows this request.", 403)
    return None


def _dress(message: Message, cookies: tuple[str, ...]) -> None:
    for cookie in cookies:
        message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode("latin-1"))]


async def _refuse(scope: Scope, receive: Receive, send: Send, error: Refused) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": error.message})
        return
    await _answer(scope, error)(scope, receive, send)


def _answer(scope: Scope, error: Refused) -> Response:
    headers: dict[str, str] = {"cache-control": "no-store"}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    given = Headers(scope=scope)
    path = str(scope["path"])
    if error.status == 401 and (path.startswith("/ui") or path == "/"):
        return _to_sign_in(scope, given, headers)
    if error.status == 401:
        headers["www-authenticate"] = _CHALLENGE
    body: Mapping[str, object] = {
        "message": error.message,
        "_embedded": {"errors": [{"message": error.message}]},
    }
    return Response(json.dumps(body), error.status, headers, "application/json")


def _to_sign_in(scope: Scope, given: Headers, headers: dict[str, str]) -> Response:
    """A page's reader is led to the form, a fragment tells its page to go there."""
    wanted = str(scope["path"])
    if scope.get("query_string"):
        wanted += f"?{scope['query_string'].decode('latin-1')}"
    if given.get("hx-request"):
        return Response(status_code=401, headers={**headers, "hx-redirect": SIGN_IN})
    if scope["method"] not in _READING or wanted in ("/", "/ui", "/ui/"):
        return Response(status_code=303, headers={**headers, "location": SIGN_IN})
    if given.get("accept", "").startswith("text/event-stream"):
        return Response(status_code=401, headers=headers)
    return Response(
        status_code=303, headers={**headers, "location": f"{SIGN_IN}?next={quote(wanted, safe='')}"}
    )
