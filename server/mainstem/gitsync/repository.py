"""Reading commits of a bare repository; nothing is ever checked out into files.

A commit's tree is the staging area: it is immutable, addressed by its content, and kept by a ref
of its own. Links, hooks, filters, attributes and submodules have nothing to act on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mainstem.errors import InvalidInput, Stalled
from mainstem.gitsync.git import Git, GitFailed

LINK: Final = "120000"
SUBMODULE: Final = "160000"
_LARGEST: Final = 50_000_000
_AT_ONCE: Final = 32_000_000
_PATHS_AT_ONCE: Final = 200
_KEPT: Final = "refs/mainstem/kept"


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


class Repository:
    """A bare repository on this machine.

    `extra` adds to git's environment, as for objects that a push brought but nobody accepted yet.
    `fill` brings contents that the fetch of a commit left behind.
    """

    def __init__(
        self,
        folder: Path,
        git: Git,
        extra: Mapping[str, str] | None = None,
        fill: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self.folder = folder
        self._git = git
        self._extra = dict(extra or {})
        self._fill = fill

    @property
    def is_partial(self) -> bool:
        """Whether contents may be missing that nothing here has asked for."""
        return any((self.folder / "objects" / "pack").glob("*.promisor"))

    def create(self, branch: str = "main") -> None:
        """Make it, unless it is there."""
        if (self.folder / "HEAD").exists():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._git.run(
            ["init", "--quiet", "--bare", f"--initial-branch={branch}", "--template=",
             "--", str(self.folder)]
        )  # fmt: skip

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        options: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> bytes:
        """Raises GitFailed."""
        return self._git.run(
            arguments,
            folder=self.folder,
            options=options,
            extra={**self._extra, **(extra or {})},
            stdin=stdin,
        )

    def commit(self, name: str) -> Commit:
        """The commit that a ref or id names; raises Stalled when there is none."""
        try:
            out = self.run(
                "log", "-1", "--no-show-signature", "--no-mailmap",
                "--format=%H%x00%an <%ae>%x00%ct%x00%B", "--end-of-options",
                f"{name}^{{commit}}", "--",
            )  # fmt: skip
        except GitFailed as error:
            raise Stalled(f"the repository has no commit `{name}`") from error
        sha, author, at, message = out.decode("utf-8", "replace").split("\0", 3)
        return Commit(sha, author, message.strip(), datetime.fromtimestamp(int(at), UTC))

    def resolve(self, ref: str) -> str | None:
        """The id that a ref points to."""
        try:
            out = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", ref)
        except GitFailed:
            return None
        return out.decode().strip()

    def has(self, sha: str) -> bool:
        """Whether the commit is there, with its tree."""
        try:
            self.run("cat-file", "-e", f"{sha}^{{tree}}")
        except GitFailed:
            return False
        return True

    def keep(self, sha: str, forget: Iterable[str] = ()) -> None:
        """Keep a commit and its tree; let go of others."""
        lines = [f"update {_KEPT}/{sha} {sha}"]
        lines += [f"delete {_KEPT}/{other}" for other in forget if other != sha]
        self.run("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in lines).encode())

    def kept(self) -> list[str]:
        """Commits that are kept."""
        out = self.run("for-each-ref", "--format=%(objectname)", _KEPT)
        return out.decode().split()

    def entries(self, sha: str) -> Iterator[Entry]:
        """Every blob, link and submodule of the commit's tree, by path."""
        out = self.run("ls-tree", "-r", "-z", "--full-tree", sha)
        for line in out.decode("utf-8", "surrogateescape").split("\0"):
            head, _, path = line.partition("\t")
            if path:
                mode, _, blob = head.split(" ")
                yield Entry(path, blob, mode)

    def find(self, sha: str, paths: Sequence[str]) -> list[Entry]:
        """Entries of a commit at exactly these paths, where there are any."""
        found = []
        for start in range(0, len(paths), _PATHS_AT_ONCE):
            part = [f":(literal){path}" for path in paths[start : start + _PATHS_AT_ONCE]]
            out = self.run("ls-tree", "-z", "--full-tree", sha, "--", *part)
            for line in out.decode("utf-8", "surrogateescape").split("\0"):
                head, _, path = line.partition("\t")
                if path:
                    mode, kind, blob = head.split(" ")
                    if kind != "tree":
                        found.append(Entry(path, blob, mode))
        return found

    def changed(self, old: str, new: str) -> tuple[list[Entry], list[str]]:
        """Entries that are new or other than before, and paths that are gone."""
        out = self.run("diff-tree", "-r", "-z", "--raw", "--no-renames", old, new, "--")
        words = out.decode("utf-8", "surrogateescape").split("\0")
        there: list[Entry] = []
        gone: list[str] = []
        for head, path in zip(words[0::2], words[1::2], strict=False):
            _, mode, _, blob, letter = head.split(" ")
            if letter == "D":
                gone.append(path)
            else:
                there.append(Entry(path, blob, mode))
        return there, gone

    def read(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """The contents of blobs; raises InvalidInput for a huge one."""
        sizes = self._sizes(entries)
        part: list[Entry] = []
        held = 0
        for entry, size in zip(entries, sizes, strict=True):
            if part and held + size > _AT_ONCE:
                yield from self._read(part)
                part, held = [], 0
            part.append(entry)
            held += size
        yield from self._read(part)

    def text(self, sha: str, path: str) -> bytes | None:
        """The content of one file of a commit."""
        found = [entry for entry in self.find(sha, [path]) if entry.mode not in (LINK, SUBMODULE)]
        return next(self.read(found))[1] if found else None

    def _sizes(self, entries: Sequence[Entry]) -> list[int]:
        if not entries:
            return []
        words = self._said_of(entries)
        missing = [e.blob for e, word in zip(entries, words, strict=True) if not word.isdigit()]
        if missing and self._fill is not None:
            self._fill(list(dict.fromkeys(missing)))
            words = self._said_of(entries)
        sizes = []
        for entry, word in zip(entries, words, strict=True):
            if not word.isdigit():
                raise Stalled(f"the repository lacks the content of `{entry.path}`: fetch it again")
            if int(word) > _LARGEST:
                raise InvalidInput(
                    f"{entry.path}: {word} bytes; files of more than {_LARGEST} bytes do not "
                    "belong in a flow repository"
                )
            sizes.append(int(word))
        return sizes

    def _said_of(self, entries: Sequence[Entry]) -> list[str]:
        """The size of each blob; something else for one that is missing."""
        names = "\n".join(entry.blob for entry in entries).encode()
        out = self.run("cat-file", "--batch-check=%(objectsize)", "--buffer", stdin=names)
        return out.decode().splitlines()

    def _read(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        if not entries:
            return
        names = "\n".join(entry.blob for entry in entries).encode()
        out = self.run("cat-file", "--batch=%(objectsize)", "--buffer", stdin=names)
        position = 0
        for entry in entries:
            start = out.index(b"\n", position) + 1
            size = int(out[position : start - 1])
            yield entry, out[start : start + size]
            position = start + size + 1
