"""Signed commits only, where a source says so: SSH and GPG keys made for the test."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstem.model.flow_id import FlowId
from tests.gitsync.conftest import Make, Repository, flow
from tests.gitsync.test_transport import keypair


@pytest.fixture
def ssh_signed(repository: Repository, tmp_path: Path) -> str:
    """Commits of the repository are signed; gives the allowed_signers line."""
    key = keypair(tmp_path, "signer")
    for name, value in (
        ("gpg.format", "ssh"), ("user.signingKey", str(key)), ("commit.gpgSign", "true"),
    ):  # fmt: skip
        repository.git("config", name, value)
    return f"ada@example.org {key.with_suffix('.pub').read_text()}"


def test_a_commit_signed_by_an_allowed_ssh_key_goes_live(
    repository: Repository, make_synced: Make, ssh_signed: str
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced(verify={"allowed_signers": ssh_signed})
    assert app.syncs.sync("team").applied


def test_unsigned_commits_and_those_of_strangers_are_refused(
    repository: Repository, make_synced: Make, ssh_signed: str, tmp_path: Path
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced(verify={"allowed_signers": ssh_signed})
    app.syncs.sync("team")
    repository.git("config", "commit.gpgSign", "false")
    repository.commit({"flows/hello.yaml": flow(message="unsigned")})
    result = app.syncs.sync("team")
    assert "is refused: it is not signed" in str(result.problems[0])
    conditions = app.syncs.conditions()["team"]
    assert conditions["Invalid"].status
    assert conditions["Invalid"].reason == "NotSigned"
    repository.git("config", "commit.gpgSign", "true")
    repository.git("config", "user.signingKey", str(keypair(tmp_path, "stranger")))
    repository.commit({"flows/hello.yaml": flow(message="stranger")})
    result = app.syncs.sync("team")
    assert "not that of an allowed signer" in str(result.problems[0])
    assert "'hi'" in app.flows.head(FlowId("demo", "hello")).source


def test_a_signature_of_another_principal_on_changed_content_is_refused(
    repository: Repository, make_synced: Make, ssh_signed: str
) -> None:
    signed = repository.commit({"flows/hello.yaml": flow()})
    raw = repository.git("cat-file", "commit", signed)
    forged = raw.replace("Ada <", "Eve <") + "\n"
    done = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"], cwd=repository.folder,
        input=forged, capture_output=True, text=True, check=True,
    )  # fmt: skip
    repository.git("update-ref", "refs/heads/main", done.stdout.strip())
    app = make_synced(verify={"allowed_signers": ssh_signed})
    result = app.syncs.sync("team")
    assert not result.applied
    assert "is refused: its signature does not match" in str(result.problems[0])


@pytest.fixture
def gpg_home() -> Iterator[Path]:
    if shutil.which("gpg") is None:
        pytest.skip("no gpg: install gnupg to test GPG signatures for real")
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gpg-") as name:
        home = Path(name)
        home.chmod(0o700)
        yield home
        subprocess.run(["gpgconf", "--homedir", name, "--kill", "all"], check=False)


def gpg(home: Path, *words: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty", *words],
        input=stdin, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def new_key(home: Path, name: str) -> str:
    """A signing key without a passphrase; gives its armored public part."""
    gpg(home, "--passphrase", "", "--quick-generate-key", f"{name} <{name}@example.org>",
        "ed25519", "sign", "never")  # fmt: skip
    return gpg(home, "--armor", "--export", f"{name}@example.org")


def sign_by(repository: Repository, home: Path, name: str) -> None:
    wrapper = home / f"sign-{name}"
    wrapper.write_text(f'#!/bin/sh\nexec gpg --homedir {home} --batch --no-tty "$@"\n')
    wrapper.chmod(0o700)
    for key, value in (
        ("gpg.format", "openpgp"), ("gpg.program", str(wrapper)),
        ("user.signingKey", f"{name}@example.org"), ("commit.gpgSign", "true"),
    ):  # fmt: skip
        repository.git("config", key, value)


def test_gpg_keys_of_the_source_decide(
    repository: Repository, make_synced: Make, gpg_home: Path
) -> None:
    allowed = new_key(gpg_home, "ada")
    new_key(gpg_home, "eve")
    sign_by(repository, gpg_home, "ada")
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced(verify={"gpg_keys": allowed})
    result = app.syncs.sync("team")
    assert result.applied, [str(p) for p in result.problems]
    sign_by(repository, gpg_home, "eve")
    repository.commit({"flows/hello.yaml": flow(message="by eve")})
    result = app.syncs.sync("team")
    assert "signed by a key that is not allowed" in str(result.problems[0])
    assert "'hi'" in app.flows.head(FlowId("demo", "hello")).source


def unsigned_then_signed(repository: Repository) -> tuple[str, str]:
    """Two commits, of which only the newer one is signed."""
    repository.git("config", "commit.gpgSign", "false")
    unsigned = repository.commit({"flows/hello.yaml": flow(message="unsigned")})
    repository.git("config", "commit.gpgSign", "true")
    return unsigned, repository.commit({"flows/other.yaml": flow("other")})


def test_usually_the_commit_that_becomes_live_is_verified_alone(
    repository: Repository, make_synced: Make, ssh_signed: str
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced(verify={"allowed_signers": ssh_signed})
    app.syncs.sync("team")
    unsigned_then_signed(repository)
    assert app.syncs.sync("team").applied


def test_each_commit_since_the_live_one_is_verified_where_the_source_says_all(
    repository: Repository, make_synced: Make, ssh_signed: str
) -> None:
    repository.git("config", "commit.gpgSign", "false")
    repository.commit({"README.md": "long before"})
    repository.git("config", "commit.gpgSign", "true")
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced(verify={"allowed_signers": ssh_signed, "commits": "all"})
    assert app.syncs.sync("team").applied
    repository.commit({"flows/hello.yaml": flow(message="second")})
    repository.commit({"flows/hello.yaml": flow(message="third")})
    assert app.syncs.sync("team").applied
    unsigned, _ = unsigned_then_signed(repository)
    result = app.syncs.sync("team")
    assert not result.applied
    assert f"commit {unsigned[:12]} before it is not acceptable" in str(result.problems[0])
    assert "it is not signed" in str(result.problems[0])
    assert "third" in app.flows.head(FlowId("demo", "hello")).source


def test_a_signed_tag_vouches_for_its_commit(
    repository: Repository, make_synced: Make, ssh_signed: str, tmp_path: Path
) -> None:
    repository.git("config", "commit.gpgSign", "false")
    repository.commit({"flows/hello.yaml": flow()})
    repository.git("tag", "--sign", "--message", "Release", "v1")
    repository.git("tag", "--annotate", "--no-sign", "--message", "Release", "v2")
    repository.git("tag", "v3")
    repository.git("config", "user.signingKey", str(keypair(tmp_path, "stranger")))
    repository.git("tag", "--sign", "--message", "Release", "v4")
    repository.git("update-ref", "refs/tags/v5", repository.git("rev-parse", "v1"))
    verify = {"allowed_signers": ssh_signed}
    outcomes = {}
    for tag in ("v1", "v2", "v3", "v4", "v5"):
        result = make_synced(name=f"team-{tag}", tag=tag, verify=verify).syncs.sync(f"team-{tag}")
        outcomes[tag] = "" if result.applied else str(result.problems[0])
    assert outcomes["v1"] == ""
    assert "it is not signed" in outcomes["v2"]
    assert "it is not signed" in outcomes["v3"]
    assert "tag's signature is not a good one of an allowed key" in outcomes["v4"]
    assert "is another tag" in outcomes["v5"]


def test_a_tag_signed_by_gpg_is_judged_by_the_keys_of_the_source(
    repository: Repository, make_synced: Make, gpg_home: Path
) -> None:
    allowed = new_key(gpg_home, "ada")
    new_key(gpg_home, "eve")
    repository.commit({"flows/hello.yaml": flow()})
    for name, tag in (("ada", "v1"), ("eve", "v2")):
        sign_by(repository, gpg_home, name)
        repository.git("tag", "--sign", "--message", "Release", tag)
    app = make_synced(tag="v1", verify={"gpg_keys": allowed})
    assert app.syncs.sync("team").applied
    other = make_synced(name="other", tag="v2", verify={"gpg_keys": allowed})
    result = other.syncs.sync("other")
    assert "not a good one of an allowed key" in str(result.problems[0])
