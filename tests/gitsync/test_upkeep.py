"""Repositories of the server stay small: repacked and pruned once a day, and bounded per push."""

import gc
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from mainstem.app import App
from mainstem.clock import FrozenClock
from mainstem.gitsync import upkeep
from mainstem.gitsync.sync import Syncer
from mainstem.settings import load_settings
from tests.gitsync.conftest import Make, Repository, Served, flow


def test_a_repository_with_many_loose_objects_is_packed_and_old_garbage_goes(
    repository: Repository, make_synced: Make
) -> None:
    commit = repository.commit({"flows/hello.yaml": flow()})
    app = make_synced()
    app.syncs.sync("team")
    mirror = Syncer(app.syncs.shop, app.sources.get("team").source).repository
    assert not upkeep.tidy(mirror, app.syncs.shop.git)
    blobs = "".join(f"blob\nmark :{n}\ndata 6\nx{n:05}\n" for n in range(1, 1_200))
    mirror.run("-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet", stdin=blobs.encode())
    assert upkeep.needs_upkeep(mirror)
    assert upkeep.tidy(mirror, app.syncs.shop.git)
    assert mirror.has(commit)
    repository.commit({"flows/hello.yaml": flow(message="newer")})
    assert app.syncs.sync("team").applied


def test_it_is_looked_at_an_hour_after_the_start_and_then_once_a_day(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    clock = FrozenClock(datetime(2030, 1, 1, tzinfo=UTC))
    overrides = {
        "state_dir": str(tmp_path / "state"),
        "git.allow_file_urls": True,
        "git.sources": [{"name": "team", "url": str(repository.folder)}],
    }
    settings = load_settings(overrides=overrides, environment={})
    app = App(settings, clock=clock, environment={"PATH": os.environ["PATH"]})
    monkeypatch.setattr(upkeep, "_MANY_LOOSE", 0)
    app.syncs.tick(clock.now())
    assert app.syncs.wait()
    source = app.sources.get("team").source
    mirror = Syncer(app.syncs.shop, source).repository
    packed = []
    try:
        for hours in (0.9, 0.2, 1, 22, 1.1):
            clock.advance(timedelta(hours=hours))
            # Younger than the grace: it is packed with nothing, and stays.
            mirror.run("hash-object", "-w", "--stdin", stdin=f"garbage {hours}".encode())
            packed.append(app.syncs.tidy(source))
    finally:
        app.syncs.close()
        app.database.close()
    assert packed == [False, True, False, False, True]


def test_a_push_beyond_the_limit_is_refused_in_the_pushers_terminal(
    repository: Repository, serve: Callable[..., Served]
) -> None:
    server = serve({"name": "team", "push": True}, **{"git.largest_push_mb": 1})
    repository.commit({"flows/hello.yaml": flow()})
    address = f"{server.url}/git/team"
    assert repository.try_git("push", address, "main").returncode == 0
    for size in (1_500_000, 3_000_000):
        (repository.folder / "large.bin").write_bytes(os.urandom(size))
        repository.commit({})
        done = repository.try_git("push", address, "main")
        assert done.returncode != 0
        assert "pack exceeds maximum allowed size" in done.stderr, done.stderr
    repository.git("reset", "--quiet", "--hard", "HEAD~2")
    repository.commit({"flows/hello.yaml": flow(message="small")})
    assert repository.try_git("push", address, "main").returncode == 0


def test_the_documents_of_a_large_commit_are_let_go_while_it_is_read(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({f"flows/f{n}.yaml": flow(f"f{n}") for n in range(450)})
    app = make_synced()
    usual = gc.get_threshold()
    gc.collect()
    gc.set_threshold(10_000_000)
    try:
        assert app.syncs.sync("team", dry_run=True).plan.counts()["create"] == 450
        nodes = sum(isinstance(item, yaml.Node) for item in gc.get_objects())
    finally:
        gc.set_threshold(*usual)
    per_flow = 14
    assert nodes < 250 * per_flow
