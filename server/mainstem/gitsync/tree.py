"""Which path of a commit is a flow, a test, a file, values, or nothing (pure).

The rules are those of docs/reference/repository-layout.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from mainstem.flowspec.problems import Problem, Severity
from mainstem.gitsync.ignore import Ignored
from mainstem.gitsync.repository import LINK, SUBMODULE, Entry
from mainstem.model.flow_id import NAMESPACE
from mainstem.settings_git import FileMapping, GitSource

_YAML: Final = (".yaml", ".yml")
_TESTS: Final = (".test.yaml", ".test.yml")
_DBT_WRITES: Final = frozenset({"target", "logs", "dbt_packages"})


@dataclass(frozen=True, slots=True)
class FileSource:
    """A blob that becomes a namespace file."""

    entry: Entry
    namespace: str
    path: str


@dataclass(frozen=True, slots=True)
class ValueSource:
    """A blob with what is said about one namespace: its values, or itself."""

    entry: Entry
    namespace: str


@dataclass(slots=True)
class Sources:
    """What a commit holds for us, and what is wrong with its layout."""

    flows: list[Entry] = field(default_factory=list)
    tests: list[Entry] = field(default_factory=list)
    files: list[FileSource] = field(default_factory=list)
    values: list[ValueSource] = field(default_factory=list)
    namespaces: list[ValueSource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def classify(
    entries: Iterable[Entry], source: GitSource, ignored: Ignored | None = None
) -> Sources:
    """Sort the entries of a commit by the layout of the source."""
    found = Sources()
    left_out = ignored or Ignored({})
    for entry in entries:
        path = below(entry.path, source.directory)
        if path is None or _is_left_out(path) or entry.path in left_out:
            continue
        if "\ufffd" in path or any("\udc80" <= char <= "\udcff" for char in path):
            shown = path.encode("utf-8", "replace").decode()
            found.problems.append(problem(shown, "name", "the file's name is not UTF-8 text"))
            continue
        _sort(entry, path, source, found)
    return found


def problem(path: str, code: str, message: str, severity: Severity = "error") -> Problem:
    """A fault of a file as a whole."""
    return Problem(path, 1, 1, code, message, severity)


def _sort(entry: Entry, path: str, source: GitSource, found: Sources) -> None:
    in_flows = _is_below(path, source.flows) and path.endswith(_YAML)
    if in_flows:
        if _is_plain(entry, found, "a flow must be a file, not a link"):
            (found.tests if path.endswith(_TESTS) else found.flows).append(entry)
        return
    spoken = _spoken_of(path)
    if spoken is not None and path.endswith(_YAML):
        kind, namespace = spoken
        if not NAMESPACE.fullmatch(namespace):
            found.problems.append(problem(entry.path, "layout", _no_namespace(namespace)))
        elif _is_plain(entry, found):
            group = found.values if kind == "kv" else found.namespaces
            group.append(ValueSource(entry, namespace))
        return
    placed = _place(path, source.files)
    if isinstance(placed, str):
        found.problems.append(problem(entry.path, "layout", placed))
    elif placed is not None and _is_plain(entry, found):
        found.files.append(FileSource(entry, *placed))


def _is_plain(
    entry: Entry,
    found: Sources,
    of_link: str = "symbolic links are not synced: commit the file itself",
) -> bool:
    if entry.mode == SUBMODULE:
        text = "submodules are not synced: make their repository a source of its own"
        found.problems.append(problem(entry.path, "submodule", text, "warning"))
        return False
    if entry.mode == LINK:
        found.problems.append(problem(entry.path, "link", of_link))
        return False
    return True


def below(path: str, directory: str) -> str | None:
    """The path as seen from a folder; None when it lies elsewhere."""
    wanted = directory.strip("/")
    if wanted in ("", "."):
        return path
    return path.removeprefix(f"{wanted}/") if path.startswith(f"{wanted}/") else None


def _is_left_out(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return path.endswith(".pyc") or any(
        part.startswith(".") or part == "__pycache__" for part in parts
    )


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(below(path, folder) is not None for folder in folders)


def _spoken_of(path: str) -> tuple[str, str] | None:
    """`kv/<namespace>.yaml` and `namespaces/<namespace>.yaml`."""
    top, _, name = path.partition("/")
    if top not in ("kv", "namespaces") or "/" in name:
        return None
    return top, name.rpartition(".")[0]


def _place(path: str, mappings: Sequence[FileMapping] | None) -> tuple[str, str] | str | None:
    """The namespace and path of a file, a sentence about its fault, or None for no file."""
    if mappings is not None:
        return _mapped(path, mappings)
    top, _, rest = path.partition("/")
    if top not in ("files", "dbt") or not rest:
        return None
    namespace, _, inner = rest.partition("/")
    if not inner:
        return (
            f"a file directly in `{top}/` belongs to no namespace: move it to `{top}/<namespace>/`"
        )
    if not NAMESPACE.fullmatch(namespace):
        return _no_namespace(namespace)
    if top == "files":
        return namespace, inner
    if _DBT_WRITES & set(PurePosixPath(inner).parts):
        return None
    return namespace, f"dbt/{inner}"


def _no_namespace(name: str) -> str:
    return f"`{name}` is not a namespace: lower-case letters, digits, `.`, `_` and `-`"


def _mapped(path: str, mappings: Sequence[FileMapping]) -> tuple[str, str] | None:
    for mapping in mappings:
        inner = below(path, mapping.from_)
        if inner is not None:
            to = mapping.to.strip("/")
            return mapping.namespace, f"{to}/{inner}" if to else inner
    return None
