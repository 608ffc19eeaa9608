"""Servers for the whole session: one on this machine alone, one with a local Google Cloud."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import postgres
from demo.processes import Children
from mainstem.app import App
from mainstem.localgcp.launch import LocalGcp
from mainstem.settings import load_settings
from tests.localgcp.clients import PROJECT
from tests.plugins.bench import Bench
from tests.server.conftest import Server

SLOW_START = 120.0


def _app(folder: Path, **overrides: object) -> App:
    given = {"state_dir": str(folder), "runners.default": "process", **overrides}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return App(load_settings(overrides=given, environment={}), environment=environment)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    app = _app(tmp_path_factory.mktemp("bench"), **{"git.allow_file_urls": True})
    app.start()
    yield Bench(Server(app, patience=40.0))
    app.stop()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGcp]:
    with LocalGcp(tmp_path_factory.mktemp("local-gcp"), project=PROJECT) as running:
        yield running


@pytest.fixture(scope="session")
def key(cloud: LocalGcp) -> dict[str, str]:
    return cloud.key()


@pytest.fixture(scope="session")
def gcp(
    cloud: LocalGcp, key: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """A server whose Google is local; the KV store has the key and names, as a user sets them."""
    ends = cloud.endpoints
    app = _app(
        tmp_path_factory.mktemp("gcp-bench"),
        **{
            "gcp.endpoints.storage": ends.storage,
            "gcp.endpoints.bigquery": ends.bigquery,
            "gcp.endpoints.token": ends.token,
        },
    )
    app.start()
    bench = Bench(Server(app, patience=SLOW_START))
    bench.set_kv(GCP_CREDS=json.dumps(key), GCP_PROJECT_ID=PROJECT)
    yield bench
    app.stop()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Database]:
    with Children(tmp_path_factory.mktemp("postgres-logs")) as children:
        yield postgres.start(children, tmp_path_factory.mktemp("postgres"))
