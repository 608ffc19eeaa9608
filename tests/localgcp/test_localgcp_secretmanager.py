"""Secret Manager through google-cloud-secret-manager over REST."""

import itertools
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from google.api_core.exceptions import (
    AlreadyExists,
    BadRequest,
    Conflict,
    FailedPrecondition,
    GoogleAPICallError,
    MethodNotImplemented,
    NotFound,
)
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager import SecretManagerServiceClient
from google.cloud.secretmanager_v1.types import SecretVersion

from mainstem.errors import Stalled
from mainstem.localgcp.launch import LocalGcp
from mainstem.localgcp.secretmanager.vault import Vault
from tests.localgcp.clients import PROJECT, secret_client

PARENT = f"projects/{PROJECT}"
AUTOMATIC = {"replication": {"automatic": {}}}
State = SecretVersion.State
names = (f"secret-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def client(cloud: LocalGcp, key: dict[str, str]) -> SecretManagerServiceClient:
    return secret_client(cloud, key)


def new_secret(client: SecretManagerServiceClient, **fields: object) -> Any:
    return client.create_secret(
        parent=PARENT, secret_id=next(names), secret={**AUTOMATIC, **fields}
    )


def add(client: SecretManagerServiceClient, secret: Any, data: bytes) -> Any:
    return client.add_secret_version(parent=secret.name, payload={"data": data})


def value(client: SecretManagerServiceClient, secret: Any, which: object = "latest") -> bytes:
    answer = client.access_secret_version(name=f"{secret.name}/versions/{which}")
    assert answer.payload.data_crc32c == google_crc32c.value(answer.payload.data)
    return bytes(answer.payload.data)


def ask_until(end: datetime, question: Callable[[], object]) -> None:
    while datetime.now(UTC) < end:
        question()


def test_a_value_comes_back_with_its_checksum_and_latest_is_the_newest(
    client: SecretManagerServiceClient,
) -> None:
    secret = new_secret(client)
    first, second = add(client, secret, b"one"), add(client, secret, bytes(range(256)))
    assert (first.name, second.name) == (f"{secret.name}/versions/1", f"{secret.name}/versions/2")
    assert first.state is State.ENABLED
    assert value(client, secret, 1) == b"one"
    assert value(client, secret) == bytes(range(256))
    answer = client.access_secret_version(name=f"{secret.name}/versions/latest")
    assert answer.name == f"{secret.name}/versions/2"


def test_a_checksum_that_does_not_match_is_refused(client: SecretManagerServiceClient) -> None:
    secret = new_secret(client)
    good = {"data": b"x", "data_crc32c": google_crc32c.value(b"x")}
    assert client.add_secret_version(
        parent=secret.name, payload=good
    ).client_specified_payload_checksum
    with pytest.raises(BadRequest, match="does not match its data"):
        client.add_secret_version(parent=secret.name, payload={"data": b"x", "data_crc32c": 1})


def test_a_disabled_version_cannot_be_read_until_it_is_enabled_again(
    client: SecretManagerServiceClient,
) -> None:
    secret = new_secret(client)
    version = add(client, secret, b"x")
    assert client.disable_secret_version(name=version.name).state is State.DISABLED
    with pytest.raises((FailedPrecondition, BadRequest), match="is in DISABLED state"):
        value(client, secret)
    assert client.enable_secret_version(name=version.name).state is State.ENABLED
    assert value(client, secret) == b"x"


def test_a_destroyed_version_is_gone_for_good(client: SecretManagerServiceClient) -> None:
    secret = new_secret(client)
    version = add(client, secret, b"x")
    destroyed = client.destroy_secret_version(name=version.name)
    assert destroyed.state is State.DESTROYED
    assert destroyed.destroy_time
    for action in (client.enable_secret_version, client.destroy_secret_version):
        with pytest.raises(BadRequest, match="is in DESTROYED state"):
            action(name=version.name)
    with pytest.raises(BadRequest, match="is in DESTROYED state"):
        value(client, secret, 1)
    assert add(client, secret, b"y").name.endswith("/versions/2")


def test_what_does_not_exist_is_not_found_by_name(client: SecretManagerServiceClient) -> None:
    missing = f"{PARENT}/secrets/missing"
    secret = new_secret(client)
    for call in (
        lambda: client.get_secret(name=missing),
        lambda: client.delete_secret(name=missing),
        lambda: add(client, client.get_secret(name=missing), b"x"),
    ):
        with pytest.raises(NotFound, match=rf"Secret \[{missing}\] not found"):
            call()
    for which in ("1", "latest", "no-alias"):
        with pytest.raises(NotFound, match=f"versions/{which}"):
            value(client, secret, which)


def test_a_name_can_be_taken_once_and_again_after_it_is_deleted(
    client: SecretManagerServiceClient,
) -> None:
    secret = new_secret(client)
    secret_id = secret.name.rpartition("/")[2]
    with pytest.raises((AlreadyExists, Conflict), match="already exists"):
        client.create_secret(parent=PARENT, secret_id=secret_id, secret=AUTOMATIC)
    client.delete_secret(name=secret.name)
    again = client.create_secret(parent=PARENT, secret_id=secret_id, secret=AUTOMATIC)
    assert add(client, again, b"x").name.endswith("/versions/1")


def test_lists_are_newest_first_and_come_in_pages(client: SecretManagerServiceClient) -> None:
    parent = "projects/paging-project"
    for number in range(7):
        client.create_secret(parent=parent, secret_id=f"s{number}", secret=AUTOMATIC)
    pages = list(client.list_secrets(request={"parent": parent, "page_size": 3}).pages)
    assert [len(page.secrets) for page in pages] == [3, 3, 1]
    assert pages[0].total_size == 7
    listed = [one.name.rpartition("/")[2] for page in pages for one in page.secrets]
    assert listed == [f"s{number}" for number in reversed(range(7))]


def test_versions_are_listed_with_their_states_and_never_their_values(
    client: SecretManagerServiceClient,
) -> None:
    secret = new_secret(client)
    for data in (b"a", b"b", b"c"):
        add(client, secret, data)
    client.disable_secret_version(name=f"{secret.name}/versions/2")
    listed = list(client.list_secret_versions(parent=secret.name))
    assert [(one.name[-1], one.state) for one in listed] == [
        ("3", State.ENABLED),
        ("2", State.DISABLED),
        ("1", State.ENABLED),
    ]
    request = {"parent": secret.name, "filter": "state:ENABLED AND NOT name:versions/1"}
    assert [one.name[-1] for one in client.list_secret_versions(request=request)] == ["3"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("labels.env=prod", {"alpha", "beta"}),
        ("name:ALPH", {"alpha"}),
        ("name:alpha OR name:gamma", {"alpha", "gamma"}),
        ("labels.env:* AND -name:beta", {"alpha", "gamma"}),
        ("labels.env!=prod", {"gamma", "delta"}),
        ("create_time>2020-01-01T00:00:00Z name:beta", {"beta"}),
        ("create_time<2020-01-01T00:00:00Z", set()),
    ],
)
def test_a_filter_selects(
    client: SecretManagerServiceClient, text: str, expected: set[str]
) -> None:
    parent = "projects/filter-project"
    for secret_id, labels in {
        "alpha": {"env": "prod"},
        "beta": {"env": "prod"},
        "gamma": {"env": "test"},
        "delta": {},
    }.items():
        try:
            client.create_secret(
                parent=parent, secret_id=secret_id, secret={**AUTOMATIC, "labels": labels}
            )
        except Conflict:
            break
    found = client.list_secrets(request={"parent": parent, "filter": text})
    assert {one.name.rpartition("/")[2] for one in found} == expected


