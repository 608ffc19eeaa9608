"""A backup made while a server runs holds one moment; a restore brings all of it back."""

import io
import os
import stat
import tarfile
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from mainstem.app import App
from mainstem.cli import main
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.state import State
from mainstem.sdk.context import KvEntry
from mainstem.services.backup import restore_backup, write_backup
from mainstem.services.executions import NewRun
from mainstem.settings import load_settings
from mainstem.storage.local import LocalStorage
from mainstem.store import transfer
from mainstem.store.database import connect, open_database
from mainstem.store.migrate import MIGRATIONS
from tests.operate.conftest import Url
from tests.operate.filling import fill
from tests.server.conftest import Server
from tests.store.builders import NOON

FLOW = """
id: made
namespace: demo
tasks:
  - {id: write, type: core.storage.Write, content: "content {{ execution.id }}"}
"""


def test_a_backup_of_a_running_server_is_restored_elsewhere(tmp_path: Path, new_url: Url) -> None:
    first = {"state_dir": str(tmp_path / "a"), "database.url": new_url()}
    app = App(load_settings(overrides={**first, "runners.default": "process"}, environment={}))
    app.start()
    server = Server(app)
    done = server.run(FLOW)
    assert done.state is State.SUCCESS, server.logs(done)
    app.kv.set("demo", KvEntry("answer", 42, "NUMBER"))
    app.secrets.put("demo", "TOKEN", "s3cr3t")
    app.files.write("demo", "a/b.txt", b"file of a namespace")
    busy = threading.Event()

    def keep_running() -> None:
        while not busy.is_set():
            app.executions.create(NewRun(done.flow))

    runner = threading.Thread(target=keep_running)
    runner.start()
    options = [f"--set=database.url={first['database.url']}", "--state", first["state_dir"]]
    try:
        assert main(["backup", str(tmp_path / "all.tgz"), "--with-key", *options]) == 0
    finally:
        busy.set()
        runner.join()
        app.stop()
    second = {"state_dir": str(tmp_path / "b"), "database.url": new_url()}
    options = [f"--set=database.url={second['database.url']}", "--state", second["state_dir"]]
    assert main(["restore", str(tmp_path / "all.tgz"), *options]) == 0
    again = App(load_settings(overrides={**second, "runners.default": "process"}, environment={}))
    again.start()
    restored = Server(again)
    try:
        assert again.executions.get(done.id) == done
        found = again.kv.find("demo", "answer")
        assert found is not None
        assert found.entry.value == 42
        assert again.secret_chain.get("demo", "TOKEN") == "s3cr3t"
        assert again.files.read("demo", "a/b.txt") == b"file of a namespace"
        uri = str(restored.outputs(done)["write"]["uri"])  # type: ignore[index]
        path = uri.removeprefix("kestra:///")
        with again.storage.open(path) as file:
            assert file.read() == f"content {done.id}".encode()
        assert restored.run(FLOW).state is State.SUCCESS
    finally:
        again.stop()


def test_a_backup_is_for_its_owner_only_and_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "x.tgz"
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    write_backup(target, database, None, NOON)
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
    with pytest.raises(Conflict, match="exists"):
        write_backup(target, database, None, NOON)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".backup")] == []
    database.close()


def written(folder: Path) -> Path:
    database = open_database(f"sqlite:///{folder / 'source.db'}")
    with database.write() as tx:
        fill(tx)
    storage = LocalStorage(folder / "source")
    storage.put_bytes("a/b.txt", b"x" * 100_000)
    write_backup(folder / "x.tgz", database, storage, NOON)
    database.close()
    return folder / "x.tgz"


def changed(path: Path, change: dict[str, bytes | None]) -> Path:
    """The backup with other contents, or with None, without them."""
    with tarfile.open(path) as old, tarfile.open(path.with_name("y.tgz"), "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            content = change.get(member.name, file.read())
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
        for name, content in change.items():
            if content is not None and name not in old.getnames():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
    return path.with_name("y.tgz")


def refused(path: Path, url: str) -> str:
    """Restoring fails, and leaves no table behind."""
    database = connect(url)
    storage = LocalStorage(path.parent / "target")
    try:
        with pytest.raises((InvalidInput, Conflict, NotFound)) as caught:
            restore_backup(path, database, storage, lambda _key: None)
        with database.read() as tx:
            assert transfer.tables_of(tx) == []
    finally:
        database.close()
    return str(caught.value)


def test_a_damaged_backup_is_refused_whole(tmp_path: Path, new_url: Url) -> None:
    path = written(tmp_path)
    with tarfile.open(path) as tar:
        file = tar.extractfile("tables/kv.ndjson")
        assert file is not None
        lines = file.read().splitlines(keepends=True)
    short = changed(path, {"tables/kv.ndjson": b"".join(lines[:-1])})
    assert "table kv of the backup is damaged" in refused(short, new_url())
    headless = changed(path, {"manifest.json": None})
    assert "ends before its manifest" in refused(headless, new_url())
    cut = tmp_path / "cut.tgz"
    cut.write_bytes(path.read_bytes()[:-200])
    assert "cannot be read as a backup" in refused(cut, new_url())
    assert "no file" in refused(tmp_path / "missing", new_url())


def test_a_backup_that_reaches_outside_of_storage_is_refused(tmp_path: Path, new_url: Url) -> None:
    path = written(tmp_path)
    assert "would leave" in refused(changed(path, {"storage/../../evil": b"x"}), new_url())
    assert not (tmp_path / "evil").exists()


def test_a_backup_of_the_first_schema_is_upgraded_by_its_restore(
    tmp_path: Path, new_url: Url
) -> None:
    old = connect(f"sqlite:///{tmp_path / 'old.db'}")
    with old.write() as tx:
        transfer.make_schema(tx, [1])
        fill(tx)
    write_backup(tmp_path / "old.tgz", old, None, NOON)
    old.close()
    target = connect(new_url())
    restore_backup(tmp_path / "old.tgz", target, None, lambda _key: None)
    with target.read() as tx:
        assert transfer.schema_of(tx) == [migration.VERSION for migration in MIGRATIONS]
        assert tx.execute(text("select count(*) from executions")).scalar() == 3
    target.close()
