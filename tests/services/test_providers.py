"""Identities of providers: signed with real keys, served by a real local provider."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from mainstem.clock import FrozenClock
from mainstem.errors import Conflict, Denied
from mainstem.ids import seeded_ids
from mainstem.model.principal import Grant, Role
from mainstem.secrets.seal import Sealer
from mainstem.services.iap import IapService
from mainstem.services.oidc import OidcService
from mainstem.services.signed import mapped_roles
from mainstem.services.users import UserService
from mainstem.settings import IapSettings, OidcSettings, RoleMapping
from mainstem.store.database import open_database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROLES = (
    RoleMapping(match="group:data", role="editor", namespace="team"),
    RoleMapping(match="user:root@example.com", role="admin"),
    RoleMapping(match="domain:example.com", role="viewer"),
)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOON)


@pytest.fixture
def users(tmp_path: Path, clock: FrozenClock) -> Iterator[UserService]:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    yield UserService(database, clock, seeded_ids("u"))
    database.close()


def test_roles_follow_groups_addresses_and_domains() -> None:
    found = mapped_roles(ROLES, email="Ada@Example.com", groups=["data", "x"])
    assert found == (Grant(Role.EDITOR, "team"), Grant(Role.VIEWER))
    assert mapped_roles(ROLES, email="ada@example.com.evil.com", groups=["databases"]) == ()
    assert mapped_roles(ROLES, email="", groups=[]) == ()


# IAP

AUDIENCE = "/projects/1/global/backendServices/2"


class Proxy:
    """Google's proxy with keys of our own."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
        self.fetched = 0

    def keys(self, _url: str) -> Any:
        self.fetched += 1
        return KeySet([self.key]).as_dict(private=False)

    def sign(self, **claims: Any) -> str:
        given = {
            "iss": "https://cloud.google.com/iap", "aud": AUDIENCE, "sub": "accounts.google.com:7",
            "email": "accounts.google.com:ada@example.com", "iat": int(NOON.timestamp()),
            "exp": int(NOON.timestamp()) + 600, **claims,
        }  # fmt: skip
        return jwt.encode({"alg": "ES256", "kid": "k1"}, given, self.key)


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
def iap(users: UserService, clock: FrozenClock, proxy: Proxy) -> IapService:
    return IapService(IapSettings(audience=AUDIENCE, roles=ROLES), users, clock, proxy.keys)


def test_a_signed_header_makes_and_finds_its_user(
    iap: IapService, users: UserService, proxy: Proxy
) -> None:
    who = iap.principal(proxy.sign())
    assert (who.name, who.grants) == ("ada@example.com", (Grant(Role.VIEWER),))
    assert iap.principal(proxy.sign(iat=int(NOON.timestamp()) - 1)).id == who.id
    assert [user.source for user in users.everybody()] == ["iap"]
    assert proxy.fetched == 1


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "/projects/1/global/backendServices/3"}, "somebody else"),
        ({"iss": "https://evil.example"}, "somebody else"),
        ({"exp": int(NOON.timestamp()) - 31}, "expired"),
        ({"exp": None}, "expired"),
        ({"iat": int(NOON.timestamp()) + 3600}, "not valid yet"),
        ({"email": "accounts.google.com:eve@evil.example"}, "no role"),
        ({"email": ""}, "no e-mail"),
    ],
)
def test_headers_that_are_not_right_are_refused(
    iap: IapService, proxy: Proxy, claims: dict[str, Any], said: str
) -> None:
    with pytest.raises(Denied, match=said):
        iap.principal(proxy.sign(**claims))


def test_only_the_proxys_own_signature_counts(iap: IapService, proxy: Proxy) -> None:
    good = proxy.sign()
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    other = Proxy()
    public = json.dumps(proxy.key.as_dict(private=False))
    for forged in (
        other.sign(), f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}.AAAA", "x", "",
        f"{head}.{other.sign(email='root@example.com').split('.')[1]}.{signature}", public,
    ):  # fmt: skip
        with pytest.raises(Denied):
            iap.principal(forged)


def test_a_new_key_of_the_proxy_is_fetched_and_a_disabled_user_stays_out(
    iap: IapService, users: UserService, proxy: Proxy, clock: FrozenClock
) -> None:
    ada = iap.principal(proxy.sign())
    proxy.key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
    clock.advance(timedelta(minutes=2))
    assert iap.principal(proxy.sign()).id == ada.id
    users.create("root", "correct horse battery", [Grant(Role.ADMIN)])
    users.set_disabled(ada.id, True)
    iap.memory.forget()
    with pytest.raises(Denied, match="no role"):
        iap.principal(proxy.sign())


# OIDC


