"""Tokens of sources: as given, or got from a GitHub App for an hour at a time."""

import base64
import json
import threading
from datetime import datetime, timedelta
from typing import Final

from mainstem.clock import Clock
from mainstem.errors import InvalidInput, Stalled, Transient
from mainstem.settings_git import GithubApp, GitSource

_EARLY: Final = timedelta(minutes=5)
_SECONDS: Final = 20.0


class Tokens:
    """Gives the token of a source; those of GitHub Apps are kept until they near their end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str, str], tuple[str, datetime]] = {}

    def __call__(self, source: GitSource) -> str | None:
        """Raises Transient or Stalled when GitHub gives none."""
        if source.github_app is not None:
            return self._installation(source.github_app)
        return None if source.token is None else source.token.get_secret_value()

    def _installation(self, app: GithubApp) -> str:
        key = (app.api_url, app.app_id, app.installation_id)
        now = self._clock.now()
        with self._lock:
            held = self._held.get(key)
        if held is not None and held[1] - _EARLY > now:
            return held[0]
        token, ends = _exchange(app, now)
        with self._lock:
            self._held[key] = (token, ends)
        return token


def signed_claim(app: GithubApp, now: datetime) -> str:
    """The JWT by which the app proves itself; raises InvalidInput for a key that is none."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(app.private_key.get_secret_value().encode(), None)
    except (ValueError, TypeError):
        raise InvalidInput("the private key of the GitHub App is not a PEM key") from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidInput("the private key of the GitHub App is not an RSA key")
    # GitHub refuses claims from the future, and clocks differ.
    issued = int(now.timestamp()) - 60
    claims = {"iat": issued, "exp": issued + 540, "iss": app.app_id}
    body = ".".join(_part(part) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{body}.{_encoded(key.sign(body.encode(), PKCS1v15(), SHA256()))}"


def _exchange(app: GithubApp, now: datetime) -> tuple[str, datetime]:
    import httpx

    where = f"{app.api_url.rstrip('/')}/app/installations/{app.installation_id}/access_tokens"
    headers = {
        "Authorization": f"Bearer {signed_claim(app, now)}",
        "Accept": "application/vnd.github+json",
    }
    try:
        answer = httpx.post(where, headers=headers, timeout=_SECONDS)
    except httpx.HTTPError as error:
        raise Transient(f"GitHub gave no token: {type(error).__name__}") from error
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Transient(f"GitHub gave no token: it answered {answer.status_code}")
    if answer.status_code != 201:
        raise Stalled(
            f"GitHub gave no token (it answered {answer.status_code}): check app_id, "
            "installation_id and the private key"
        )
    body = answer.json()
    return str(body["token"]), datetime.fromisoformat(str(body["expires_at"]))


def _part(value: object) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
