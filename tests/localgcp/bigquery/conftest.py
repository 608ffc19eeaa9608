"""One emulator and one storage emulator for the whole session, asked through Google's clients."""

import itertools
import subprocess
from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from mainstem.localgcp.bigquery.app import create_app
from mainstem.localgcp.bigquery.gcs import GcsEndpoint
from mainstem.localgcp.gcs import GcsCommand, find_binary
from tests.localgcp.bigquery.harness import (
    PROJECT,
    Emulator,
    Server,
    free_port,
    make_client,
    wait_until_open,
)

counter = itertools.count(1)


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GcsEndpoint]:
    root = tmp_path_factory.mktemp("gcs")
    port = free_port()
    process = subprocess.Popen(
        GcsCommand(find_binary(), root, port).argv(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until_open(port)
    yield GcsEndpoint(f"http://127.0.0.1:{port}", root)
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def emulator(gcs: GcsEndpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    state = tmp_path_factory.mktemp("bigquery")
    with Server(create_app(state, gcs)) as url:
        yield Emulator(url, gcs, state)


@pytest.fixture(scope="session")
def client(emulator: Emulator) -> Iterator[bigquery.Client]:
    made = make_client(emulator.url)
    yield made
    made.close()


@pytest.fixture
def dataset(client: bigquery.Client) -> bigquery.Dataset:
    return client.create_dataset(f"{PROJECT}.ds_{next(counter)}")


@pytest.fixture
def table_id(dataset: bigquery.Dataset) -> str:
    return f"{PROJECT}.{dataset.dataset_id}.t"


@pytest.fixture(scope="session")
def bucket(gcs: GcsEndpoint) -> Iterator[storage.Bucket]:
    made = storage.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": gcs.url},
    )
    yield made.create_bucket("bq-tests")
    made.close()


@pytest.fixture
def put(bucket: storage.Bucket):
    """Write an object and return its URI."""

    def write(name: str, content: str | bytes) -> str:
        bucket.blob(name).upload_from_string(content)
        return f"gs://{bucket.name}/{name}"

    return write
