"""Of a large repository only what is synced is fetched."""

import random
from pathlib import Path

import pytest

from mainstem.app import App
from mainstem.gitsync import upkeep
from mainstem.gitsync.propose import Edit, propose
from mainstem.gitsync.repository import Repository as Mirror
from mainstem.gitsync.sync import Syncer
from mainstem.model.flow_id import FlowId
from tests.gitsync.conftest import Make, Repository, flow

LARGE = 3_000_000
WANTED = random.Random(1).randbytes(400_000)


@pytest.fixture
def large(repository: Repository) -> Repository:
    """With a file that nothing is made of, and a large one that is synced."""
    assets = repository.folder / "assets"
    assets.mkdir()
    (assets / "film.bin").write_bytes(random.Random(2).randbytes(LARGE))
    wanted = repository.folder / "files" / "demo" / "model.bin"
    wanted.parent.mkdir(parents=True)
    wanted.write_bytes(WANTED)
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.commit({"flows/hello.yaml": flow()})
    return repository


def mirror_of(app: App) -> Mirror:
    return Syncer(app.syncs.shop, app.sources.get("team").source).repository


def size(mirror: Mirror) -> int:
    return sum(path.stat().st_size for path in Path(mirror.folder).rglob("*") if path.is_file())


def test_what_is_not_synced_is_not_fetched(large: Repository, make_synced: Make) -> None:
    first = large.git("rev-parse", "HEAD")
    app = make_synced()
    assert app.syncs.sync("team").applied
    mirror = mirror_of(app)
    assert len(WANTED) < size(mirror) < LARGE / 3
    assert app.files.read("demo", "model.bin") == WANTED

    (large.folder / "assets" / "film.bin").write_bytes(b"x" * LARGE)
    large.commit({"flows/hello.yaml": flow(message="newer")})
    assert app.syncs.sync("team").applied
    assert size(mirror) < LARGE / 3

    assert app.syncs.roll_back("team", first).applied
    assert app.files.read("demo", "model.bin") == WANTED


def test_a_partial_repository_is_repacked(
    large: Repository, make_synced: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_synced()
    app.syncs.sync("team")
    mirror = mirror_of(app)
    assert mirror.is_partial
    monkeypatch.setattr(upkeep, "_MANY_PACKS", 0)
    assert upkeep.tidy(mirror, app.syncs.shop.git)
    large.commit({"flows/hello.yaml": flow(message="newer")})
    assert app.syncs.sync("team").applied


def test_a_change_is_proposed_from_a_partial_repository(
    large: Repository, make_synced: Make
) -> None:
    app = make_synced()
    app.syncs.sync("team")
    source = flow(message="better")
    syncer = Syncer(app.syncs.shop, app.sources.get("team").source)
    wanted = Edit(FlowId("demo", "hello"), source, "Say it better", "better")
    assert propose(app.syncs.shop, syncer, wanted).branch == "better"
    assert large.git("show", "better:flows/hello.yaml") == source.strip()
    assert "assets/film.bin" in large.git("ls-tree", "-r", "--name-only", "better")


@pytest.mark.parametrize(
    ("key", "value"),
    [("uploadpack.allowFilter", "false"), ("uploadpackfilter.blob:limit.allow", "false")],
)
def test_a_server_without_filters_sends_everything(
    large: Repository, make_synced: Make, key: str, value: str
) -> None:
    large.git("config", key, value)
    app = make_synced()
    assert app.syncs.sync("team").applied
    assert size(mirror_of(app)) > LARGE
    assert app.files.read("demo", "model.bin") == WANTED


def test_a_pointer_of_lfs_is_told_and_synced_as_it_is(
    repository: Repository, make_synced: Make
) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 9\n"
    repository.commit({"files/demo/data.csv": pointer, "flows/hello.yaml": flow()})
    app = make_synced()
    result = app.syncs.sync("team")
    assert result.applied
    (told,) = result.problems
    assert (told.path, told.code, told.severity) == ("files/demo/data.csv", "lfs", "warning")
    assert "Git LFS" in told.message
    assert app.files.read("demo", "data.csv") == pointer.encode()
