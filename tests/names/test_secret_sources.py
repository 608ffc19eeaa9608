"""Sources of secrets: files, environment, Google Secret Manager; chained, cached, audited."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager import SecretManagerServiceClient

from mainstem.app import App
from mainstem.errors import Denied, InvalidInput, NotFound, Stalled, Transient
from mainstem.localgcp.launch import LocalGcp
from mainstem.model.state import State
from mainstem.secrets.base import SecretChain, SecretNote
from mainstem.secrets.cache import CachedSecrets
from mainstem.secrets.environment import EnvironmentSecrets
from mainstem.secrets.files import FileSecrets
from mainstem.secrets.google import GoogleSecrets, secret_id
from mainstem.services.audit import AuditFilter
from tests.server.conftest import Server

PROJECT = "local-project"


# files


def test_files_are_seen_by_all_namespaces_or_by_one(tmp_path: Path) -> None:
    (tmp_path / "team.a").mkdir()
    (tmp_path / "DB").write_text("shared\n")
    (tmp_path / "team.a" / "DB").write_text("of team a\r\n")
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "TOKEN").write_text("linked")
    (tmp_path / "TOKEN").symlink_to("..data/TOKEN")
    files = FileSecrets(tmp_path)
    assert files.find("team.a", "DB") == "of team a"
    assert files.find("other", "DB") == "shared"
    assert files.find("other", "TOKEN") == "linked"
    assert files.find("other", "missing") is None
    assert files.names("team.a") == ["DB", "TOKEN"]
    (tmp_path / "DB").write_text("rotated")
    assert files.find("other", "DB") == "rotated"


def test_files_outside_of_the_directory_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    inside = tmp_path / "secrets"
    inside.mkdir()
    (inside / "LINK").symlink_to(tmp_path / "outside")
    files = FileSecrets(inside)
    assert files.find("a", "LINK") is None
    for key in ("../outside", "..", ".", "", "/etc/passwd", "a/b"):
        assert files.find("a", key) is None
    assert files.find("..", "outside") is None
    assert FileSecrets(tmp_path / "nothing").names("a") == []


def test_a_file_that_is_no_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "BIG").write_bytes(b"x" * 100_000)
    (tmp_path / "BINARY").write_bytes(b"\xff\xfe")
    for key in ("BIG", "BINARY"):
        with pytest.raises(InvalidInput, match=key):
            FileSecrets(tmp_path).find("a", key)


# environment


def test_plain_variables_are_never_decoded() -> None:
    found = EnvironmentSecrets({"SECRET_A": "dmFsdWU=", "APP_B": "dmFsdWU="}, plain_prefix="APP_")
    assert (found.find("x", "a"), found.find("x", "b")) == ("value", "dmFsdWU=")


# Google Secret Manager


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGcp]:
    with LocalGcp(tmp_path_factory.mktemp("local-gcp"), project=PROJECT) as running:
        yield running


@pytest.fixture(scope="module")
def client(cloud: LocalGcp) -> SecretManagerServiceClient:
    return SecretManagerServiceClient(
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        transport="rest",
        client_options={"api_endpoint": cloud.endpoints.secretmanager},
    )


@pytest.fixture
def google(cloud: LocalGcp) -> GoogleSecrets:
    return GoogleSecrets(PROJECT, "ms", cloud.endpoints.secretmanager)


def test_the_newest_version_counts_and_a_disabled_one_is_an_error(
    google: GoogleSecrets, client: SecretManagerServiceClient
) -> None:
    google.put("team.a", "DB", "one", "the database", {"owner": "x"})
    google.put("team.a", "DB", "two")
    assert google.find("team.a", "DB") == "two"
    assert google.find("team", "DB") is None
    assert google.find("team.a", "db") is None
    (note,) = google.notes("team.a")
    assert (note.key, note.description, note.tags) == ("DB", "the database", {"owner": "x"})
    name = f"projects/{PROJECT}/secrets/ms__team--a__DB"
    client.disable_secret_version(name=f"{name}/versions/2")
    with pytest.raises(Stalled, match="enable its newest version"):
        google.find("team.a", "DB")
    client.enable_secret_version(name=f"{name}/versions/2")
    assert google.remove("team.a", "DB")
    assert not google.remove("team.a", "DB")
    assert google.find("team.a", "DB") is None


def test_a_secret_that_terraform_made_is_found_by_its_name(
    google: GoogleSecrets, client: SecretManagerServiceClient
) -> None:
    parent = f"projects/{PROJECT}"
    made = client.create_secret(
        request={
            "parent": parent,
            "secret_id": "ms__zoomcamp__GCP_CREDS",
            "secret": {"replication": {"automatic": {}}},
        }
    )
    assert google.find("zoomcamp", "GCP_CREDS") is None
    client.add_secret_version(request={"parent": made.name, "payload": {"data": b"{}"}})
    assert google.find("zoomcamp", "GCP_CREDS") == "{}"
    assert google.names("zoomcamp") == ["GCP_CREDS"]
    assert google.names("zoom") == []


@pytest.mark.parametrize(
    ("namespace", "key", "found"),
    [
        ("a.b", "K", "p__a--b__K"),
        ("a-b", "K", "p__a-b__K"),
        ("a", "K__L", "p__a__K__L"),
        ("a--b", "K", None),
        ("a__b", "K", None),
        ("a_", "K", None),
        ("a", "K.L", None),
        ("a" * 150, "K" * 150, None),
    ],
)
def test_names_in_secret_manager_are_never_ambiguous(
    namespace: str, key: str, found: str | None
) -> None:
    assert secret_id("p", namespace, key) == found


def test_google_that_does_not_answer_is_transient() -> None:
    away = GoogleSecrets(PROJECT, "ms", "http://127.0.0.1:1")
    with pytest.raises(Transient, match="does not answer"):
        away.find("a", "K")


# the cache


class Counting:
    """A source that counts, and can be away."""

    name = "counting"

    def __init__(self) -> None:
        self.values = {("a", "K"): "v1"}
        self.asked = 0
        self.away = False

    def find(self, namespace: str, key: str) -> str | None:
        self.asked += 1
        if self.away:
            raise Transient("away")
        return self.values.get((namespace, key))

    def names(self, namespace: str) -> list[str]:
        return sorted(key for place, key in self.values if place == namespace)

    def notes(self, namespace: str) -> list[SecretNote]:
        return [SecretNote(name) for name in self.names(namespace)]

    def put(
        self,
        namespace: str,
        key: str,
        value: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.values[(namespace, key)] = value

    def remove(self, namespace: str, key: str) -> bool:
        return self.values.pop((namespace, key), None) is not None


def test_an_answer_counts_for_a_while_then_rotation_is_seen_without_a_restart() -> None:
    source, now = Counting(), [0.0]
    cached = CachedSecrets(source, 60, 100, lambda: now[0])
    assert [cached.find("a", "K") for _ in range(5)] == ["v1"] * 5
    assert [cached.find("a", "NONE") for _ in range(5)] == [None] * 5
    assert source.asked == 2
    source.values[("a", "K")] = "v2"
    now[0] = 61
    assert cached.find("a", "K") == "v2"
    cached.put("a", "K", "v3")
    assert cached.find("a", "K") == "v3"


def test_while_the_source_is_away_its_last_answer_counts_a_little_longer() -> None:
    source, now = Counting(), [0.0]
    cached = CachedSecrets(source, 60, 100, lambda: now[0])
    cached.find("a", "K")
    source.away = True
    now[0] = 159
    assert cached.find("a", "K") == "v1"
    now[0] = 160
    with pytest.raises(Transient):
        cached.find("a", "K")
    with pytest.raises(Transient):
        cached.find("a", "OTHER")


def test_a_source_that_is_away_ends_the_look_up_but_not_the_list() -> None:
    away = Counting()
    away.away = True

    def refuse(_namespace: str) -> list[SecretNote]:
        raise Transient("away")

    away.notes = refuse  # type: ignore[method-assign]
    chain = SecretChain([away, EnvironmentSecrets({"SECRET_K": "plain"})])
    with pytest.raises(Transient):
        chain.get("a", "K")
    found, faults = chain.listing("a")
    assert [item.note.key for item in found] == ["K"]
    assert faults == ["counting: away"]


# the service


def test_changes_are_recorded_without_the_value(server: Server) -> None:
    secrets = server.app.secrets
    secrets.put("a.b", "TOKEN", "hunter2-hunter2", "why", {"team": "x"})
    secrets.annotate("a.b", "TOKEN", "other", {})
    (own,), faults = secrets.own("a.b")
    assert (own.note.key, own.note.description, own.source, faults) == (
        "TOKEN",
        "other",
        "database",
        [],
    )
    secrets.delete("a.b", "TOKEN")
    with pytest.raises(NotFound):
        secrets.delete("a.b", "TOKEN")
    found = server.app.audit.search(AuditFilter())
    assert [r.action for r in reversed(found)][-3:] == [
        "secret.put",
        "secret.annotate",
        "secret.delete",
    ]
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("key", ["", "a b", "../x", "ä", "x" * 251, "-a"])
def test_a_name_that_is_none_is_refused(server: Server, key: str) -> None:
    with pytest.raises(InvalidInput):
        server.app.secrets.put("a", key, "value")


def test_with_nowhere_to_write_a_change_is_denied(make_app: Callable[..., App]) -> None:
    app = make_app(**{"secrets.sources": ["environment"], "secrets.write_to": "database"})
    try:
        assert app.secrets.writes_to is None
        with pytest.raises(Denied, match="write_to"):
            app.secrets.put("a", "K", "v")
    finally:
        app.stop()


def test_the_order_of_the_settings_decides_and_the_nearest_namespace_before_it(
    make_app: Callable[..., App], tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    (folder / "a.b").mkdir(parents=True)
    (folder / "a.b" / "K").write_text("file of a.b")
    app = make_app(
        **{
            "secrets.sources": ["files", "database"],
            "secrets.files.directory": str(folder),
        }
    )
    try:
        app.secrets.put("a.b", "K", "database of a.b")
        app.secrets.put("a", "K", "database of a")
        assert app.secret_chain.get("a.b", "K") == "file of a.b"
        assert app.secret_chain.get("a", "K") == "database of a"
        found, _ = app.secrets.visible("a.b")
        assert [(i.note.key, i.namespace, i.source) for i in found] == [("K", "a.b", "files")]
    finally:
        app.stop()


FLOW = """
id: reads
namespace: audit.reads
tasks:
  - id: each
    type: core.flow.ForEach
    values: [1, 2, 3]
    tasks:
      - {id: said, type: core.log.Log, message: "{{ secret('TOKEN') }} {{ taskrun.value }}"}
  - {id: out, type: core.debug.Return, format: "<{{ secret('TOKEN') }}>"}
