"""Outputs of an execution as a tree, each value with the expression that reads it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mainstem.model.execution import TaskRun
from mainstem.ui import format as words

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_CHILDREN: Final = 200
_SHORT: Final = 100


@dataclass(frozen=True, slots=True)
class FileLink:
    """A value that is a file of internal storage."""

    name: str
    uri: str
    href: str = ""
    download: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One node: a leaf has text or a file, a branch has children."""

    key: str
    expression: str
    text: str = ""
    note: str = ""
    children: tuple["Entry", ...] = ()
    file: FileLink | None = None


def tree(content: Mapping[str, object], root: str) -> list[Entry]:
    """The entries of a map; `root` is the expression that reads the map itself."""
    return [_entry(str(key), value, member(root, str(key))) for key, value in content.items()]


def of_runs(runs: Sequence[TaskRun]) -> list[Entry]:
    """Outputs by task, those of loops below their values, as expressions address them."""
    nested: dict[str, object] = {}
    by_id = {run.id: run for run in runs}
    for run in runs:
        if run.outputs:
            _put(nested, [run.task_id, *_values(run, by_id)], dict(run.outputs))
    return tree(nested, "outputs")


def member(root: str, key: str) -> str:
    """`root.key`, or with brackets where the key is not a plain name."""
    if _NAME.fullmatch(key):
        return f"{root}.{key}"
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"{root}['{quoted}']"


def _values(run: TaskRun, by_id: Mapping[str, TaskRun]) -> list[str]:
    values: list[str] = []
    current: TaskRun | None = run
    while current is not None:
        if current.value is not None:
            values.insert(0, current.value)
        current = by_id.get(current.parent_id) if current.parent_id else None
    return values


def _put(nested: dict[str, object], path: list[str], content: dict[str, object]) -> None:
    place = nested
    for key in path[:-1]:
        below = place.setdefault(key, {})
        place = below if isinstance(below, dict) else {}
    held = place.get(path[-1])
    place[path[-1]] = {**held, **content} if isinstance(held, dict) else content


def _entry(key: str, value: object, expression: str) -> Entry:
    if isinstance(value, Mapping) and value:
        children = tree(dict(list(value.items())[:_MOST_CHILDREN]), expression)
        return Entry(key, expression, note=_more(value), children=tuple(children))
    if isinstance(value, list | tuple) and value and not _is_short(value):
        children = [
            _entry(f"[{i}]", item, f"{expression}[{i}]")
            for i, item in enumerate(value[:_MOST_CHILDREN])
        ]
        return Entry(key, expression, note=_more(value), children=tuple(children))
    text = words.value(value)
    return Entry(key, expression, text, file=_file(value))


def _is_short(value: Sequence[object]) -> bool:
    """A few plain values read better on one line than as a branch."""
    plain = all(not isinstance(item, Mapping | list | tuple) for item in value)
    files = any(_file(item) for item in value)
    return plain and not files and len(words.value(value)) <= _SHORT


def _more(value: Mapping[str, object] | Sequence[object]) -> str:
    note = words.plural(len(value), "entry", "entries")
    return f"{note}, the first {_MOST_CHILDREN} shown" if len(value) > _MOST_CHILDREN else note


def _file(value: object) -> FileLink | None:
    if not isinstance(value, str) or not value.startswith(("mainstem:///", "kestra:///")):
        return None
    return FileLink(value.rpartition("/")[2], value)


def with_links(
    entries: Sequence[Entry], resolve: Callable[[FileLink], FileLink | None]
) -> list[Entry]:
    """The same tree, its files turned into links; those that are gone stay plain text."""
    return [
        replace(
            entry,
            children=tuple(with_links(entry.children, resolve)),
            file=resolve(entry.file) if entry.file else None,
        )
        for entry in entries
    ]
