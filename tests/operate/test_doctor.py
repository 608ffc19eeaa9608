"""The doctor names what is wrong and what to do, and prints no secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from mainstem.app import App
from mainstem.cli import main
from mainstem.doctor.google import fits
from mainstem.errors import Stalled
from mainstem.localgcp.launch import LocalGcp
from mainstem.settings import load_settings
from mainstem.store import kv
from mainstem.store.database import open_database
from mainstem.store.kv import StoredKv
from tests.postgres import PostgresServer
from tests.store.builders import NOON

PROJECT = "doctor-project"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGcp]:
    with LocalGcp(tmp_path_factory.mktemp("doctor"), project=PROJECT) as running:
        yield running


@pytest.fixture(autouse=True)
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that certainly does not answer: its library leaves sockets of files open."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def store(state: Path, namespace: str, **entries: str) -> None:
    database = open_database(f"sqlite:///{state / 'mainstem.db'}")
    with database.write() as tx:
        for key, value in entries.items():
            kv.put(tx, StoredKv(namespace, key, "STRING", value, NOON, NOON))
    database.close()


def examined(
    state: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Exit code, and the findings by check."""
    capsys.readouterr()
    code = main(["doctor", "--json", "--state", str(state), *options])
    found: dict[str, list[dict[str, Any]]] = {}
    for item in json.loads(capsys.readouterr().out)["findings"]:
        found.setdefault(item["check"], []).append(item)
    return code, found


def verdicts(found: dict[str, list[dict[str, Any]]], check: str) -> list[str]:
    return [item["verdict"] for item in found[check]]


def test_a_fresh_machine_has_nothing_to_complain_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = examined(tmp_path / "s", capsys, "--set", "runners.default=process")
    assert code == 0
    assert verdicts(found, "storage") == ["OK"]
    assert list((tmp_path / "s" / "storage").rglob("probe")) == []
    assert {item for check in found for item in verdicts(found, check)} <= {"OK", "SKIP"}


def test_a_database_that_is_away_or_too_small_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], postgres_server: PostgresServer
) -> None:
    away = "database.url=postgresql://ada:hunter2@127.0.0.1:1/x"
    assert main(["doctor", "--offline", "--state", str(tmp_path), "--set", away]) == 1
    said = capsys.readouterr().out
    assert "FAIL  database: the database does not answer" in said
    assert "hunter2" not in said
    url = f"database.url={postgres_server.fresh()}"
    options = ("--offline", "--set", url, "--set", "database.pool_size=100")
    code, found = examined(tmp_path, capsys, *options)
    assert verdicts(found, "database") == ["OK", "WARN", "WARN"]
    assert "mainstem db upgrade" in found["database"][1]["fix"]
    assert "database.pool_size" in found["database"][2]["fix"]
    assert code == 0


def test_a_key_that_others_can_read_and_a_full_folder_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "master.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    (tmp_path / "storage").write_text("not a folder")
    code, found = examined(tmp_path, capsys, "--offline")
    assert code == 1
    assert found["key"][0]["fix"] == f"chmod 600 {key}"
    key.write_bytes(b"half")
    key.chmod(0o600)
    assert verdicts(examined(tmp_path, capsys, "--offline")[1], "key") == ["FAIL"]
    assert verdicts(found, "storage") == ["FAIL"]


def test_a_key_that_is_not_that_of_the_database_fails_and_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App(load_settings(overrides={"state_dir": str(tmp_path)}, environment={}))
    app.secrets.put("a", "K", "v")
    app.start()
    app.stop()
    key = tmp_path / "master.key"
    assert verdicts(examined(tmp_path, capsys, "--offline")[1], "key") == ["OK"]
    key.write_bytes(b"k" * 32)
    found = examined(tmp_path, capsys, "--offline")[1]
    assert "sealed by the key" in str(found["key"])
    other = App(load_settings(overrides={"state_dir": str(tmp_path)}, environment={}))
    with pytest.raises(Stalled, match="adopt-key"):
        other.start()
    other.stop()
    assert main(["secret", "adopt-key", "--state", str(tmp_path)]) == 0
    assert verdicts(examined(tmp_path, capsys, "--offline")[1], "key") == ["OK"]


def test_a_git_source_that_cannot_be_reached_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = "[{name: a, url: 'https://ada:hunter2@127.0.0.1:1/x.git'}]"
    main(["doctor", "--state", str(tmp_path), "--set", f"git.sources={sources}"])
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err


def test_google_cloud_is_asked_through_the_real_clients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cloud: LocalGcp
) -> None:
    endpoints = cloud.endpoints
    options = (
        "--set", f"gcp.endpoints.storage={endpoints.storage}",
        "--set", f"gcp.endpoints.bigquery={endpoints.bigquery}",
    )  # fmt: skip
    state = tmp_path / "s"
    state.mkdir()
    store(state, "course", GCP_PROJECT_ID=PROJECT, GCP_BUCKET_NAME="lake", GCP_DATASET="trips",
          GCP_LOCATION="EU")  # fmt: skip
    code, found = examined(state, capsys, *options)
    fixes = [item["fix"] for item in found["gcp course"] if item["verdict"] == "FAIL"]
    assert code == 1
    assert fixes == [
        f"bq --location=EU mk -d {PROJECT}:trips",
        "gcloud storage buckets create gs://lake --location=EU",
    ]
    httpx.post(f"{endpoints.storage}/storage/v1/b?project={PROJECT}", json={"name": "lake"})
    client = bigquery.Client(
        PROJECT, AnonymousCredentials(), client_options={"api_endpoint": endpoints.bigquery}
    )
    dataset = bigquery.Dataset(f"{PROJECT}.trips")
    dataset.location = "US"
    client.create_dataset(dataset)
    client.close()
    code, found = examined(state, capsys, *options)
    (wrong,) = [item for item in found["gcp course"] if item["verdict"] == "FAIL"]
    assert "is in US, but GCP_LOCATION says EU" in wrong["text"]
    store(state, "course", GCP_LOCATION="US")
    code, found = examined(state, capsys, *options)
    assert code == 0, found


def test_a_broken_key_is_said_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(tmp_path, "a", GCP_PROJECT_ID="p", GCP_CREDS='{"private_key": "hunter2-key"}')
    store(tmp_path, "b", GCP_PROJECT_ID="p", GCP_CREDS="hunter2-text")
    assert main(["doctor", "--state", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "the key in GCP_CREDS has no client_email, token_uri" in said
    assert "mainstem kv set b GCP_CREDS --file key.json" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("dataset", "bucket", "near"),
    [
        ("US", "europe-west1", True),
        ("EU", "europe-west1", True),
        ("EU", "us-east1", False),
        ("europe-west1", "EU", True),
        ("europe-west1", "europe-west1", True),
        ("europe-west1", "europe-west2", False),
        ("us-central1", "EU", False),
    ],
)
def test_loads_work_only_from_buckets_nearby(dataset: str, bucket: str, near: bool) -> None:
    assert fits(dataset, bucket) is near
