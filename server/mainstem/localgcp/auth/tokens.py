"""Access tokens: issued with an expiry, recognised after a restart, judged on every request."""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mainstem.localgcp.auth import jwt
from mainstem.localgcp.auth.accounts import Accounts
from mainstem.localgcp.state import replace_file

LIFETIME_SECONDS = 3599
PREFIX = "ya29.local."


class Policy(Enum):
    """What happens to a caller who shows no token, or one that nobody here issued."""

    OPEN = "open"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling; `email` is None for an anonymous caller."""

    email: str | None


class Denied(Exception):
    """The request is not authenticated; `missing` says that it carried no token at all."""

    def __init__(self, *, missing: bool = False) -> None:
        super().__init__("no credentials" if missing else "invalid credentials")
        self.missing = missing


class Tokens:
    """Issues and judges tokens. They carry a MAC, so nothing about them needs storing."""

    def __init__(
        self, folder: Path, accounts: Accounts, policy: Policy, clock: Callable[[], float]
    ) -> None:
        self._secret = _secret(folder / "token.key")
        self._accounts = accounts
        self._policy = policy
        self._clock = clock

    def exchange(self, assertion_text: str, audiences: frozenset[str]) -> str:
        """The JWT-bearer grant: an access token for a good assertion, else `jwt.Refused`."""
        assertion = jwt.decode(assertion_text)
        account = jwt.verify(assertion, self._accounts.all(), self._clock())
        if assertion.text("aud") not in audiences:
            raise jwt.Refused(
                "Invalid JWT: Failed audience check. The right audience is "
                "https://oauth2.googleapis.com/token"
            )
        if assertion.text("sub") not in (None, account.email):
            raise jwt.Refused(
                "Client is unauthorized to retrieve access tokens using this method, or client "
                "not authorized for any of the scopes requested.",
                error="unauthorized_client",
            )
        if not assertion.text("scope"):
            raise jwt.Refused(
                "Invalid OAuth scope or ID token audience provided.", error="invalid_scope"
            )
        return self._mint(account.email)

    def authenticate(self, header: str | None) -> Caller:
        """Who an Authorization header speaks for; raises Denied for what must be refused."""
        if not header:
            return self._anonymous(missing=True)
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Denied
        return self._judge(token.strip())

    def accepts(self, token: str) -> bool:
        """Whether a bearer token is honoured now."""
        try:
            self._judge(token)
        except Denied:
            return False
        return True

    def _judge(self, token: str) -> Caller:
        if token.startswith(PREFIX):
            return Caller(self._read(token))
        if jwt.looks_like_jwt(token):
            # Generated clients skip the token endpoint and sign the request themselves.
            try:
                assertion = jwt.decode(token)
                return Caller(jwt.verify(assertion, self._accounts.all(), self._clock()).email)
            except jwt.Refused:
                raise Denied from None
        return self._anonymous(missing=False)

    def _anonymous(self, *, missing: bool) -> Caller:
        if self._policy is Policy.STRICT:
            raise Denied(missing=missing)
        return Caller(None)

    def _mint(self, email: str) -> str:
        content = json.dumps(
            {"email": email, "exp": self._clock() + LIFETIME_SECONDS, "n": secrets.token_hex(8)}
        ).encode()
        return f"{PREFIX}{_encode(content)}.{_encode(self._mac(content))}"

    def _read(self, token: str) -> str:
        try:
            body, _, mac = token.removeprefix(PREFIX).partition(".")
            content = _decode(body)
            if not hmac.compare_digest(_decode(mac), self._mac(content)):
                raise Denied
            claims = json.loads(content)
        except (ValueError, binascii.Error):
            raise Denied from None
        email = str(claims["email"])
        if claims["exp"] <= self._clock() or email not in self._accounts.all():
            raise Denied
        return email

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, "sha256")


def _secret(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        replace_file(path, secrets.token_bytes(32))
        return path.read_bytes()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
