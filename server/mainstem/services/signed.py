"""Signed tokens of identity providers: their keys, and the checks that all of them need."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from mainstem.clock import Clock
from mainstem.errors import Denied, Transient
from mainstem.model.principal import Grant, Role
from mainstem.settings import RoleMapping

Claims = Mapping[str, Any]
Fetch = Callable[[str], Any]
_KEPT: Final = timedelta(hours=1)
_AGAIN: Final = timedelta(minutes=1)
_LEEWAY_SECONDS: Final = 30
_LARGEST: Final = 1_000_000


def fetch_json(url: str) -> Any:
    """A small JSON document; raises Transient."""
    import httpx

    try:
        with httpx.Client(timeout=10, follow_redirects=False) as client:
            answer = client.get(url)
            answer.raise_for_status()
            if len(answer.content) > _LARGEST:
                raise Transient(f"{url} answers with too much")
            return answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Transient(f"the identity provider does not answer at {url}: {error}") from error


class Keys:
    """The public keys of a provider, fetched when first needed and when an unknown one appears."""

    def __init__(self, url: Callable[[], str], clock: Clock, fetch: Fetch = fetch_json) -> None:
        self._url = url
        self._clock = clock
        self._fetch = fetch
        self._lock = threading.Lock()
        self._set: Any = None
        self._fetched_at: datetime | None = None

    def claims(self, token: str, algorithms: Sequence[str]) -> Claims:
        """The claims of a token with a good signature; raises Denied."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        for fresh in (False, True):
            try:
                found = jwt.decode(token, self._keys(fresh), algorithms=list(algorithms))
            except (JoseError, ValueError) as error:
                if fresh or not self._may_fetch_again():
                    raise Denied("The signature of the identity cannot be verified.") from error
            else:
                return dict(found.claims)
        raise Denied("The signature of the identity cannot be verified.")

    def _may_fetch_again(self) -> bool:
        at = self._fetched_at
        return at is None or self._clock.now() - at >= _AGAIN

    def _keys(self, fresh: bool) -> Any:
        from joserfc.jwk import KeySet

        with self._lock:
            old = self._fetched_at is None or self._clock.now() - self._fetched_at >= _KEPT
            if self._set is None or old or (fresh and self._may_fetch_again()):
                self._set = KeySet.import_key_set(self._fetch(self._url()))
                self._fetched_at = self._clock.now()
            return self._set


def check_claims(claims: Claims, *, issuer: str, audience: str, now: datetime) -> None:
    """Raises Denied unless the token is of this issuer, for this audience, and valid now."""
    given = claims.get("aud")
    audiences = given if isinstance(given, list) else [given]
    if claims.get("iss") != issuer or audience not in audiences:
        raise Denied("The identity was issued by somebody else, or for somebody else.")
    if len(audiences) > 1 and claims.get("azp") != audience:
        raise Denied("The identity was issued for somebody else.")
    moment = now.timestamp()
    ends, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    if not isinstance(ends, int | float) or moment > ends + _LEEWAY_SECONDS:
        raise Denied("The identity has expired: sign in again.")
    if not isinstance(begins, int | float) or moment < begins - _LEEWAY_SECONDS:
        raise Denied("The identity is not valid yet: check the clocks.")


def mapped_roles(
    mappings: Sequence[RoleMapping], *, email: str, groups: Sequence[str]
) -> tuple[Grant, ...]:
    """The roles that the settings give an identity."""
    address = email.lower()
    _, mark, domain = address.rpartition("@")

    def holds(match: str) -> bool:
        kind, _, value = match.partition(":")
        if kind == "group":
            return value in groups
        if kind == "user":
            return bool(address) and value.lower() == address
        if kind == "domain":
            return bool(mark) and value.lower() == domain
        return match == "*"

    return tuple(sorted({Grant(Role(m.role), m.namespace) for m in mappings if holds(m.match)}))
