"""The middleware around everything: it lets nothing out that no matched route has allowed."""

import logging
from typing import Final

from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstem.errors import MainstemError
from mainstem.gate.passage import Authenticate, Passage, begin
from mainstem.gate.permissions import KEYED, Special
from mainstem.gate.refusal import READING, Refused, refuse
from mainstem.gate.tracing import HEADER, trace_of
from mainstem.services import access
from mainstem.services.audit import AuditService, Outcome
from mainstem.telemetry import about

_log = logging.getLogger("mainstem.gate")
_FIRST: Final = frozenset({"http.response.start", "websocket.accept", "websocket.close"})
_BROKEN: Final = "internal error; the server's log has the details"
_STOP: Final = frozenset({"websocket.close"})


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
        passage = begin(scope, self._authenticate)
        trace = trace_of(scope)
        token = access.enter(passage.caller)
        try:
            with about(**trace.fields()):
                named = _named(send, trace.request)
                await self._answered(scope, receive, named, passage)
        finally:
            access.leave(token)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, passage: Passage) -> None:
        """What no handler caught is told here, where the request's id is still known."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, self._watched(scope, receive, noted, passage))
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            _log.error("a request failed", exc_info=error, extra={"route": passage.template})
            await refuse(scope, receive, send, Refused(_BROKEN, 500))

    def _watched(self, scope: Scope, receive: Receive, send: Send, passage: Passage) -> Send:
        """Sends what was allowed; the first message of anything else becomes a refusal."""
        begun = refused = False

        async def watched(message: Message) -> None:
            nonlocal begun, refused
            if not begun and message["type"] in _FIRST:
                begun = True
                _tell(scope, passage, message)
                await self._record(scope, passage, message)
                error = await _objection(passage, message)
                if error is not None:
                    refused = True
                    await refuse(scope, receive, send, error)
            if not refused:
                await send(message)

        return watched

    async def _record(self, scope: Scope, passage: Passage, message: Message) -> None:
        """Note a change that no service recorded, and every refusal of somebody known."""
        rule = passage.rule
        if rule is None or (passage.principal.is_anonymous and not passage.allowed):
            return
        status = int(message.get("status", 101))
        method = scope.get("method", "GET")
        denied = status == 403
        if passage.caller.records or not (denied or (method not in READING and rule.audited)):
            return
        outcome = Outcome.DENIED if denied else Outcome.DONE if status < 400 else Outcome.FAILED
        action = rule.needs.value if not isinstance(rule.needs, Special) else "request"
        try:
            await run_in_threadpool(
                self._audit.note,
                action,
                f"{method} {scope['path']}",
                {"status": status},
                namespace=passage.namespace[:150] or None,
                outcome=outcome,
            )
        except MainstemError:
            _log.exception("a change could not be recorded", extra={"route": passage.template})


def _named(send: Send, request_id: str) -> Send:
    """Every answer says the request's id."""
    header = (HEADER.encode(), request_id.encode())

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return named


def _tell(scope: Scope, passage: Passage, message: Message) -> None:
    """One line for each change and each fault.

    Looking is told at the level DEBUG, and so are calls of webhooks that went well: their
    executions are the record of them.
    """
    status = int(message.get("status", 101))
    method = str(scope.get("method", "WS"))
    is_told = status >= 500
    if passage.rule is not None and method not in READING:
        is_told = is_told or passage.rule.needs is not KEYED or status >= 400
    level = logging.INFO if is_told else logging.DEBUG
    if not _log.isEnabledFor(level):
        return
    fields = {
        "method": method,
        # Addresses of webhooks hold their key.
        "route": passage.template,
        "status": status,
        "user": passage.principal.name,
        "address": passage.caller.address,
    }
    _log.log(level, "request", extra=fields)


async def _objection(passage: Passage, message: Message) -> Refused | None:
    """Why an answer must not leave: no matched route allowed it."""
    if passage.allowed or passage.answered or message["type"] in _STOP:
        return None
    try:
        # No route was matched, so nobody has asked yet who it is.
        await passage.identify()
    except Refused as error:
        return error
    if passage.principal.is_anonymous:
        return Refused()
    if int(message.get("status", 101)) < 400:
        return Refused("No route of this server allows this request.", 403)
    return None