"""


def test_each_read_is_recorded_once_for_an_execution_and_its_logs_are_starred(
    server: Server,
) -> None:
    server.app.secrets.put("audit", "TOKEN", "hunter2-hunter2")
    execution = server.run(FLOW)
    assert execution.state is State.SUCCESS
    assert all("hunter2" not in line for line in server.logs(execution))
    server.app.secret_reads.flush()
    reads = [r for r in server.app.audit.search(AuditFilter()) if r.action == "secret.read"]
    assert [(r.resource, r.namespace) for r in reads] == [("audit/TOKEN", "audit")]
    assert reads[0].detail == {"execution": execution.id, "flow": "audit.reads.reads"}
    outputs = server.outputs(execution)["out"]
    masker = server.app.secret_reads.masker(execution.id)
    assert masker.mask_value(outputs) == {"value": f"<{'*' * 15}>"}


def test_a_service_account_key_is_hidden_by_each_of_its_telling_parts(server: Server) -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    key = json.dumps(
        {
            "type": "service_account",
            "project_id": "my-project",
            "private_key_id": "0123456789abcdef",
            "private_key": f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n",
            "client_email": "x@my-project.iam.gserviceaccount.com",
        }
    )
    server.app.secrets.put("sa", "GCP_CREDS", key)
    text = f"{{{{ secret('GCP_CREDS') | length }}}} {body} 0123456789abcdef my-project"
    execution = server.run(
        f'id: f\nnamespace: sa\ntasks:\n  - {{id: a, type: core.log.Log, message: "{text}"}}\n'
    )
    (line,) = [line for line in server.logs(execution) if line.startswith("INFO")]
    assert line.endswith(f"{'*' * len(body)} {'*' * 16} my-project")
