"""Sign-in at an OpenID Connect provider: code flow with PKCE, state and nonce."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from mainstem.clock import Clock
from mainstem.errors import Denied, InvalidInput, MainstemError, Transient
from mainstem.secrets.seal import Sealer
from mainstem.services.first_steps import read_secret
from mainstem.services.signed import (
    Claims,
    Fetch,
    Keys,
    check_claims,
    fetch_json,
    mapped_roles,
)
from mainstem.services.users import User, UserService
from mainstem.settings import OidcSettings

_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_LIFE_SECONDS: Final = 600
_CONTEXT: Final = "oidc"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it brings back sealed in a cookie."""

    address: str
    cookie: str


class OidcService:
    """One provider."""

    def __init__(
        self,
        settings: OidcSettings,
        users: UserService,
        sealer: Callable[[], Sealer],
        clock: Clock,
        fetch: Fetch = fetch_json,
    ) -> None:
        self._settings = settings
        self._users = users
        self._sealer = sealer
        self._clock = clock
        self._fetch = fetch
        self._keys = Keys(lambda: str(self._provider["jwks_uri"]), clock, fetch)

    @property
    def label(self) -> str:
        return self._settings.label

    @cached_property
    def _provider(self) -> Mapping[str, Any]:
        """What the provider says of itself; read at the first sign-in."""
        issuer = str(self._settings.issuer)
        found = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(found, dict) or found.get("issuer") != issuer:
            raise InvalidInput(f"auth.oidc.issuer: {issuer} says that it is {found.get('issuer')}")
        return found

    def begin(self, redirect_uri: str, wanted: str) -> Begun:
        """Raises Transient when the provider does not answer."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._settings.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = str(self._provider["authorization_endpoint"])
        mark = "&" if urlsplit(endpoint).query else "?"
        kept = {
            "state": state, "nonce": nonce, "verifier": verifier, "next": wanted,
            "uri": redirect_uri, "at": self._clock.now().timestamp(),
        }  # fmt: skip
        sealed = self._sealer().seal(json.dumps(kept).encode(), _CONTEXT)
        cookie = base64.urlsafe_b64encode(sealed).decode()
        return Begun(f"{endpoint}{mark}{urlencode(query)}", cookie)

    def finish(self, cookie: str, state: str, code: str) -> tuple[User, str]:
        """The user, and where they wanted to go; raises Denied."""
        kept = self._opened(cookie)
        if not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
            raise Denied("This sign-in was not begun in this browser: try again.")
        claims = self._claims(kept, code)
        settings = self._settings
        name = str(claims.get(settings.name_claim) or "")
        # Some providers write it as text.
        verified = str(claims.get("email_verified")).lower() != "false"
        if settings.name_claim == "email" and not verified:
            raise Denied("The provider has not verified the e-mail address.")
        if not name or not claims.get("sub"):
            raise Denied(f"The provider tells no `{settings.name_claim}` of this identity.")
        listed = claims.get(settings.groups_claim) or []
        groups = [str(group) for group in listed] if isinstance(listed, list) else [str(listed)]
        email = str(claims.get("email") or "") if verified else ""
        roles = mapped_roles(settings.roles, email=email, groups=groups)
        subject = f"{settings.issuer}|{claims['sub']}"
        display = str(claims.get("name") or name)
        user = self._users.sign_in_external("oidc", subject, name, display, roles)
        if user.disabled or not user.principal.grants:
            raise Denied(f"{name} has no role on this server: ask an admin for one.")
        return user, str(kept["next"])

    def _opened(self, cookie: str) -> Mapping[str, Any]:
        try:
            sealed = base64.urlsafe_b64decode(cookie)
            kept = json.loads(self._sealer().open(sealed, _CONTEXT))
        except (binascii.Error, ValueError, MainstemError) as error:
            raise Denied("This sign-in was not begun in this browser: try again.") from error
        if self._clock.now().timestamp() - kept["at"] > _LIFE_SECONDS:
            raise Denied("This sign-in took too long: try again.")
        return dict(kept)

    def _claims(self, kept: Mapping[str, Any], code: str) -> Claims:
        token = self._exchange(kept, code)
        claims = self._keys.claims(token, _ALGORITHMS)
        settings = self._settings
        check_claims(
            claims,
            issuer=str(settings.issuer),
            audience=settings.client_id,
            now=self._clock.now(),
        )
        if not hmac.compare_digest(str(claims.get("nonce")).encode(), kept["nonce"].encode()):
            raise Denied("The identity is of another sign-in: try again.")
        return claims

    def _exchange(self, kept: Mapping[str, Any], code: str) -> str:
        import httpx

        settings = self._settings
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": kept["uri"],
            "client_id": settings.client_id,
            "code_verifier": kept["verifier"],
        }
        if secret := self._secret:
            body["client_secret"] = secret
        try:
            answer = httpx.post(str(self._provider["token_endpoint"]), data=body, timeout=10)
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Transient("the identity provider does not answer: try again") from error
        if answer.status_code != 200 or "id_token" not in told:
            raise Denied("The identity provider refused the sign-in: try again.")
        return str(told["id_token"])

    @cached_property
    def _secret(self) -> str | None:
        settings = self._settings
        if settings.client_secret is not None:
            return settings.client_secret.get_secret_value()
        if settings.client_secret_file is not None:
            return read_secret(settings.client_secret_file, "auth.oidc.client_secret_file")
        return None