@pytest.mark.parametrize("text", ["(name:a)", "name", "name<b", "create_time>soon", "AND"])
def test_a_filter_that_is_not_understood_is_refused(
    client: SecretManagerServiceClient, text: str
) -> None:
    new_secret(client)
    with pytest.raises(BadRequest, match=r"[Tt]he (filter|time)"):
        list(client.list_secrets(request={"parent": PARENT, "filter": text}))


def test_a_patch_changes_what_its_mask_names_and_nothing_else(
    client: SecretManagerServiceClient,
) -> None:
    secret = new_secret(client, labels={"a": "1"}, annotations={"Note": "kept"})
    changed = client.update_secret(
        secret={"name": secret.name, "labels": {"b": "2"}, "annotations": {"Note": "lost"}},
        update_mask={"paths": ["labels"]},
    )
    assert dict(changed.labels) == {"b": "2"}
    assert dict(changed.annotations) == {"Note": "kept"}
    assert changed.etag != secret.etag
    with pytest.raises(BadRequest, match="cannot be updated"):
        client.update_secret(
            secret={"name": secret.name, **AUTOMATIC}, update_mask={"paths": ["replication"]}
        )


def test_an_alias_reads_the_version_it_names(client: SecretManagerServiceClient) -> None:
    secret = new_secret(client)
    add(client, secret, b"old")
    add(client, secret, b"new")
    client.update_secret(
        secret={"name": secret.name, "version_aliases": {"stable": 1}},
        update_mask={"paths": ["version_aliases"]},
    )
    assert value(client, secret, "stable") == b"old"


