"""Fetching commits and reading their trees, with fixed argument vectors and no hooks.

Repositories are kept as bare clones of depth one; nothing is ever checked out into files, so
links, hooks, filters and submodules of a repository have nothing to act on.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mainstem.errors import InvalidInput, Stalled, Transient

if TYPE_CHECKING:
    from git import Repo

_BRANCH: Final = re.compile(r"(?![-/.])(?!.*(\.\.|//|@\{|\.lock$|[/.]$))[A-Za-z0-9._/+-]{1,250}")
_SCP: Final = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^:]+")
_TIMEOUT: Final = 120.0
_LARGEST: Final = 50_000_000
_NEEDS_HUMAN: Final = (
    "authentication failed",
    "could not read username",
    "permission denied",
    "access denied",
    "repository not found",
    "does not appear to be a git repository",
    "couldn't find remote ref",
    "host key verification failed",
    "transport",
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to authenticate over https."""

    username: str
    token: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as fetched."""

    sha: str
    author: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A blob of a commit's tree; `mode` as git writes it (100644, 100755, 120000)."""

    path: str
    blob: str
    mode: str


def check_url(url: str, *, allow_file: bool) -> str:
    """The URL if git may be given it; raises InvalidInput saying which kinds are accepted."""
    parts = urlsplit(url)
    if parts.scheme in ("https", "ssh", "http") and parts.hostname and not parts.password:
        return url
    if _SCP.fullmatch(url):
        return url
    is_local = parts.scheme == "file" or (not parts.scheme and url.startswith("/"))
    if allow_file and is_local:
        return url if parts.scheme else f"file://{url}"
    raise InvalidInput(
        f"`{shown_url(url)}` is not an address to sync from: use https://, ssh:// or user@host:path"
        " without a password in it"
        + ("" if allow_file else "; local paths need git.allow_file_urls: true")
    )


def check_branch(branch: str) -> str:
    """Raises InvalidInput for a name that git would not accept as a branch."""
    if not _BRANCH.fullmatch(branch):
        raise InvalidInput(f"`{branch}` is not a branch name")
    return branch


class Mirror:
    """A bare clone of one branch of one repository."""

    def __init__(
        self,
        folder: Path,
        url: str,
        branch: str,
        *,
        allow_file: bool = False,
        credentials: Credentials | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._url = check_url(url, allow_file=allow_file)
        self._branch = check_branch(branch)
        self._credentials = credentials
        protocols = "https:http:ssh:file" if allow_file else "https:http:ssh"
        self._env = {
            **(environment or {}),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": protocols,
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        }

    def fetch(self) -> Commit:
        """Bring the head of the branch.

        Raises Transient when trying again may help, Stalled when a human must act.
        """
        from git import GitCommandError

        repo = self._repo()
        target = "refs/mainstem/head"
        try:
            repo.git.execute(
                [
                    "git",
                    "-c", "core.hooksPath=/dev/null",
                    "-c", "fetch.fsckObjects=true",
                    "fetch", "--quiet", "--depth=1", "--no-tags", "--force",
                    "--no-recurse-submodules", "--no-write-fetch-head",
                    "--", self._url, f"refs/heads/{self._branch}:{target}",
                ],
                env={**self._env, **self._auth()},
                kill_after_timeout=_TIMEOUT,
            )  # fmt: skip
        except GitCommandError as error:
            raise self._failure(str(error.stderr)) from None
        commit = repo.commit(target)
        return Commit(
            commit.hexsha,
            f"{commit.author.name} <{commit.author.email}>",
            str(commit.message).strip(),
            commit.committed_datetime.astimezone(UTC),
        )

    def entries(self, commit: Commit) -> Iterator[Entry]:
        """Every blob and link of the commit's tree, by path; submodules are left out."""
        listing = self._repo().git.execute(
            ["git", "ls-tree", "-r", "-z", "--full-tree", commit.sha], stdout_as_string=True
        )
        for line in str(listing).split("\0"):
            head, _, path = line.partition("\t")
            mode, kind, blob = [*head.split(" "), "", ""][:3]
            if kind == "blob":
                yield Entry(path, blob, mode)

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """The contents of blobs, through one process; raises InvalidInput for a huge one."""
        repo = self._repo()
        for entry in entries:
            _, _, size, stream = repo.git.stream_object_data(entry.blob)
            if size > _LARGEST:
                raise InvalidInput(
                    f"{entry.path}: {size} bytes; files of more than {_LARGEST} bytes do not "
                    "belong in a flow repository"
                )
            yield entry, stream.read()

    def _repo(self) -> "Repo":
        from git import Repo

        if (self._folder / "HEAD").exists():
            return Repo(self._folder)
        return Repo.init(self._folder, bare=True, mkdir=True)

    def _auth(self) -> dict[str, str]:
        """The Authorization header for exactly this host, kept off the command line."""
        if self._credentials is None:
            return {}
        parts = urlsplit(self._url)
        if parts.scheme != "https":
            raise InvalidInput("a token is sent over https only: use an https:// address")
        plain = f"{self._credentials.username}:{self._credentials.token}"
        header = f"Authorization: Basic {base64.b64encode(plain.encode()).decode()}"
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.https://{parts.netloc}/.extraHeader",
            "GIT_CONFIG_VALUE_0": header,
        }

    def _failure(self, stderr: str) -> Stalled | Transient:
        text = stderr.strip().removeprefix("stderr: ").strip("' \n")
        if self._credentials is not None:
            text = text.replace(self._credentials.token, "***")
        where = f"{shown_url(self._url)} (branch {self._branch})"
        if any(mark in text.lower() for mark in _NEEDS_HUMAN):
            return Stalled(f"cannot fetch {where}: {text}")
        return Transient(f"cannot fetch {where}, trying again: {text}")


def shown_url(url: str) -> str:
    """The address without a user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else url
