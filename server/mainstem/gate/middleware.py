"""The middleware around everything: it lets nothing out that no matched route has allowed."""

import logging
from typing import Final

from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstem.errors import MainstemError
from mainstem.gate.passage import Authenticate, Passage, begin
from mainstem.gate.permissions import Special
from mainstem.gate.refusal import READING, Refused, refuse
from mainstem.services import access
from mainstem.services.audit import AuditService, Outcome

_log = logging.getLogger("mainstem.gate")
_FIRST: Final = frozenset({"http.response.start", "websocket.accept", "websocket.close"})
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
        token = access.enter(passage.caller)
        try:
            await self._app(scope, receive, self._watched(scope, receive, send, passage))
        finally:
            access.leave(token)

    def _watched(self, scope: Scope, receive: Receive, send: Send, passage: Passage) -> Send:
        """Sends what was allowed; the first message of anything else becomes a refusal."""
        begun = refused = False

        async def watched(message: Message) -> None:
            nonlocal begun, refused
            if not begun and message["type"] in _FIRST:
                begun = True
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
            _log.exception("a change could not be recorded", extra={"path": scope["path"]})


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