def test_a_stale_etag_stops_every_kind_of_change(client: SecretManagerServiceClient) -> None:
    secret = new_secret(client)
    version = add(client, secret, b"x")
    stale = '"stale"'
    changes: list[Callable[[], object]] = [
        lambda: client.delete_secret(request={"name": secret.name, "etag": stale}),
        lambda: client.disable_secret_version(request={"name": version.name, "etag": stale}),
        lambda: client.destroy_secret_version(request={"name": version.name, "etag": stale}),
        lambda: client.update_secret(
            secret={"name": secret.name, "etag": stale, "labels": {}},
            update_mask={"paths": ["labels"]},
        ),
    ]
    for change in changes:
        with pytest.raises(BadRequest, match="etag"):
            change()
    client.disable_secret_version(request={"name": version.name, "etag": version.etag})
    client.delete_secret(request={"name": secret.name, "etag": secret.etag})


def test_an_expired_secret_is_not_found(client: SecretManagerServiceClient) -> None:
    soon = datetime.now(UTC) + timedelta(milliseconds=200)
    secret = new_secret(client, expire_time=soon)
    assert secret.expire_time
    with pytest.raises(NotFound):
        ask_until(soon + timedelta(seconds=20), lambda: client.get_secret(name=secret.name))


def test_a_ttl_becomes_an_expire_time(client: SecretManagerServiceClient) -> None:
    secret = new_secret(client, ttl=timedelta(hours=1))
    left = secret.expire_time - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_user_managed_replication_is_kept(client: SecretManagerServiceClient) -> None:
    replicas = {"user_managed": {"replicas": [{"location": "europe-west1"}]}}
    secret = new_secret(client, replication=replicas)
    read = client.get_secret(name=secret.name)
    assert [one.location for one in read.replication.user_managed.replicas] == ["europe-west1"]


