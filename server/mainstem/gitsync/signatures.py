"""Who signed a commit or a tag, by SSH or GPG, against the keys that a source allows."""

import tempfile
from pathlib import Path
from typing import Final

from mainstem.errors import Stalled
from mainstem.gitsync.git import Git, GitFailed
from mainstem.gitsync.repository import Repository
from mainstem.settings_git import CommitVerification

_SSH: Final = b"-----BEGIN SSH SIGNATURE-----"
_HEADERS: Final = (b"gpgsig ", b"gpgsig-sha256 ")


_MOST_COMMITS: Final = 1_000


class Refused(Exception):
    """The commit is not signed by an allowed key; says why."""


def signer(repository: Repository, sha: str, allowed: CommitVerification, git: Git) -> str:
    """Name of the allowed key that signed the commit. Raises Refused or, without gpg, Stalled."""
    raw = repository.run("cat-file", "commit", sha)
    head = raw.partition(b"\n\n")[0]
    if not any(line.startswith(_HEADERS) for line in head.splitlines()):
        raise Refused("it is not signed")
    # Not below the state folder: the sockets of gpg need short paths.
    with tempfile.TemporaryDirectory(prefix="mainstem-sig-") as name:
        folder = Path(name)
        if _SSH in head:
            return _ssh(repository, sha, allowed, folder)
        return _gpg(repository, sha, allowed, folder, git)


def check_range(
    repository: Repository, sha: str, live: str | None, allowed: CommitVerification, git: Git
) -> None:
    """Every commit since the live one, or the head alone where none is live.

    Raises Refused naming the commit.
    """
    new = [sha]
    if allowed.commits == "all" and live is not None and repository.has(live):
        out = repository.run(
            "rev-list", f"--max-count={_MOST_COMMITS + 1}", "--end-of-options", sha, f"^{live}"
        )
        new = out.decode().split() or [sha]
    if len(new) > _MOST_COMMITS:
        raise Refused(
            f"more than {_MOST_COMMITS} commits are new since {live}: pin the source to one on the "
            "way, or verify heads only"
        )
    for commit in reversed(new):
        try:
            signer(repository, commit, allowed, git)
        except Refused as reason:
            if commit == sha:
                raise
            raise Refused(f"commit {commit[:12]} before it is not acceptable: {reason}") from None


def is_tag_signed(
    repository: Repository, ref: str, name: str, allowed: CommitVerification, git: Git
) -> bool:
    """Whether the ref is a tag of this name that an allowed key signed.

    False for a tag without a signature, which says nothing. Raises Refused for a wrong one.
    """
    if repository.run("cat-file", "-t", ref).strip() != b"tag":
        return False
    head, _, words = repository.run("cat-file", "tag", ref).partition(b"\n\n")
    if not any(mark in words for mark in (_SSH, b"-----BEGIN PGP SIGNATURE-----")):
        return False
    said = dict(line.partition(b" ")[::2] for line in head.splitlines())
    if said.get(b"tag") != name.encode() or said.get(b"type") != b"commit":
        raise Refused(f"the signed tag behind `{name}` is another tag")
    with tempfile.TemporaryDirectory(prefix="mainstem-sig-") as folder:
        _check_tag(repository, ref, allowed, Path(folder), git, is_ssh=_SSH in words)
    return True


def _check_tag(
    repository: Repository,
    ref: str,
    allowed: CommitVerification,
    folder: Path,
    git: Git,
    *,
    is_ssh: bool,
) -> None:
    options, extra = [], {"GNUPGHOME": str(folder)}
    if is_ssh:
        signers = folder / "allowed_signers"
        signers.write_text(f"{allowed.allowed_signers.strip()}\n")
        # Less trust than that is what git gives to a good signature of a stranger.
        options = ["-c", f"gpg.ssh.allowedSignersFile={signers}", "-c", "gpg.minTrustLevel=fully"]
        extra = {"HOME": str(folder)}
    elif not allowed.gpg_keys.strip():
        raise Refused("the tag is signed by GPG, and the source allows no GPG keys")
    else:
        _import(allowed.gpg_keys, folder, git)
    try:
        repository.run("verify-tag", ref, options=options, extra=extra)
    except GitFailed:
        raise Refused("the tag's signature is not a good one of an allowed key") from None


def _ssh(repository: Repository, sha: str, allowed: CommitVerification, folder: Path) -> str:
    if not allowed.allowed_signers.strip():
        raise Refused("it is signed by SSH, and the source allows no SSH keys")
    signers = folder / "allowed_signers"
    signers.write_text(f"{allowed.allowed_signers.strip()}\n")
    # A good signature of a stranger is `U`, one of a key that is not valid at that time is not `G`.
    verdict, name = _verdict(
        repository, sha, ["-c", f"gpg.ssh.allowedSignersFile={signers}"], {"HOME": str(folder)}
    )
    if verdict != "G" or not name:
        raise Refused(_WORDS.get(verdict, "its SSH signature is not that of an allowed signer"))
    return name


def _gpg(
    repository: Repository, sha: str, allowed: CommitVerification, folder: Path, git: Git
) -> str:
    if not allowed.gpg_keys.strip():
        raise Refused("it is signed by GPG, and the source allows no GPG keys")
    _import(allowed.gpg_keys, folder, git)
    # Only allowed keys are in this ring, so that a good signature (`U`: no trust set) is enough.
    verdict, name = _verdict(repository, sha, [], {"GNUPGHOME": str(folder)})
    if verdict not in ("G", "U"):
        raise Refused(_WORDS.get(verdict, "its GPG signature is not that of an allowed key"))
    return name


def _import(keys: str, folder: Path, git: Git) -> None:
    import subprocess

    folder.chmod(0o700)
    command = ["gpg", "--homedir", str(folder), "--batch", "--no-tty", "--quiet", "--no-autostart",
               "--import"]  # fmt: skip
    try:
        done = subprocess.run(
            command, input=keys.encode(), capture_output=True, env=git.environment(), timeout=30,
            check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Stalled("gpg is not installed: commits signed by GPG cannot be verified") from error
    if done.returncode:
        raise Stalled("the GPG keys of the source cannot be read: give armored public keys")


_WORDS: Final = {
    "N": "it is not signed",
    "B": "its signature does not match its content",
    "X": "its signature has expired",
    "Y": "the key of its signature has expired",
    "R": "the key of its signature was revoked",
    "E": "it is signed by a key that is not allowed",
}


def _verdict(
    repository: Repository, sha: str, options: list[str], extra: dict[str, str]
) -> tuple[str, str]:
    try:
        out = repository.run(
            "log", "-1", "--no-show-signature", "--format=%G?%x00%GS",
            "--end-of-options", sha, "--",
            options=options, extra=extra,
        )  # fmt: skip
    except GitFailed as error:
        raise Refused("its signature cannot be read") from error
    verdict, _, name = out.decode("utf-8", "replace").strip().partition("\0")
    return verdict, name
