"""The outline of a flow under way: its sections, and what has an id in them."""

from dataclasses import dataclass
from typing import Final

from mainstem.ui.yaml_place import Entry, entries

_SECTIONS: Final = frozenset({"inputs", "tasks", "triggers", "errors", "finally", "afterExecution"})


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the outline: a section of the flow, or what has an id in it."""

    name: str
    line: int
    depth: int


def outline(source: str) -> list[Heading]:
    """Sections, and below them every `id`, as deep as it stands."""
    found: list[Heading] = []
    columns: list[int] = []
    every = entries(source.split("\n"))
    for before, entry in zip((None, *every), every, strict=False):
        is_section = entry.column == 0 and entry.key is not None
        if is_section:
            columns = [0]
        if is_section and entry.key in _SECTIONS:
            found.append(Heading(entry.key or "", entry.line + 1, 0))
        elif _names_item(before, entry) and found and entry.value:
            columns = [c for c in columns if c < entry.column] + [entry.column]
            name = entry.value.partition(" #")[0].strip("\"'")
            found.append(Heading(name, entry.line + 1, max(1, len(columns) - 1)))
    return found


def _names_item(before: Entry | None, entry: Entry) -> bool:
    return entry.key == "id" and before is not None and before.is_dash