class Provider:
    """A small OpenID Connect provider on loopback, with a real RSA key."""

    def __init__(self, clock: FrozenClock) -> None:
        self.clock = clock
        self.key = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(provider.get(urlsplit(self.path).path))

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                form = parse_qs(self.rfile.read(length).decode())
                self.answer(provider.token({k: v[0] for k, v in form.items()}))

            def answer(self, body: Any) -> None:
                content = json.dumps(body).encode()
                self.send_response(400 if "error" in body else 200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_words: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def get(self, path: str) -> Any:
        if path == "/keys":
            return KeySet([self.key]).as_dict(private=False)
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
        }  # fmt: skip

    def consent(self, address: str) -> tuple[str, str]:
        """What the user's browser does there: returns state and code."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        return asked["state"], code

    def token(self, form: dict[str, str]) -> Any:
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or proof != asked["code_challenge"]
            or form["client_secret"] != "s3cret"
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return {"error": "invalid_grant"}
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer, "aud": "mainstem", "sub": "42", "email": "ada@example.com",
            "email_verified": True, "name": "Ada", "groups": ["data"], "iat": now,
            "exp": now + 300, "nonce": asked["nonce"], **self.claims,
        }  # fmt: skip
        return {"id_token": jwt.encode({"alg": "RS256", "kid": "r1"}, claims, self.key)}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def provider(clock: FrozenClock) -> Iterator[Provider]:
    made = Provider(clock)
    yield made
    made.close()


@pytest.fixture
def oidc(provider: Provider, users: UserService, clock: FrozenClock) -> OidcService:
    settings = OidcSettings.model_validate(
        {"issuer": provider.issuer, "client_id": "mainstem", "client_secret": "s3cret",
         "roles": ROLES}
    )  # fmt: skip
    return OidcService(settings, users, lambda: Sealer(b"k" * 32), clock)


BACK = "http://127.0.0.1:8080/ui/login/oidc/callback"


def test_a_sign_in_at_the_provider_ends_with_roles_of_its_groups(
    oidc: OidcService, provider: Provider, users: UserService
) -> None:
    begun = oidc.begin(BACK, "/ui/flows")
    state, code = provider.consent(begun.address)
    user, wanted = oidc.finish(begun.cookie, state, code)
    assert wanted == "/ui/flows"
    assert (user.name, user.display_name) == ("ada@example.com", "Ada")
    assert user.mapped == (Grant(Role.EDITOR, "team"), Grant(Role.VIEWER))
    provider.claims = {"groups": []}
    begun = oidc.begin(BACK, "")
    again, _ = oidc.finish(begun.cookie, *provider.consent(begun.address))
    assert again.id == user.id
    assert again.mapped == (Grant(Role.VIEWER),), "who left the group loses its role"
    assert len(users.everybody()) == 1


def test_a_code_works_once_and_a_state_in_one_browser(
    oidc: OidcService, provider: Provider, clock: FrozenClock
) -> None:
    begun, other = oidc.begin(BACK, ""), oidc.begin(BACK, "")
    state, code = provider.consent(begun.address)
    with pytest.raises(Denied, match="in this browser"):
        oidc.finish(other.cookie, state, code)
    for cookie in ("", "x", begun.cookie[:-8] + "AAAAAAA="):
        with pytest.raises(Denied, match="in this browser"):
            oidc.finish(cookie, state, code)
    oidc.finish(begun.cookie, state, code)
    with pytest.raises(Denied, match="refused"):
        oidc.finish(begun.cookie, state, code)
    late = oidc.begin(BACK, "")
    clock.advance(timedelta(minutes=11))
    with pytest.raises(Denied, match="too long"):
        oidc.finish(late.cookie, *provider.consent(late.address))


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "other"}, "somebody else"),
        ({"iss": "https://evil.example"}, "somebody else"),
        ({"aud": ["mainstem", "other"]}, "somebody else"),
        ({"exp": int(NOON.timestamp()) - 60}, "expired"),
        ({"nonce": "of another"}, "another sign-in"),
        ({"email_verified": False}, "not verified"),
        ({"email_verified": "false"}, "not verified"),
        ({"email": "eve@evil.example", "groups": []}, "no role"),
    ],
)
def test_identities_that_are_not_right_are_refused(
    oidc: OidcService, provider: Provider, claims: dict[str, Any], said: str
) -> None:
    provider.claims = claims
    begun = oidc.begin(BACK, "")
    with pytest.raises(Denied, match=said):
        oidc.finish(begun.cookie, *provider.consent(begun.address))


def test_a_name_with_a_password_is_not_taken_over(
    oidc: OidcService, provider: Provider, users: UserService
) -> None:
    users.create("ada@example.com", "correct horse battery", [Grant(Role.ADMIN)])
    begun = oidc.begin(BACK, "")
    with pytest.raises(Conflict, match="another way"):
        oidc.finish(begun.cookie, *provider.consent(begun.address))
