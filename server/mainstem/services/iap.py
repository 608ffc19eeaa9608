"""Identities that Google's Identity-Aware Proxy puts into a signed header of every request."""

from datetime import UTC, datetime, timedelta
from typing import Final

from mainstem.clock import Clock
from mainstem.errors import Denied
from mainstem.model.principal import Principal
from mainstem.services.hashes import hash_secret
from mainstem.services.sign_in import Memory
from mainstem.services.signed import Fetch, Keys, check_claims, fetch_json, mapped_roles
from mainstem.services.users import UserService
from mainstem.settings import IapSettings

_REMEMBERED: Final = timedelta(seconds=30)


class IapService:
    """Verifies the header and finds the user behind it."""

    def __init__(
        self, settings: IapSettings, users: UserService, clock: Clock, fetch: Fetch = fetch_json
    ) -> None:
        self._settings = settings
        self._users = users
        self._clock = clock
        self._keys = Keys(lambda: settings.keys_url, clock, fetch)
        self.memory = Memory(clock)

    def principal(self, assertion: str) -> Principal:
        """Raises Denied for a signature, issuer or audience that is not right, and for who has
        no role."""
        key = hash_secret(assertion)
        if known := self.memory.get(key):
            return known
        settings = self._settings
        claims = self._keys.claims(assertion, ["ES256"])
        now = self._clock.now()
        check_claims(claims, issuer=settings.issuer, audience=settings.audience or "", now=now)
        email = str(claims.get("email") or "").rpartition(":")[2]
        subject = str(claims.get("sub") or "")
        if not email or not subject:
            raise Denied("The identity has no e-mail address.")
        roles = mapped_roles(settings.roles, email=email, groups=())
        user = self._users.sign_in_external("iap", subject, email, email, roles)
        if user.disabled or not user.principal.grants:
            raise Denied(f"{email} has no role on this server: ask an admin for one.")
        left = datetime.fromtimestamp(float(claims["exp"]), UTC) - now
        self.memory.put(key, user.principal, min(_REMEMBERED, left))
        return user.principal
