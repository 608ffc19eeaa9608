"""Which path of a commit is a flow, a namespace file, or nothing (pure).

The rules are those of docs/reference/repository-layout.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from mainstem.flowspec.problems import Problem
from mainstem.gitsync.checkout import Entry
from mainstem.model.flow_id import NAMESPACE
from mainstem.settings import FileMapping, GitSource

_FLOW_SUFFIXES: Final = (".yaml", ".yml")
_DBT_WRITES: Final = frozenset({"target", "logs", "dbt_packages"})
_LINK: Final = "120000"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A blob that becomes a namespace file."""

    entry: Entry
    namespace: str
    path: str


@dataclass(slots=True)
class Sources:
    """What a commit holds for us, and what is wrong with its layout."""

    flows: list[Entry] = field(default_factory=list)
    files: list[FileSource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def classify(entries: Iterable[Entry], source: GitSource) -> Sources:
    """Sort the entries of a commit by the layout of the source."""
    found = Sources()
    taken: dict[tuple[str, str], str] = {}
    for entry in entries:
        path = _below(entry.path, source.directory)
        if path is None or _is_left_out(path):
            continue
        if _is_flow(path, source.flows):
            _take_flow(entry, found)
            continue
        placed = _place(path, source.files)
        if placed is None:
            continue
        if isinstance(placed, str):
            found.problems.append(problem(entry.path, "layout", placed))
            continue
        _take_file(entry, placed, taken, found)
    return found


def problem(path: str, code: str, message: str) -> Problem:
    """A fault of a file as a whole."""
    return Problem(path, 1, 1, code, message)


def _take_flow(entry: Entry, found: Sources) -> None:
    if entry.mode == _LINK:
        found.problems.append(problem(entry.path, "link", "a flow must be a file, not a link"))
    else:
        found.flows.append(entry)


def _take_file(
    entry: Entry,
    placed: tuple[str, str],
    taken: dict[tuple[str, str], str],
    found: Sources,
) -> None:
    if entry.mode == _LINK:
        text = "symbolic links are not synced: commit the file itself"
        found.problems.append(problem(entry.path, "link", text))
        return
    other = taken.setdefault(placed, entry.path)
    if other != entry.path:
        text = f"`{other}` already gives `{placed[1]}` of namespace `{placed[0]}`"
        found.problems.append(problem(entry.path, "duplicate-file", text))
        return
    found.files.append(FileSource(entry, *placed))


def _below(path: str, directory: str) -> str | None:
    wanted = directory.strip("/")
    if not wanted:
        return path
    return path.removeprefix(f"{wanted}/") if path.startswith(f"{wanted}/") else None


def _is_left_out(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return path.endswith(".pyc") or any(
        part.startswith(".") or part == "__pycache__" for part in parts
    )


def _is_flow(path: str, folders: Sequence[str]) -> bool:
    if not path.endswith(_FLOW_SUFFIXES) or path.endswith((".test.yaml", ".test.yml")):
        return False
    return any(
        folder.strip("/") in ("", ".") or path.startswith(f"{folder.strip('/')}/")
        for folder in folders
    )


def _place(path: str, mappings: Sequence[FileMapping] | None) -> tuple[str, str] | str | None:
    """The namespace and path of a file, a sentence about its fault, or None for no file."""
    if mappings is not None:
        return _mapped(path, mappings)
    top, _, rest = path.partition("/")
    if top not in ("files", "dbt") or not rest:
        return None
    namespace, _, below = rest.partition("/")
    if not below:
        return (
            f"a file directly in `{top}/` belongs to no namespace: move it to `{top}/<namespace>/`"
        )
    if not NAMESPACE.fullmatch(namespace):
        return f"`{namespace}` is not a namespace: lower-case letters, digits, `.`, `_` and `-`"
    if top == "files":
        return namespace, below
    if _DBT_WRITES & set(PurePosixPath(below).parts):
        return None
    return namespace, f"dbt/{below}"


def _mapped(path: str, mappings: Sequence[FileMapping]) -> tuple[str, str] | None:
    for mapping in mappings:
        folder = mapping.from_.strip("/")
        below = path if folder in ("", ".") else None
        if path.startswith(f"{folder}/"):
            below = path.removeprefix(f"{folder}/")
        if below is not None:
            to = mapping.to.strip("/")
            return mapping.namespace, f"{to}/{below}" if to else below
    return None
