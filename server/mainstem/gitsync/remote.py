"""Repositories elsewhere: what their head is, fetching one commit, pushing a branch."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from mainstem.errors import Conflict, MainstemError, Stalled, Transient
from mainstem.gitsync import access
from mainstem.gitsync.access import Access, TokenSource
from mainstem.gitsync.address import check_branch, check_commit, check_tag, check_url, shown_url
from mainstem.gitsync.git import Git, GitFailed
from mainstem.gitsync.repository import Commit, Repository
from mainstem.settings_git import GitSource

_SECONDS: Final = 120.0
HEAD: Final = "refs/mainstem/head"
#: Flows are small. What is larger comes when it turns out to be wanted; a server that knows no
#: filters sends everything.
_FILTER: Final = "blob:limit=262144"
#: Never written into the repository's own configuration: git would fetch by itself what it misses.
PARTIAL: Final = (
    "-c", "remote.mainstem.promisor=true", "-c", f"remote.mainstem.partialclonefilter={_FILTER}",
)  # fmt: skip
_MARKS_OF_WAITING: Final = ("error: 429", "rate limit", "too many requests", "secondary rate")
_NEEDS_HUMAN: Final = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "permission denied",
    "access denied",
    "error: 403",
    "not found",
    "does not appear to be a git repository",
    "does not exist",
    "couldn't find remote ref",
    "host key verification failed",
    "no matching host key",
    "remote host identification has changed",
    "certificate problem",
    "certificate verif",
    "certificate subject name",
    "error in libcrypto",
    "invalid format",
    "transport",
    "not allowed",
)
_T = TypeVar("_T")


class Throttled(Transient):
    """The other side asks us to wait."""


class Remote:
    """The repository of a source."""

    def __init__(
        self, source: GitSource, git: Git, tokens: TokenSource, *, allow_file: bool
    ) -> None:
        self._source = source
        self._git = git
        self._tokens = tokens
        self._address = check_url(source.url, allow_file=allow_file)
        self._wanted = _wanted(source)

    def head(self) -> str | None:
        """The commit that would be fetched now, where asking is cheaper than fetching."""
        if self._source.commit:
            return self._source.commit
        out = self._reach(
            lambda access: self._git.run(
                ["ls-remote", "--quiet", "--", self._address.url, self._wanted,
                 f"{self._wanted}^{{}}"],
                options=access.options, extra=access.environment, seconds=_SECONDS,
            )
        )  # fmt: skip
        found: dict[str, str] = {}
        for line in out.decode().splitlines():
            sha, _, ref = line.partition("\t")
            found[ref] = sha
        return found.get(f"{self._wanted}^{{}}") or found.get(self._wanted)

    def fetch(self, to: Repository, since: str | None = None) -> Commit:
        """Bring the newest commit, and those between it and `since` if that is there.

        Raises Transient, Throttled or Stalled.
        """
        to.create()
        is_deep = since is not None and to.has(since)
        self._fetch(to, self._wanted, HEAD, () if is_deep else ("--depth=1",))
        return to.commit(HEAD)

    def fetch_commit(self, to: Repository, sha: str) -> Commit:
        """Bring one commit of the past, alone where the other side gives it alone."""
        to.create()
        if not to.has(check_commit(sha)):
            self._fetch(to, sha, f"refs/mainstem/kept/{sha}", ("--depth=1",))
        return to.commit(sha)

    def fetch_blobs(self, to: Repository, blobs: Sequence[str]) -> None:
        """Bring contents that an earlier fetch left behind."""
        asked = "".join(f"{check_commit(blob)}\n" for blob in blobs).encode()
        self._run_fetch(to, ["--stdin"], ("-c", "fetch.negotiationAlgorithm=noop"), stdin=asked)

    def push(self, from_: Repository, sha: str, branch: str) -> None:
        """Push a commit as a new branch. Raises as `fetch` does, Conflict when it is there."""
        refspec = f"{check_commit(sha)}:refs/heads/{check_branch(branch)}"
        self._reach(
            lambda access: self._git.run(
                ["push", "--quiet", "--no-verify", "--no-recurse-submodules",
                 # Only as a new branch: what others pushed there is never moved.
                 f"--force-with-lease=refs/heads/{branch}:",
                 "--", self._address.url, refspec],
                folder=from_.folder, options=access.options, extra=access.environment,
                seconds=_SECONDS,
            )
        )  # fmt: skip

    def _fetch(self, to: Repository, what: str, ref: str, depth: Sequence[str]) -> None:
        self._run_fetch(to, [*depth, "--force"], what=(f"{what}:{ref}",))

    def _run_fetch(
        self,
        to: Repository,
        how: Sequence[str],
        options: Sequence[str] = (),
        *,
        what: Sequence[str] = (),
        stdin: bytes = b"",
    ) -> None:
        def fetch(access: Access, *filters: str) -> bytes:
            return self._git.run(
                [
                    "fetch", "--quiet", *how, "--no-tags", *filters,
                    "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance",
                    "--", "mainstem", *what,
                ],
                folder=to.folder,
                options=[
                    "-c", "fetch.fsckObjects=true", *PARTIAL,
                    "-c", f"remote.mainstem.url={self._address.url}", *options, *access.options,
                ],
                extra=access.environment,
                stdin=stdin,
                seconds=_SECONDS,
            )  # fmt: skip

        def fetch_anyhow(access: Access) -> bytes:
            try:
                return fetch(access, f"--filter={_FILTER}")
            except GitFailed as failed:
                # One that knows filters, but not this one, refuses; others send everything.
                if "filter" not in failed.words.lower():
                    raise
                return fetch(access, "--no-filter")

        self._reach(fetch_anyhow)

    def _reach(self, call: Callable[[Access], _T]) -> _T:
        with access.opened(self._source, self._address, self._tokens) as granted:
            try:
                return call(granted)
            except GitFailed as failed:
                raise self._failure(granted.clean(failed.words)) from None

    def _failure(self, words: str) -> MainstemError:
        text = " ".join(line.strip() for line in words.splitlines() if line.strip())
        where = f"{shown_url(self._source.url)} ({_kind(self._source)})"
        lower = text.lower()
        if "[rejected]" in lower and "stale info" in lower:
            return Conflict(f"the branch is there already in {where}: give another name")
        if any(mark in lower for mark in _MARKS_OF_WAITING):
            return Throttled(f"cannot fetch {where}, it asks to wait: {text}")
        if any(mark in lower for mark in _NEEDS_HUMAN):
            return Stalled(f"cannot fetch {where}: {text}")
        return Transient(f"cannot fetch {where}, trying again: {text}")


def _wanted(source: GitSource) -> str:
    if source.commit:
        return check_commit(source.commit)
    if source.tag:
        return f"refs/tags/{check_tag(source.tag)}"
    return f"refs/heads/{check_branch(source.branch)}"


def _kind(source: GitSource) -> str:
    return source.ref if source.tag or source.commit else f"branch {source.branch}"
