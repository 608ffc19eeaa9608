"""Secrets: sealing, sources in order, and masking in every form in which they leak."""

import base64
import json
import stat
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from mainstem.clock import SystemClock
from mainstem.errors import NotFound, Stalled
from mainstem.secrets.base import SecretChain
from mainstem.secrets.database import DatabaseSecrets
from mainstem.secrets.environment import EnvironmentSecrets
from mainstem.secrets.keys import load_or_create_key
from mainstem.secrets.mask import Masker
from mainstem.secrets.seal import Sealer
from mainstem.store.database import open_database

SECRET = 'p@ss/wörd "1"\\ +x'


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_hidden_in_the_form(shown: str) -> None:
    assert Masker([SECRET]).mask(f"<{shown}>") == f"<{'*' * len(shown)}>"


def test_each_line_of_a_long_secret_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"
    assert Masker([key]).mask("got MIIEvQIBADANBg!") == "got **************!"


def test_the_longest_of_overlapping_secrets_is_hidden_whole() -> None:
    assert Masker(["abc", "abcdef"]).mask("abcdef abc") == "****** ***"


def test_very_short_values_stay_visible_and_no_secret_changes_nothing() -> None:
    assert Masker(["ab", ""]).mask("ab cab") == "ab cab"
    assert Masker().mask("text") == "text"


def test_secrets_added_by_many_threads_are_all_hidden() -> None:
    masker = Masker()
    values = [f"secret-{n:03}" for n in range(100)]
    threads = [threading.Thread(target=masker.add, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not set(masker.mask(" ".join(values))) - {"*", " "}


def test_what_is_sealed_opens_only_with_its_key_and_context() -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal(b"value", "ns\x1fkey")
    assert sealer.open(sealed, "ns\x1fkey") == b"value"
    assert sealed != sealer.seal(b"value", "ns\x1fkey")
    assert b"value" not in sealed
    for other, context in ((Sealer(b"x" * 32), "ns\x1fkey"), (sealer, "ns\x1fother")):
        with pytest.raises(Stalled, match="restore the key file"):
            other.open(sealed, context)
    for broken in (b"", b"short", sealed[:-1]):
        with pytest.raises(Stalled):
            sealer.open(broken, "ns\x1fkey")


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.key"
    keys: list[bytes] = []
    makers = [
        threading.Thread(target=lambda: keys.append(load_or_create_key(path))) for _ in range(8)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert set(keys) == {path.read_bytes()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["master.key"]


def test_a_key_file_of_another_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"short")
    with pytest.raises(Stalled, match="exactly 32 bytes; it holds 5"):
        load_or_create_key(tmp_path / "k")


def test_environment_secrets_are_base64_or_plain_in_any_case() -> None:
    encoded = base64.b64encode(b"value").decode()
    source = EnvironmentSecrets(
        {"SECRET_A": encoded, "SECRET_b": "not base64!", "SECRET_C": "/w==", "OTHER": "x"}
    )
    assert source.find("any", "a") == "value"
    assert source.find("any", "B") == "not base64!"
    assert source.find("any", "C") == "/w=="
    assert source.find("any", "OTHER") is None
    assert source.names("any") == ["A", "B", "C"]


def test_the_nearest_namespace_wins_and_a_missing_secret_is_named(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    own = DatabaseSecrets(database, lambda: Sealer(b"k" * 32), SystemClock())
    chain = SecretChain([own, EnvironmentSecrets({"SECRET_KEY": "environment"})])
    assert chain.get("a.b", "KEY") == "environment"
    own.put("a", "KEY", "of a")
    own.put("a.b", "ONLY", "of b")
    assert chain.get("a", "KEY") == "of a"
    assert chain.get("a.b", "ONLY") == "of b"
    assert chain.names("a.b") == {"ONLY": "database", "KEY": "environment"}
    assert own.remove("a.b", "ONLY")
    with pytest.raises(NotFound, match=r"'ONLY' in namespace 'a\.b' \(looked in: database, env"):
        chain.get("a.b", "ONLY")
    database.close()
