"""What both kinds of internal storage promise: a folder, and a bucket through the real client."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mainstem.errors import InvalidInput, NotFound, Stalled, Transient
from mainstem.localgcp.launch import LocalGcp
from mainstem.settings import load_settings
from mainstem.storage.base import Storage
from mainstem.storage.blobs import put_blob, read_blob
from mainstem.storage.gcs import GcsStorage
from mainstem.storage.local import LocalStorage
from mainstem.storage.open import open_storage

pytestmark = pytest.mark.heavy
BUCKET = "internal-storage"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with LocalGcp(tmp_path_factory.mktemp("gcs"), project="p") as cloud:
        httpx.post(f"{cloud.endpoints.storage}/storage/v1/b?project=p", json={"name": BUCKET})
        yield cloud.endpoints.storage


@pytest.fixture(params=["local", "gcs"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path / "storage")
    endpoint: str = request.getfixturevalue("endpoint")
    return GcsStorage(BUCKET, f"tests/{tmp_path.name}", endpoint)


def read(storage: Storage, path: str) -> bytes:
    with storage.open(path) as file:
        return file.read()


@pytest.mark.parametrize("name", ["a/b.csv", "with space.txt", "ä%41?#[].csv", "a\\b", "..hidden"])
def test_any_name_leads_back_to_its_content(storage: Storage, name: str) -> None:
    storage.put_bytes(name, b"content")
    assert read(storage, name) == b"content"
    assert list(storage.paths("")) == [name]


def test_a_file_is_stored_read_copied_and_deleted(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    assert storage.put("a/b/c.bin", source) == 5
    assert storage.size("a/b/c.bin") == 5
    assert storage.exists("a/b/c.bin")
    storage.fetch("a/b/c.bin", tmp_path / "new" / "copy")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["copy"]
    assert (tmp_path / "new/copy").read_bytes() == b"12345"
    assert storage.delete("a/b/c.bin")
    assert not storage.delete("a/b/c.bin")
    assert not storage.exists("a/b/c.bin")


def test_a_large_file_comes_back_whole_and_in_parts(storage: Storage) -> None:
    content = bytes(range(256)) * 40_000
    with storage.writing("big") as file:
        for start in range(0, len(content), 1_000_000):
            file.write(content[start : start + 1_000_000])
    assert storage.size("big") == len(content)
    with storage.open("big") as file:
        assert file.read(10) == content[:10]
        file.seek(9_000_000)
        assert file.read(10) == content[9_000_000:9_000_010]
        assert file.read() == content[9_000_010:]


def test_a_missing_file_is_named(storage: Storage, tmp_path: Path) -> None:
    for act in (
        lambda: storage.open("no/such.csv"),
        lambda: storage.size("no/such.csv"),
        lambda: storage.fetch("no/such.csv", tmp_path / "copy"),
    ):
        with pytest.raises(NotFound, match=r"no/such\.csv"):
            act()
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", "", ".", "a\x00b", "n" * 300, "half\ud83d"]
)
def test_a_path_outside_or_impossible_is_refused(storage: Storage, path: str) -> None:
    for act in (storage.open, storage.size, storage.exists, storage.delete):
        with pytest.raises(InvalidInput):
            act(path)
    with pytest.raises(InvalidInput):
        storage.put_bytes(path, b"x")


def test_writing_again_replaces_and_a_failed_write_leaves_the_old_file(storage: Storage) -> None:
    storage.put_bytes("a/b", b"first")
    storage.put_bytes("a/b", b"old")

    def fail() -> None:
        with storage.writing("a/b") as file:
            file.write(b"half")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    assert read(storage, "a/b") == b"old"
    assert list(storage.paths("")) == ["a/b"]


def test_a_writer_s_file_is_seen_when_it_is_whole(storage: Storage) -> None:
    with storage.writing("a/b") as file:
        file.write(b"x")
        assert not storage.exists("a/b")
    assert storage.exists("a/b")


def test_a_folder_goes_with_all_below_it_and_nothing_beside_it(storage: Storage) -> None:
    for path in ("a/b/1", "a/b/c/2", "a/bc/3", "a/4"):
        storage.put_bytes(path, b"x")
    assert sorted(storage.paths("a/b")) == ["a/b/1", "a/b/c/2"]
    assert sorted(storage.delete_below("a/b")) == ["a/b/1", "a/b/c/2"]
    assert sorted(storage.paths("")) == ["a/4", "a/bc/3"]
    assert storage.delete_below("a/b") == []


def test_equal_contents_are_one_blob(storage: Storage) -> None:
    digest = put_blob(storage, b"same")
    assert put_blob(storage, b"same") == digest
    assert read_blob(storage, digest) == b"same"
    assert len(list(storage.paths("_blobs"))) == 1


def test_a_bucket_that_is_not_there_is_named(endpoint: str) -> None:
    with pytest.raises(Stalled, match="bucket nowhere does not exist"):
        GcsStorage("nowhere", "", endpoint).check()


def test_a_bucket_that_cannot_be_reached_is_transient() -> None:
    with pytest.raises(Transient, match="bucket b does not answer"):
        GcsStorage("b", "", "http://127.0.0.1:1", patience=0.1).check()


def test_settings_choose_the_storage(tmp_path: Path, endpoint: str) -> None:
    given = {
        "state_dir": str(tmp_path), "storage.type": "gcs", "storage.bucket": BUCKET,
        "storage.prefix": "x/y", "gcp.endpoints.storage": endpoint,
    }  # fmt: skip
    storage = open_storage(load_settings(overrides=given, environment={}))
    storage.put_bytes("a", b"1")
    assert list(GcsStorage(BUCKET, "x", endpoint).paths("")) == ["y/a"]
    with pytest.raises(InvalidInput, match=r"storage\.bucket"):
        load_settings(overrides={"storage.type": "gcs"}, environment={})
