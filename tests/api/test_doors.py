"""No way of writing an address gets past the gate: every route, method and odd suffix."""

from collections.abc import Iterator

import httpx
import pytest

from mainstem.gate.permissions import KEYED, PUBLIC, ROUTES
from tests.api.conftest import Api

pytestmark = [pytest.mark.timeout(600)]
OPEN = {name for name, rule in ROUTES.items() if rule.needs in (PUBLIC, KEYED)}
SUFFIXES = (
    "", "/", "//", "/configs", "/health", "/health/", "/..;/", "/..;/configs", ";/health",
    ";x=/health", "%2Fhealth", "/%2e%2e/health", "?/health", "/.", "/health.json", "%00",
    "/..%2f..%2fhealth", "/ui/static/app.css",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
ALLOWED = {301, 303, 307, 308, 400, 401, 403, 404, 405, 413, 422}


@pytest.fixture(scope="module")
def nobody(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, trust_env=False, timeout=30) as client:
        yield client


def bare(template: str) -> str:
    return template.replace("{", "").replace("}", "")


def is_open(template: str, method: str) -> bool:
    asked = "GET" if method == "HEAD" else method
    return f"{asked} {template}" in OPEN


def test_without_credentials_every_route_is_closed(nobody: httpx.Client) -> None:
    for name in ROUTES:
        method, _, template = name.partition(" ")
        if is_open(template, method) or method == "*":
            continue
        for prefix in ("", "/main"):
            path = template.replace("/api/v1", f"/api/v1{prefix}", 1)
            answer = nobody.request(method, bare(path))
            assert answer.status_code in (401, 303), f"{method} {path}: {answer.status_code}"
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/ui/login")


@pytest.mark.heavy
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_suffix_opens_a_route(nobody: httpx.Client, suffix: str) -> None:
    seen = set()
    for name in ROUTES:
        method, _, template = name.partition(" ")
        if method == "*" or template in seen or template == "/":
            continue
        if is_open(template, "GET"):
            continue
        seen.add(template)
        for path in (bare(template), bare(template).upper(), f"/{bare(template)}"):
            answer = exactly(nobody, f"{path.rstrip('/')}{suffix}")
            assert answer.status_code in (400, 401, 303), (
                f"{path}{suffix}: {answer.status_code} {answer.text[:200]}"
            )


def exactly(client: httpx.Client, path: str) -> httpx.Response:
    """Sends the address as it is written, dots and double slashes included."""
    request = client.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    return client.send(request)


@pytest.mark.heavy
def test_no_method_opens_a_route(nobody: httpx.Client) -> None:
    for template in sorted({name.partition(" ")[2] for name in ROUTES}):
        for method in METHODS:
            if is_open(template, method):
                continue
            answer = nobody.request(method, bare(template))
            assert answer.status_code in (401, 303, 405) or is_open(template, "GET"), (
                f"{method} {template}: {answer.status_code}"
            )
            if answer.status_code == 405:
                assert any(is_open(template, known) for known in METHODS)


def test_wrong_credentials_are_told_and_open_nothing(api: Api, nobody: httpx.Client) -> None:
    for headers in (
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer"},
        {"authorization": "Basic ###"},
        {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"authorization": f"Basic {'A' * 20_000}"},
        {"authorization": "Digest x"},
        {"authorization": f"Token {api.app.sign_in.local_token}"},
        {"cookie": "mainstem_session=nonsense"},
        {"cookie": f"mainstem_session={api.app.sign_in.local_token}"},
        {"x-forwarded-user": "admin", "x-goog-authenticated-user-email": "admin"},
        {"x-goog-iap-jwt-assertion": "eyJhbGciOiJub25lIn0.e30."},
        {"x-original-url": "/health", "x-rewrite-url": "/health"},
        {"x-http-method-override": "GET"},
    ):
        answer = nobody.get("/api/v1/flows/search", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert "flows" not in answer.text


def test_streams_need_credentials_at_their_start(nobody: httpx.Client) -> None:
    for path in ("/ui/live?topics=executions", "/api/v1/executions/x/follow"):
        answer = nobody.get(path, headers={"accept": "text/event-stream"})
        assert answer.status_code == 401


def test_a_websocket_is_refused_before_it_opens(api: Api) -> None:
    headers = {
        "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "authorization": "",
    }  # fmt: skip
    for path in ("/api/v1/executions/search", "/ui/live", "/ws", "/api/events/in"):
        answer = httpx.get(f"{api.url}{path}", headers=headers, trust_env=False)
        assert answer.status_code in (401, 403, 303), path


def test_too_large_bodies_are_refused_while_they_are_read(api: Api) -> None:
    large = b"x" * 5_000_000
    answer = api.client.put("/api/v1/namespaces/a/kv/k", content=large)
    assert answer.status_code == 413
    chunked = api.client.post("/api/v1/tokens", content=(large[:100_000] for _ in range(60)))
    assert chunked.status_code == 413


def test_no_other_site_may_read_answers(api: Api) -> None:
    for method in ("GET", "OPTIONS"):
        headers = {"origin": "https://evil.example", "access-control-request-method": "GET"}
        answer = api.client.request(method, "/api/v1/flows/search", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


# cookies


@pytest.fixture(scope="module")
def session(api: Api) -> Iterator[httpx.Client]:
    user = api.app.users.create("cookie", "correct horse battery", [])
    secret = api.app.sign_in.begin_session(user, "", "")
    with httpx.Client(base_url=api.url, trust_env=False) as client:
        client.cookies.set("mainstem_session", secret)
        yield client


def test_a_session_changes_things_from_our_own_pages_only(api: Api, session: httpx.Client) -> None:
    body = {"name": "x", "role": "viewer"}
    for headers in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = session.post("/api/v1/tokens", json=body, headers=headers)
        assert answer.status_code == 403, headers
    own = session.post("/api/v1/tokens", json=body, headers={"origin": api.url})
    assert "yourself" in own.json()["message"], "it came as far as the service"
    assert session.get("/api/v1/me").json()["name"] == "cookie"


def test_without_a_role_one_sees_oneself_and_nothing_else(session: httpx.Client) -> None:
    assert session.get("/ui/settings").status_code == 200
    assert session.get("/api/v1/flows/search").status_code == 403
    page = session.get("/ui/flows")
    assert page.status_code == 403
    assert "flow:read" in page.text
    assert "viewer" in page.text
