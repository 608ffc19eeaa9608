"""Service-account keys against the token endpoint, and tokens against the services."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import Unauthenticated, Unauthorized
from google.auth import crypt, jwt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from mainstem.localgcp.auth.accounts import Accounts
from mainstem.localgcp.auth.tokens import LIFETIME_SECONDS, Denied, Policy, Tokens
from mainstem.localgcp.launch import LocalGcp
from tests.localgcp.clients import PROJECT, SCOPES, credentials_of, secret_client, storage_client

Key = dict[str, str]
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = frozenset({"https://oauth2.googleapis.com/token"})


def foreign_private_key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def refusal_of(key: Key) -> str:
    with pytest.raises(RefreshError) as refused:
        credentials_of(key).refresh(Request())
    return str(refused.value.args[0])


def assertion(key: Key, **claims: object) -> bytes:
    now = int(time.time())
    content: dict[str, object] = {
        "iss": key["client_email"],
        "aud": "https://oauth2.googleapis.com/token",
        "scope": SCOPES[0],
        "iat": now,
        "exp": now + 3600,
        **claims,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return bytes(jwt.encode(crypt.RSASigner.from_service_account_info(key), content))


def post(url: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
    body = urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(url, body) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_an_issued_key_gets_a_token_from_the_endpoint_it_names(key: Key) -> None:
    credentials = credentials_of(key)
    credentials.refresh(Request())
    assert credentials.valid
    assert credentials.token


def test_a_key_whose_private_half_is_another_fails_as_in_the_cloud(key: Key) -> None:
    wrong = {**key, "private_key": foreign_private_key()}
    assert refusal_of(wrong) == "invalid_grant: Invalid JWT Signature."


def test_a_key_id_that_was_never_issued_fails_as_in_the_cloud(key: Key) -> None:
    wrong = {**key, "private_key_id": "0" * 40}
    assert refusal_of(wrong) == "invalid_grant: Invalid JWT Signature."


def test_an_unknown_account_fails_as_in_the_cloud(key: Key) -> None:
    wrong = {**key, "client_email": "nobody@local-project.iam.gserviceaccount.com"}
    assert refusal_of(wrong) == "invalid_grant: Invalid grant: account not found"


def test_a_deleted_key_fails_from_then_on(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    tokens = Tokens(tmp_path, accounts, Policy.OPEN, time.time)
    key = accounts.issue(f"a@{PROJECT}.iam.gserviceaccount.com", PROJECT, "http://localhost/token")
    token = assertion(key).decode()
    assert tokens.exchange(token, AUDIENCES)
    accounts.delete(key["private_key_id"])
    with pytest.raises(Exception, match=r"Invalid JWT Signature\."):
        tokens.exchange(token, AUDIENCES)


@pytest.mark.parametrize(
    ("claims", "error", "description"),
    [
        ({"iat": 1, "exp": 3601}, "invalid_grant", "Invalid JWT: Token must be a short-lived"),
        ({"exp": int(time.time()) + 90_000}, "invalid_grant", "Invalid JWT: Token must be a short"),
        ({"iat": None}, "invalid_grant", "Invalid JWT: Token must be a short-lived token"),
        ({"aud": "https://example.com"}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"scope": None}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        ({"iss": None}, "invalid_grant", "Invalid JWT: iss field missing."),
        ({"sub": "me@example.com"}, "unauthorized_client", "Client is unauthorized to retrieve"),
    ],
)
def test_an_assertion_that_proves_too_little_is_refused_in_google_s_words(
    cloud: LocalGcp, key: Key, claims: dict[str, object], error: str, description: str
) -> None:
    form = {"grant_type": GRANT, "assertion": assertion(key, **claims).decode()}
    status, body = post(cloud.endpoints.token, form)
    assert status == (401 if error == "unauthorized_client" else 400)
    assert body["error"] == error
    assert str(body["error_description"]).startswith(description)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": GRANT}, "invalid_request"),
        ({"grant_type": GRANT, "assertion": "not a token"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "a.b.c"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "e30.e30.e30"}, "invalid_grant"),
    ],
)
def test_a_malformed_request_is_refused(cloud: LocalGcp, form: dict[str, str], error: str) -> None:
    status, body = post(cloud.endpoints.token, form)
    assert (status, body["error"]) == (400, error)


def test_a_self_signed_request_with_a_wrong_key_is_unauthenticated(
    cloud: LocalGcp, key: Key
) -> None:
    wrong = {**key, "private_key": foreign_private_key()}
    with pytest.raises((Unauthenticated, Unauthorized)):
        secret_client(cloud, wrong).get_secret(name=f"projects/{PROJECT}/secrets/any")


def test_a_storage_client_with_a_wrong_key_fails_at_its_first_call(
    cloud: LocalGcp, key: Key
) -> None:
    client = storage_client(cloud, {**key, "private_key": foreign_private_key()})
    with pytest.raises(RefreshError, match=r"Invalid JWT Signature\."):
        client.create_bucket("never")
    client.close()


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issued(tmp_path: Path) -> Key:
    email = f"robot@{PROJECT}.iam.gserviceaccount.com"
    return Accounts(tmp_path).issue(email, PROJECT, "http://127.0.0.1:1/token")


def tokens_of(folder: Path, clock: Callable[[], float], policy: Policy = Policy.OPEN) -> Tokens:
    return Tokens(folder, Accounts(folder), policy, clock)


def test_a_token_speaks_for_its_account_until_it_expires(
    tmp_path: Path, clock: Clock, issued: Key
) -> None:
    tokens = tokens_of(tmp_path, clock)
    token = tokens.exchange(assertion(issued).decode(), AUDIENCES)
    assert tokens.authenticate(f"Bearer {token}").email == issued["client_email"]
    clock.now += LIFETIME_SECONDS + 1
    with pytest.raises(Denied):
        tokens.authenticate(f"Bearer {token}")


def test_a_token_is_still_known_after_a_restart(tmp_path: Path, clock: Clock, issued: Key) -> None:
    token = tokens_of(tmp_path, clock).exchange(assertion(issued).decode(), AUDIENCES)
    assert tokens_of(tmp_path, clock, Policy.STRICT).accepts(token)


def test_a_changed_token_is_refused_even_where_anonymous_callers_are_let_in(
    tmp_path: Path, clock: Clock, issued: Key
) -> None:
    tokens = tokens_of(tmp_path, clock)
    token = tokens.exchange(assertion(issued).decode(), AUDIENCES)
    assert not tokens.accepts(token[:-4] + "AAAA")


@pytest.mark.parametrize("header", [None, "Bearer dummy"])
def test_callers_without_a_token_of_ours_are_anonymous_by_default_and_denied_when_strict(
    tmp_path: Path, clock: Clock, header: str | None
) -> None:
    assert tokens_of(tmp_path, clock).authenticate(header).email is None
    with pytest.raises(Denied):
        tokens_of(tmp_path, clock, Policy.STRICT).authenticate(header)


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer  "])
def test_a_malformed_header_is_always_denied(tmp_path: Path, clock: Clock, header: str) -> None:
    with pytest.raises(Denied):
        tokens_of(tmp_path, clock).authenticate(header)


def test_a_strict_emulator_answers_401_in_google_s_shape(tmp_path: Path) -> None:
    with LocalGcp(tmp_path, project=PROJECT, options=["--auth", "strict"]) as cloud:
        url = f"{cloud.endpoints.secretmanager}/v1/projects/{PROJECT}/secrets"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url)
        with refused.value as answer:
            error = json.load(answer)["error"]
        assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")
        assert error["errors"][0]["reason"] == "required"
        client = secret_client(cloud, cloud.key())
        assert list(client.list_secrets(parent=f"projects/{PROJECT}")) == []


def test_a_key_file_loads_as_the_library_s_own_credentials(key: Key, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    loaded = service_account.Credentials.from_service_account_file(str(path))
    assert loaded.service_account_email == key["client_email"]
    assert loaded.project_id == PROJECT


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer anything"}])
def test_an_open_emulator_answers_whoever_asks(cloud: LocalGcp, header: dict[str, str]) -> None:
    paths = (
        f"{cloud.endpoints.bigquery}/bigquery/v2/projects/{PROJECT}/datasets",
        f"{cloud.endpoints.secretmanager}/v1/projects/{PROJECT}/secrets",
    )
    for path in paths:
        with urllib.request.urlopen(urllib.request.Request(path, headers=header)) as answer:
            assert answer.status == 200
