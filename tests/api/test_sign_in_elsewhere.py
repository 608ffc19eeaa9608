"""Sign-in at a provider and behind a proxy, through the routes of a listening server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from mainstem.app import App
from mainstem.clock import SystemClock
from mainstem.model.caller import acting_as
from mainstem.model.principal import OPEN
from mainstem.services.audit import AuditFilter
from mainstem.settings import load_settings
from tests.api.conftest import Api
from tests.services.test_providers import AUDIENCE, Provider

ROLES = [
    {"match": "group:data", "role": "editor", "namespace": "team"},
    {"match": "domain:example.com", "role": "viewer"},
]
FLOW = "id: f\nnamespace: {}\ntasks: [{{id: a, type: core.log.Log, message: x}}]\n"


class Both(Provider):
    """A provider that also publishes the keys of a proxy in front of the server."""

    def __init__(self) -> None:
        super().__init__(SystemClock())  # type: ignore[arg-type]
        self.proxy = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})

    def get(self, path: str) -> Any:
        if path == "/proxy":
            return KeySet([self.proxy]).as_dict(private=False)
        return super().get(path)

    def assertion(self, key: ECKey | None = None, **claims: Any) -> dict[str, str]:
        now = int(self.clock.now().timestamp())
        given = {
            "iss": "https://cloud.google.com/iap", "aud": AUDIENCE, "sub": "accounts.google.com:7",
            "email": "accounts.google.com:eve@example.com", "iat": now, "exp": now + 600, **claims,
        }  # fmt: skip
        signed = jwt.encode({"alg": "ES256", "kid": "k1"}, given, key or self.proxy)
        return {"x-goog-iap-jwt-assertion": signed}


@pytest.fixture(scope="module")
def provider() -> Iterator[Both]:
    made = Both()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(provider: Both, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    settings = load_settings(
        overrides={
            "state_dir": str(folder),
            "auth.oidc": {
                "issuer": provider.issuer, "client_id": "mainstem", "client_secret": "s3cret",
                "roles": ROLES,
            },
            "auth.iap": {
                "audience": AUDIENCE, "keys_url": f"{provider.issuer}/proxy", "roles": ROLES,
            },
        },
        environment={},
    )  # fmt: skip
    app = App(settings, environment={})
    app.start()
    served = Api(app)
    yield served
    served.close()
    app.stop()


@pytest.fixture
def browser(server: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=20) as client:
        yield client


def came_back(
    browser: httpx.Client, provider: Both, path: str = "/ui/login/oidc"
) -> httpx.Response:
    begun = browser.get(path)
    assert begun.status_code == 303
    assert begun.headers["location"].startswith(f"{provider.issuer}/auth?")
    state, code = provider.consent(begun.headers["location"])
    return browser.get("/ui/login/oidc/callback", params={"state": state, "code": code})


def test_a_sign_in_at_the_provider_gives_a_session_with_mapped_roles(
    server: Api, provider: Both, browser: httpx.Client
) -> None:
    assert 'href="/ui/login/oidc' in browser.get("/ui/login").text
    answer = came_back(browser, provider, "/ui/login/oidc?next=/ui/flows")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/flows")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "mainstem_session" in c)
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.get("/api/v1/me").json()["name"] == "ada@example.com"
    own = {"origin": server.url}
    saved = browser.post("/api/v1/flows", content=FLOW.format("team"), headers=own)
    assert saved.status_code == 200, saved.text
    refused = browser.post("/api/v1/flows", content=FLOW.format("other"), headers=own)
    assert "`flow:write`" in refused.json()["message"]
    with acting_as(OPEN):
        assert server.app.audit.search(AuditFilter(principal="ada@example.com"))


def test_what_the_provider_did_not_say_to_this_browser_signs_nobody_in(
    server: Api, provider: Both, browser: httpx.Client
) -> None:
    begun = browser.get("/ui/login/oidc")
    state, code = provider.consent(begun.headers["location"])
    with httpx.Client(base_url=server.url, trust_env=False) as other:
        answer = other.get("/ui/login/oidc/callback", params={"state": state, "code": code})
        assert answer.status_code == 401
        assert "mainstem_session" not in other.cookies
    answer = browser.get("/ui/login/oidc/callback?error=access_denied&state=x")
    assert answer.status_code == 401
    provider.claims = {"email": "eve@evil.example", "groups": []}
    try:
        assert came_back(browser, provider).status_code == 401
    finally:
        provider.claims = {}
    assert browser.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_a_sign_in_never_leads_to_another_site(
    provider: Both, browser: httpx.Client, wanted: str
) -> None:
    answer = came_back(browser, provider, f"/ui/login/oidc?next={wanted}")
    assert answer.headers["location"] == "/ui/"


def test_the_proxys_signed_header_is_a_user_and_nothing_else_is(
    provider: Both, browser: httpx.Client
) -> None:
    good = provider.assertion()
    assert browser.get("/api/v1/me", headers=good).json()["name"] == "eve@example.com"
    assert browser.get("/api/v1/flows/search", headers=good).status_code == 200
    forged = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
    for bad in (
        provider.assertion(forged),
        provider.assertion(aud="/projects/1/global/backendServices/9"),
        provider.assertion(exp=1),
        provider.assertion(email="accounts.google.com:eve@evil.example"),
        {"x-goog-iap-jwt-assertion": "eyJhbGciOiJub25lIn0.e30."},
    ):
        assert browser.get("/api/v1/flows/search", headers=bad).status_code == 403
    plain = {"x-goog-authenticated-user-email": "accounts.google.com:eve@example.com"}
    assert browser.get("/api/v1/flows/search", headers=plain).status_code == 401


def test_a_change_through_the_proxy_must_come_from_our_own_pages(
    server: Api, provider: Both, browser: httpx.Client
) -> None:
    good = provider.assertion()
    for origin in ({}, {"origin": "https://evil.example"}):
        answer = browser.post("/api/v1/tokens", json={}, headers={**good, **origin})
        assert answer.status_code == 403
    own = {**good, "origin": server.url}
    answer = browser.post("/api/v1/flows", content=FLOW.format("team"), headers=own)
    assert "`flow:write`" in answer.json()["message"], "a viewer, as the mapping says"
