"""First start: the settings' values are there, and stay the users' own from then on."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mainstem.app import App
from mainstem.bus.inprocess import Bus
from mainstem.clock import SystemClock
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.sdk.context import KvEntry
from mainstem.services.kv import KvService
from mainstem.services.seed import plant, read_seeds
from mainstem.settings import load_settings
from mainstem.store.database import Database, open_database

COURSE = {"taxi": {"GCP_PROJECT_ID": "acme-data", "GCP_LOCATION": "EU", "GCP_CREDS": ""}}


class Start:
    """A server's start with other settings, on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.kv = KvService(database, SystemClock(), Bus())

    def with_settings(self, kv: Mapping[str, Mapping[str, object]]) -> list[str]:
        return plant(self._database, SystemClock(), Bus(), read_seeds(kv))

    def value(self, key: str) -> object:
        return self.kv.get("taxi", key).entry.value


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    database = open_database(f"sqlite:///{tmp_path / 'mainstem.db'}")
    yield Start(database)
    database.close()


def test_a_new_server_has_what_the_settings_seed(start: Start) -> None:
    assert start.with_settings(COURSE) == [
        "taxi/GCP_CREDS",
        "taxi/GCP_LOCATION",
        "taxi/GCP_PROJECT_ID",
    ]
    assert start.value("GCP_PROJECT_ID") == "acme-data"
    assert start.value("GCP_CREDS") == ""
    assert start.kv.get("taxi", "GCP_LOCATION").entry.kind == "STRING"


def test_the_second_start_writes_nothing(start: Start) -> None:
    start.with_settings(COURSE)
    assert start.with_settings(COURSE) == []
    assert start.kv.get("taxi", "GCP_LOCATION").stored.revision == 1


def test_what_a_user_changed_stays_even_when_the_settings_change(start: Start) -> None:
    start.with_settings(COURSE)
    start.kv.set("taxi", KvEntry("GCP_LOCATION", "US", None))
    assert start.with_settings({"taxi": {**COURSE["taxi"], "GCP_LOCATION": "asia-east1"}}) == []
    assert start.value("GCP_LOCATION") == "US"


def test_what_nobody_touched_follows_the_settings(start: Start) -> None:
    start.with_settings(COURSE)
    changed = {"taxi": {**COURSE["taxi"], "GCP_LOCATION": "europe-west1"}}
    assert start.with_settings(changed) == ["taxi/GCP_LOCATION"]
    assert start.with_settings(changed) == []
    assert start.value("GCP_LOCATION") == "europe-west1"


def test_what_a_user_deleted_does_not_come_back(start: Start) -> None:
    start.with_settings(COURSE)
    start.kv.delete("taxi", "GCP_LOCATION")
    assert start.with_settings(COURSE) == []
    with pytest.raises(NotFound):
        start.value("GCP_LOCATION")


def test_what_was_there_before_the_settings_named_it_stays(start: Start) -> None:
    start.kv.set("taxi", KvEntry("GCP_LOCATION", "US", None))
    start.with_settings(COURSE)
    assert start.value("GCP_LOCATION") == "US"
    start.with_settings({"taxi": {"GCP_LOCATION": "asia-east1"}})
    assert start.value("GCP_LOCATION") == "US"


def test_a_seed_that_leaves_the_settings_stays_in_the_store(start: Start) -> None:
    start.with_settings(COURSE)
    assert start.with_settings({}) == []
    assert start.value("GCP_PROJECT_ID") == "acme-data"


def test_seeding_is_whole_or_not_at_all(start: Start) -> None:
    with pytest.raises(InvalidInput, match=r"seed\.kv\.taxi\.not a key"):
        start.with_settings({"taxi": {"GCP_LOCATION": "EU", "not a key": 1}})
    assert start.kv.entries("taxi") == []


def test_values_keep_their_kinds(start: Start) -> None:
    start.with_settings({"taxi": {"A": 3, "B": True, "C": {"x": [1, 2]}, "D": "PT5M"}})
    kinds = {entry.key: entry.kind for entry in start.kv.entries("taxi")}
    assert kinds == {"A": "NUMBER", "B": "BOOLEAN", "C": "JSON", "D": "DURATION"}
    assert start.value("C") == {"x": [1, 2]}
    assert start.with_settings({"taxi": {"A": 3, "B": True, "C": {"x": [1, 2]}, "D": "PT5M"}}) == []


@pytest.mark.parametrize(
    "values",
    [
        {"GCP_CREDS": '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE"}'},
        {"GCP_CREDS": {"private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE"}},
    ],
)
def test_a_private_key_is_refused_without_showing_it(values: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="holds a private key") as caught:
        read_seeds({"taxi": values})
    assert "MIIE" not in str(caught.value)


def test_a_namespace_that_is_none_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"seed\.kv: `Taxi Rides` is not the name"):
        read_seeds({"Taxi Rides": {"A": 1}})


def test_the_environment_of_a_container_seeds_a_server(tmp_path: Path) -> None:
    environment = {
        "MAINSTEM_STATE_DIR": str(tmp_path),
        "MAINSTEM_SEED__KV": '{"taxi":{"GCP_PROJECT_ID":"acme-data","GCP_DATE":"2024-01-01"}}',
    }
    app = App(load_settings(environment=environment), environment={})
    try:
        app.start()
        assert app.kv.get("taxi", "GCP_PROJECT_ID").entry.value == "acme-data"
        assert app.kv.get("taxi", "GCP_DATE").stored.kind == "STRING"
        with pytest.raises(Conflict):
            app.kv.set("taxi", KvEntry("GCP_PROJECT_ID", "x", None), overwrite=False)
    finally:
        app.stop()
