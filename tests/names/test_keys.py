"""Keys that seal secrets: from files, settings and KMS; rotation that may be cut off anywhere."""

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstem.clock import SystemClock
from mainstem.errors import Conflict, Denied, InvalidInput, Stalled, Transient
from mainstem.secrets.database import DatabaseSecrets
from mainstem.secrets.fingerprint import adopt, agree
from mainstem.secrets.keys import GivenKeys, KeyFile, read_keys
from mainstem.secrets.kms import KmsWrapper
from mainstem.secrets.rotation import forget_old, rotate
from mainstem.secrets.seal import Sealer, sealed_by
from mainstem.store.database import Database, open_database
from tests.names.kms import KEY, FakeKms


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    yield opened
    opened.close()


@pytest.fixture
def kms() -> Iterator[FakeKms]:
    fake = FakeKms()
    yield fake
    fake.close()


def store(database: Database, keys: KeyFile | GivenKeys) -> DatabaseSecrets:
    return DatabaseSecrets(database, keys.sealer, SystemClock())


class CutOff(Exception):
    pass


def test_rotation_seals_everything_again_and_running_servers_follow(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "master.key"
    server = store(database, KeyFile(path))
    for number in range(25):
        server.put("a", f"k{number:02}", f"value {number}", "why", {"team": "x"})
    first = path.read_bytes()
    done = rotate(database, KeyFile(path), batch=10)
    assert (done.resealed, done.resumed) == (25, False)
    assert server.find("a", "k07") == "value 7"
    assert server.notes("a")[0].description == "why"
    server.put("a", "new", "by the new key")
    assert forget_old(database, KeyFile(path)) == 1
    assert first not in path.read_bytes()
    fresh = store(database, KeyFile(path))
    assert [fresh.find("a", f"k{n:02}") for n in (0, 24)] == ["value 0", "value 24"]
    assert fresh.find("a", "new") == "by the new key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("batches", [1, 2])
def test_a_rotation_cut_off_midway_loses_nothing_and_is_resumed(
    database: Database, tmp_path: Path, batches: int
) -> None:
    path = tmp_path / "master.key"
    server = store(database, KeyFile(path))
    for number in range(30):
        server.put("a", f"k{number:02}", f"value {number}")

    def cut(done: int) -> None:
        if done >= 10 * batches:
            raise CutOff

    with pytest.raises(CutOff):
        rotate(database, KeyFile(path), batch=10, after_batch=cut)
    values = [server.find("a", f"k{n:02}") for n in range(30)]
    assert values == [f"value {n}" for n in range(30)]
    with pytest.raises(Conflict, match="to its end first"):
        forget_old(database, KeyFile(path))
    again = rotate(database, KeyFile(path), batch=10)
    assert (again.resealed, again.resumed) == (30 - 10 * batches, True)
    assert len(KeyFile(path).sealer().keys) == 2
    forget_old(database, KeyFile(path))
    assert server.find("a", "k29") == "value 29"


def test_a_secret_changed_while_it_is_sealed_again_keeps_the_change(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "master.key"
    server = store(database, KeyFile(path))
    for number in range(4):
        server.put("a", f"k{number}", "old")
    rotate(database, KeyFile(path), batch=2, after_batch=lambda _done: server.put("a", "k3", "new"))
    assert server.find("a", "k3") == "new"


def test_what_was_sealed_before_keys_had_names_opens_and_is_sealed_again(
    database: Database, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from sqlalchemy import text

    key, nonce = os.urandom(32), os.urandom(12)
    (tmp_path / "master.key").write_bytes(key)
    old = nonce + AESGCM(key).encrypt(nonce, b"from before", b"a\x1fk")
    with database.write() as tx:
        tx.execute(
            text("INSERT INTO secrets (namespace, key, sealed, updated_at) VALUES ('a','k',:s,1)"),
            {"s": old},
        )
    keys = KeyFile(tmp_path / "master.key")
    assert store(database, keys).find("a", "k") == "from before"
    assert rotate(database, keys).resealed == 1
    assert store(database, keys).find("a", "k") == "from before"


def test_keys_of_the_settings_seal_by_the_first_and_open_by_any(database: Database) -> None:
    old, new = os.urandom(32), os.urandom(32)
    store(database, GivenKeys([old])).put("a", "k", "v")
    both = GivenKeys([new, old])
    assert rotate(database, both).resealed == 1
    assert store(database, GivenKeys([new])).find("a", "k") == "v"
    with pytest.raises(InvalidInput, match="restart"):
        forget_old(database, both)


@pytest.mark.parametrize("text", ["", "x", base64.b64encode(b"short").decode()])
def test_a_key_of_the_settings_that_is_none_is_refused_unseen(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_keys(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("content", [b"x" * 31, b"{}", b'{"keys": [{"id": "1", "key": "!"}]}'])
def test_a_damaged_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "k").write_bytes(content)
    with pytest.raises(Stalled, match="32 bytes"):
        KeyFile(tmp_path / "k").sealer()


def test_a_key_file_whose_keys_were_swapped_is_refused(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "k")
    keys.sealer()
    keys.rotate()
    held = json.loads((tmp_path / "k").read_text())
    held["keys"][0]["key"], held["keys"][1]["key"] = held["keys"][1]["key"], held["keys"][0]["key"]
    (tmp_path / "k").write_text(json.dumps(held))
    with pytest.raises(Stalled, match="damaged"):
        KeyFile(tmp_path / "k").sealer()


def test_kms_wraps_the_key_and_the_file_alone_opens_nothing(
    kms: FakeKms, database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "master.key"
    keys = KeyFile(path, KmsWrapper(KEY, kms.url))
    store(database, keys).put("a", "k", "v")
    assert keys.sealer().key not in base64.b64decode(json.loads(path.read_text())["keys"][0]["key"])
    asked = len(kms.calls)
    for _ in range(5):
        assert store(database, keys).find("a", "k") == "v"
    assert len(kms.calls) == asked
    kms.new_version()
    again = KeyFile(path, KmsWrapper(KEY, kms.url))
    rotate(database, again)
    forget_old(database, again)
    assert store(database, again).find("a", "k") == "v"
    with pytest.raises(Stalled, match="disagree"):
        KeyFile(path).sealer()


def test_a_bare_key_is_adopted_by_kms(kms: FakeKms, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    store(database, KeyFile(path)).put("a", "k", "v")
    keys = KeyFile(path, KmsWrapper(KEY, kms.url))
    with pytest.raises(Stalled, match="--adopt-kms"):
        keys.sealer()
    keys.adopt()
    assert store(database, keys).find("a", "k") == "v"


@pytest.mark.parametrize(
    ("status", "key", "error"),
    [(403, KEY, Denied), (200, KEY + "-other", Stalled), (503, KEY, Transient)],
)
def test_kms_that_refuses_says_what_to_do(
    kms: FakeKms, tmp_path: Path, status: int, key: str, error: type[Exception]
) -> None:
    kms.status = status
    with pytest.raises(error, match="KMS"):
        KeyFile(tmp_path / "k", KmsWrapper(key, kms.url)).sealer()
    assert not (tmp_path / "k").exists()


def start(database: Database, keys: KeyFile | GivenKeys) -> None:
    agree(database, keys, SystemClock().now(), make=True)


def test_a_server_with_another_key_is_refused_and_leaves_none_behind(
    database: Database, tmp_path: Path
) -> None:
    mine = KeyFile(tmp_path / "mine")
    start(database, mine)
    start(database, mine)
    for other in (KeyFile(tmp_path / "none"), GivenKeys([b"k" * 32])):
        with pytest.raises(Stalled, match="is lost, `mainstem secret adopt-key`") as refusal:
            start(database, other)
        assert mine.ids()[0] in refusal.value.message
    assert not (tmp_path / "none").exists()
    start(database, mine)


def test_rotation_changes_the_key_that_a_database_knows(database: Database, tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "master.key")
    start(database, keys)
    old = GivenKeys([keys.sealer().key])
    rotate(database, keys)
    start(database, KeyFile(tmp_path / "master.key"))
    with pytest.raises(Stalled, match=keys.ids()[0]):
        start(database, old)
    forget_old(database, keys)
    start(database, keys)


def test_an_operator_puts_a_new_key_before_the_old_one(database: Database) -> None:
    old, new = b"o" * 32, b"n" * 32
    start(database, GivenKeys([old]))
    start(database, GivenKeys([new, old]))
    start(database, GivenKeys([new]))
    with pytest.raises(Stalled):
        start(database, GivenKeys([old]))


def test_a_database_whose_key_is_lost_goes_on_with_another(
    database: Database, tmp_path: Path
) -> None:
    start(database, GivenKeys([b"l" * 32]))
    keys = KeyFile(tmp_path / "master.key")
    assert adopt(database, keys, SystemClock().now()) == keys.ids()[0]
    start(database, keys)


def test_ids_of_keys_are_read_without_kms(kms: FakeKms, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    KeyFile(path, KmsWrapper(KEY, kms.url)).sealer()
    kms.status = 503
    assert len(KeyFile(path, KmsWrapper(KEY, kms.url)).ids()[0]) == 16


def test_sealed_values_name_their_key() -> None:
    sealer = Sealer(b"k" * 32)
    assert sealed_by(sealer.seal(b"x")) == sealer.id
    assert sealed_by(b"anything") is None
