"""Internal storage: nothing leaves the root, nothing half-written is ever seen."""

from pathlib import Path

import pytest

from mainstem.errors import InvalidInput, NotFound
from mainstem.model.flow_id import FlowId
from mainstem.storage.blobs import put_blob, read_blob
from mainstem.storage.local import LocalStorage
from mainstem.storage.uri import (
    execution_prefix,
    input_prefix,
    is_internal,
    make_uri,
    parse_uri,
    state_prefix,
    task_run_prefix,
)

FLOW = FlowId("a.b", "flow")


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


@pytest.mark.parametrize("name", ["a/b.csv", "with space.txt", "ä%41?#.csv", "a\\b", "..hidden"])
def test_a_uri_leads_back_to_its_path(name: str) -> None:
    uri = make_uri(f"ns/{name}")
    assert is_internal(uri)
    assert parse_uri(uri) == f"ns/{name}"
    assert parse_uri(uri.replace("kestra://", "mainstem://")) == f"ns/{name}"


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd", "gs://bucket/a", "a/b", "kestra:///", "kestra:///..",
        "kestra:///a/../../b", "kestra:///a/%2e%2e/b", "kestra:///a%00b", "kestra:///a/%2E%2e%2Fb",
    ],
)  # fmt: skip
def test_a_uri_that_is_foreign_or_climbs_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInput):
        parse_uri(uri)


def test_paths_of_executions_are_those_of_the_reference() -> None:
    assert execution_prefix(FLOW, "E") == "a/b/flow/executions/E"
    assert task_run_prefix(FLOW, "E", "My_Task", "R") == "a/b/flow/executions/E/tasks/my-task/R"
    assert input_prefix(FLOW, "E", "file") == "a/b/flow/executions/E/inputs/file"
    assert state_prefix(FLOW) == "a/b/flow/states"


def test_a_file_is_stored_read_copied_and_deleted(storage: LocalStorage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    assert storage.put("a/b/c.bin", source) == 5
    assert storage.size("a/b/c.bin") == 5
    with storage.open("a/b/c.bin") as file:
        assert file.read() == b"12345"
    storage.fetch("a/b/c.bin", tmp_path / "new" / "copy")
    assert (tmp_path / "new/copy").read_bytes() == b"12345"
    assert storage.delete("a/b/c.bin")
    assert not storage.delete("a/b/c.bin")
    assert not storage.delete("a/b")
    with pytest.raises(NotFound, match=r"a/b/c\.bin"):
        storage.open("a/b/c.bin")


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", "", ".", "a\x00b", "n" * 300, "half\ud83d"]
)
def test_a_path_outside_or_impossible_is_refused(storage: LocalStorage, path: str) -> None:
    for act in (storage.open, storage.size, storage.exists, storage.delete):
        with pytest.raises(InvalidInput):
            act(path)
    with pytest.raises(InvalidInput):
        storage.put_bytes(path, b"x")


def test_a_link_that_leads_outside_is_refused(storage: LocalStorage, tmp_path: Path) -> None:
    storage.put_bytes("a/b", b"x")
    (tmp_path / "storage" / "a" / "link").symlink_to("/etc")
    with pytest.raises(InvalidInput, match="outside"):
        storage.open("a/link/passwd")


def test_a_folder_and_what_lies_below_a_file_are_not_files(storage: LocalStorage) -> None:
    storage.put_bytes("a/b", b"x")
    with pytest.raises(NotFound):
        storage.open("a")
    with pytest.raises(InvalidInput, match="is a folder"):
        storage.put_bytes("a", b"y")
    with pytest.raises(InvalidInput, match="below a file"):
        storage.put_bytes("a/b/c", b"y")
    assert not storage.delete("a/b/c")


def test_a_failed_write_leaves_the_old_file_and_no_other(storage: LocalStorage) -> None:
    storage.put_bytes("a/b", b"old")

    def fail() -> None:
        with storage.writing("a/b") as file:
            file.write(b"half")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    with storage.open("a/b") as file:
        assert file.read() == b"old"
    assert list(storage.paths("a")) == ["a/b"]


def test_what_a_crash_left_half_written_is_not_seen(storage: LocalStorage, tmp_path: Path) -> None:
    storage.put_bytes("a/b", b"whole")
    (tmp_path / "storage/a/.writing-x1").write_bytes(b"half")
    assert list(storage.paths("a")) == ["a/b"]
    assert storage.delete_below("a") == ["a/b"]
    assert not (tmp_path / "storage/a").exists()
    assert storage.delete_below("a") == []


def test_a_writer_sees_nothing_of_its_file_until_it_is_whole(storage: LocalStorage) -> None:
    with storage.writing("a/b") as file:
        file.write(b"x")
        assert not storage.exists("a/b")
    assert storage.exists("a/b")


def test_equal_contents_are_one_blob(storage: LocalStorage) -> None:
    digest = put_blob(storage, b"same")
    assert put_blob(storage, b"same") == digest
    assert read_blob(storage, digest) == b"same"
    assert len(list(storage.paths("_blobs"))) == 1
    with pytest.raises(NotFound):
        read_blob(storage, "0" * 64)