@pytest.mark.parametrize(
    ("secret_id", "fields", "complaint"),
    [
        ("bad id!", AUTOMATIC, "is not valid"),
        ("x" * 256, AUTOMATIC, "is not valid"),
        ("ok", {}, "replication must be set"),
        ("ok", {**AUTOMATIC, "labels": {"Upper": "x"}}, "label 'Upper' is not valid"),
        ("ok", {**AUTOMATIC, "ttl": timedelta(seconds=0)}, "must be in the future"),
        ("ok", {**AUTOMATIC, "version_aliases": {"a": 1}}, "does not exist"),
    ],
)
def test_an_invalid_secret_is_refused_with_the_reason(
    client: SecretManagerServiceClient, secret_id: str, fields: dict[str, object], complaint: str
) -> None:
    with pytest.raises(BadRequest, match=complaint):
        client.create_secret(parent=PARENT, secret_id=secret_id, secret=fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"topics": [{"name": "projects/p/topics/t"}]},
        {"rotation": {"rotation_period": timedelta(days=1)}},
        {"version_destroy_ttl": timedelta(days=1)},
        {"customer_managed_encryption": {"kms_key_name": "k"}},
        {"tags": {"tagKeys/1": "tagValues/2"}},
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    client: SecretManagerServiceClient, fields: dict[str, object]
) -> None:
    with pytest.raises(MethodNotImplemented, match="not supported by the local Secret Manager"):
        new_secret(client, **fields)


def test_methods_that_are_not_supported_say_so(client: SecretManagerServiceClient) -> None:
    secret = new_secret(client)
    with pytest.raises(MethodNotImplemented):
        client.get_iam_policy(request={"resource": secret.name})
    with pytest.raises(MethodNotImplemented):
        client.list_secrets(parent=f"{PARENT}/locations/europe-west1")


@pytest.mark.parametrize(("data", "complaint"), [(b"", "empty"), (b"x" * 65_537, "larger")])
def test_a_payload_has_a_size(
    client: SecretManagerServiceClient, data: bytes, complaint: str
) -> None:
    secret = new_secret(client)
    with pytest.raises(BadRequest, match=complaint):
        add(client, secret, data)


def test_sixteen_writers_get_a_version_each(client: SecretManagerServiceClient) -> None:
    secret = new_secret(client)
    with ThreadPoolExecutor(16) as pool:
        added = list(pool.map(lambda number: add(client, secret, b"%d" % number), range(32)))
    assert {one.name.rpartition("/")[2] for one in added} == {str(one) for one in range(1, 33)}


def test_acknowledged_secrets_outlive_kill_9(tmp_path: Path) -> None:
    cloud = LocalGcp(tmp_path, project=PROJECT)
    cloud.start()
    key = cloud.key()
    client = secret_client(cloud, key)
    secret = new_secret(client)
    add(client, secret, b"kept")
    cloud.kill()
    with cloud:
        assert value(secret_client(cloud, key), secret) == b"kept"


def test_the_file_is_encrypted_and_its_key_is_ours_alone(tmp_path: Path) -> None:
    with LocalGcp(tmp_path, project=PROJECT) as cloud:
        client = secret_client(cloud, cloud.key())
        secret = new_secret(client)
        add(client, secret, b"plain-value-to-look-for")
    folder = tmp_path / "secretmanager"
    content = (folder / "secrets.enc").read_bytes()
    assert b"plain-value-to-look-for" not in content
    assert secret.name.encode() not in content
    assert stat.S_IMODE((folder / "secrets.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "secrets.enc").stat().st_mode) == 0o600


def test_a_file_that_does_not_open_is_an_error_and_never_an_empty_store(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.save([])
    (tmp_path / "secrets.key").write_bytes(b"0" * 32)
    with pytest.raises(Stalled, match="cannot be opened"):
        vault.load()


def test_anonymous_clients_are_let_in_by_default(cloud: LocalGcp) -> None:
    anonymous = SecretManagerServiceClient(
        credentials=AnonymousCredentials(),
        transport="rest",
        client_options={"api_endpoint": cloud.endpoints.secretmanager},
    )
    secret = new_secret(anonymous)
    add(anonymous, secret, b"x")
    assert value(anonymous, secret) == b"x"


def test_every_error_is_a_google_error(client: SecretManagerServiceClient) -> None:
    with pytest.raises(GoogleAPICallError) as refused:
        client.get_secret(name=f"{PARENT}/secrets/none")
    assert refused.value.code == 404
