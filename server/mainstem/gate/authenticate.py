"""Finds out who sends a request: a token, a name and password, a session's cookie, or a proxy."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Scope

from mainstem.errors import Denied
from mainstem.gate.refusal import Refused
from mainstem.model.principal import ANONYMOUS, OPEN, Principal
from mainstem.services.limits import TooMany
from mainstem.services.sign_in import SignInService

SESSION_COOKIE: Final = "mainstem_session"
IAP_HEADER: Final = "x-goog-iap-jwt-assertion"
_LONGEST: Final = 16_384


@dataclass(frozen=True, slots=True)
class Found:
    """Who it is; `ambient` when the browser adds the proof to whatever any page sends."""

    principal: Principal
    ambient: bool = False
    session: str | None = None


#: A principal from a proxy's signed header; raises Denied.
FromHeader = Callable[[str], Principal]


def address_of(scope: Scope) -> str:
    """Where it comes from, as the web server says, which knows the trusted proxies."""
    client = scope.get("client")
    return str(client[0]) if client else ""


class Authenticator:
    """Asked once for each request whose route is not public."""

    def __init__(
        self,
        sign_in: SignInService,
        *,
        is_open: bool = False,
        from_header: FromHeader | None = None,
    ) -> None:
        self._sign_in = sign_in
        self._is_open = is_open
        self._from_header = from_header

    async def __call__(self, scope: Scope) -> Found:
        """Raises Refused for credentials that do not hold, and for too many tries."""
        headers = Headers(scope=scope)
        given = headers.get("authorization")
        if given:
            return Found(await self._authorization(given, address_of(scope)))
        if self._is_open:
            return Found(OPEN)
        if self._from_header and (assertion := headers.get(IAP_HEADER)):
            try:
                who = await run_in_threadpool(self._from_header, assertion)
            except Denied as error:
                raise Refused(error.message, 403) from error
            return Found(who, ambient=True)
        secret = session_of(headers)
        if secret:
            known = await run_in_threadpool(self._sign_in.by_session, secret)
            if known:
                return Found(known, ambient=True, session=secret)
        return Found(ANONYMOUS)

    async def _authorization(self, given: str, address: str) -> Principal:
        scheme, _, proof = given.partition(" ")
        proof = proof.strip()
        who: Principal | None = None
        if len(proof) > _LONGEST:
            raise Refused("The credentials are too long.")
        if scheme.lower() == "bearer":
            who = await run_in_threadpool(self._sign_in.by_token, proof)
        elif scheme.lower() == "basic":
            who = await self._basic(given, address)
        if who is None:
            if self._is_open:
                return OPEN
            raise Refused("The credentials are wrong, have expired or were revoked.")
        return who

    async def _basic(self, given: str, address: str) -> Principal | None:
        name, mark, password = (basic_of(given) or "").partition(":")
        if not mark:
            return None
        try:
            return await run_in_threadpool(self._sign_in.by_basic, name, password, address)
        except TooMany as error:
            raise Refused(error.message, 429, error.seconds) from error


def basic_of(given: str) -> str | None:
    """`name:password` of a header's value; None when it is of another scheme."""
    scheme, _, proof = given.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(proof.strip(), validate=True).decode()
    except ValueError:  # of base64, of UTF-8, and of letters beyond ASCII
        return None


def session_of(headers: Headers) -> str | None:
    """The secret in the session's cookie."""
    given = headers.get("cookie")
    if not given or SESSION_COOKIE not in given:
        return None
    try:
        morsel = SimpleCookie(given).get(SESSION_COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None
