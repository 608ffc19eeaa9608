"""Cloud Storage through google-cloud-storage, and the server behind it through crashes."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.api_core.retry import Retry
from google.cloud import storage

from mainstem.errors import Stalled
from mainstem.localgcp.gcs import GcsCommand, GcsSupervisor, find_binary
from mainstem.localgcp.launch import LocalGcp
from tests.localgcp.clients import PROJECT, storage_client


@pytest.fixture(scope="module")
def client(cloud: LocalGcp, key: dict[str, str]) -> Iterator[storage.Client]:
    opened = storage_client(cloud, key)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bucket(client: storage.Client) -> storage.Bucket:
    return client.create_bucket("storage-tests")


def test_a_large_object_goes_up_in_parts_and_comes_back_whole(bucket: storage.Bucket) -> None:
    content = bytes(range(256)) * 40_000
    blob = bucket.blob("large.bin", chunk_size=1024 * 1024)
    blob.upload_from_string(content)
    assert blob.size == len(content)
    assert bucket.blob("large.bin").download_as_bytes() == content
    assert bucket.blob("large.bin").download_as_bytes(start=256, end=511) == bytes(range(256))


def test_metadata_and_content_type_are_kept(bucket: storage.Bucket) -> None:
    blob = bucket.blob("data/rows.csv")
    blob.metadata = {"source": "taxi"}
    blob.upload_from_string("a,b\n1,2\n", content_type="text/csv")
    read = bucket.get_blob("data/rows.csv")
    assert (read.content_type, read.metadata) == ("text/csv", {"source": "taxi"})


def test_a_listing_knows_folders_and_prefixes(bucket: storage.Bucket) -> None:
    for name in ("tree/a/1.txt", "tree/a/2.txt", "tree/b/3.txt", "tree/4.txt"):
        bucket.blob(name).upload_from_string(name)
    listing = bucket.client.list_blobs(bucket, prefix="tree/", delimiter="/")
    assert [blob.name for blob in listing] == ["tree/4.txt"]
    assert sorted(listing.prefixes) == ["tree/a/", "tree/b/"]


def test_copy_compose_and_delete(bucket: storage.Bucket) -> None:
    parts = [bucket.blob(f"part-{number}") for number in range(3)]
    for number, part in enumerate(parts):
        part.upload_from_string(f"{number}\n")
    whole = bucket.blob("whole")
    whole.compose(parts)
    assert whole.download_as_bytes() == b"0\n1\n2\n"
    bucket.copy_blob(whole, bucket, "copied")
    assert bucket.blob("copied").download_as_bytes() == b"0\n1\n2\n"
    whole.delete()
    assert not whole.exists()


def test_errors_are_the_cloud_s_exception_classes(
    client: storage.Client, bucket: storage.Bucket
) -> None:
    with pytest.raises(Conflict):
        client.create_bucket(bucket.name)
    with pytest.raises(NotFound):
        client.get_bucket("no-such-bucket")
    with pytest.raises(NotFound):
        bucket.blob("no-such-object").download_as_bytes()
    bucket.blob("once").upload_from_string("first", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        bucket.blob("once").upload_from_string("second", if_generation_match=0)


def test_sixteen_clients_write_at_once(cloud: LocalGcp, key: dict[str, str]) -> None:
    owner = storage_client(cloud, key)
    owner.create_bucket("crowd")

    def write(number: int) -> None:
        own = storage_client(cloud, key)
        own.bucket("crowd").blob(f"object-{number}").upload_from_string(str(number))
        own.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(64)))
    assert len(list(owner.list_blobs("crowd"))) == 64
    owner.close()


def test_the_emulator_variable_alone_points_a_client_at_it(
    cloud: LocalGcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    client = storage.Client(project=PROJECT)
    assert client.create_bucket("by-variable").exists()
    client.close()


def test_a_crashed_server_is_started_again_with_everything_in_it(tmp_path: Path) -> None:
    with LocalGcp(tmp_path, project=PROJECT) as cloud:
        client = storage_client(cloud, cloud.key())
        client.create_bucket("survivors").blob("one").upload_from_string("here")
        (child,) = psutil.Process(cloud.pid).children()
        child.kill()
        patient = Retry(initial=0.05, maximum=0.2, timeout=20)
        found = client.bucket("survivors").blob("one").download_as_bytes(retry=patient)
        client.close()
        assert found == b"here"
        assert "storage ended with status -9; starting it again" in cloud.messages()


def test_objects_outlive_kill_9_of_everything(tmp_path: Path) -> None:
    cloud = LocalGcp(tmp_path, project=PROJECT)
    cloud.start()
    key = cloud.key()
    client = storage_client(cloud, key)
    client.create_bucket("kept").blob("one").upload_from_string("here")
    client.close()
    cloud.kill()
    with cloud:
        client = storage_client(cloud, key)
        assert client.bucket("kept").blob("one").download_as_bytes() == b"here"
        client.close()


def test_a_server_that_keeps_ending_is_started_with_growing_pauses(tmp_path: Path) -> None:
    reports: list[str] = []

    async def watch_three_ends() -> None:
        enough = asyncio.Event()

        def report(message: str) -> None:
            reports.append(message)
            if len(reports) == 3:
                enough.set()

        supervisor = GcsSupervisor(GcsCommand(Path("/bin/false"), tmp_path, 1), report)
        await supervisor.spawn()
        supervisor.watch()
        await asyncio.wait_for(enough.wait(), 20)
        await supervisor.stop()

    asyncio.run(watch_three_ends())
    assert [message.rpartition("in ")[2] for message in reports] == ["0.1 s", "0.2 s", "0.4 s"]


def test_a_server_that_cannot_start_is_quoted(tmp_path: Path) -> None:
    async def start_on(port: int) -> None:
        supervisor = GcsSupervisor(GcsCommand(find_binary(), tmp_path, port), print)
        await supervisor.spawn()
        try:
            await supervisor.wait_ready()
        finally:
            await supervisor.stop()

    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(Stalled, match="address already in use"),
    ):
        asyncio.run(start_on(taken.getsockname()[1]))
