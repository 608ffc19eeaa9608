"""Flow sources with even spaces: two columns a level, comments kept, and no value changed."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import yaml

_STEP: Final = 2
_DASHES: Final = re.compile(r"( *)((?:- +)+)(?=\S)")


def tidy(source: str) -> str:
    """The same YAML, laid out evenly; what is not YAML, or would change, comes back as it is."""
    clean = _clean_ends(source)
    try:
        if not _same(source, clean):
            return source
        laid_out = _laid_out(clean)
        return laid_out if _same(clean, laid_out) else clean
    except (yaml.YAMLError, RecursionError):
        return source


def _clean_ends(source: str) -> str:
    """Without spaces on empty lines, and with one line break at the end."""
    lines = [line if line.strip() else "" for line in source.replace("\r\n", "\n").split("\n")]
    return "\n".join(lines).rstrip() + "\n"


def _laid_out(source: str) -> str:
    lines = source.split("\n")
    columns: dict[int, int] = {}
    node = yaml.compose(source, Loader=yaml.CSafeLoader)
    if node is not None:
        columns = dict(_columns(node, 0, lines, set()))
    shifts = _shifts(lines, columns)
    even = [_DASHES.sub(_close, line) if at in columns else line for at, line in enumerate(lines)]
    return "\n".join(_moved(line, by) for line, by in zip(even, shifts, strict=True))


def _close(dashes: re.Match[str]) -> str:
    """One space after each dash."""
    return dashes[1] + "- " * dashes[2].count("-")


def _columns(
    node: yaml.Node, column: int, lines: Sequence[str], seen: set[int]
) -> Iterator[tuple[int, int]]:
    """The column at which each line of a block collection should begin; aliases stand once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        for key, value in node.value:
            if _begins(lines, key):
                yield key.start_mark.line, column
            yield from _columns(value, column + _STEP, lines, seen)
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        for item in node.value:
            line = item.start_mark.line
            if _indent(lines[line]) == node.start_mark.column:
                yield line, column
            yield from _columns(item, column + _STEP, lines, seen)


def _begins(lines: Sequence[str], node: yaml.Node) -> bool:
    return not lines[node.start_mark.line][: node.start_mark.column].strip()


def _shifts(lines: Sequence[str], columns: dict[int, int]) -> list[int]:
    """How far each line moves: as it should, as the line that it continues, or as the next."""
    shifts = [0] * len(lines)
    now = 0
    for at, line in enumerate(lines):
        if at in columns:
            now = columns[at] - _indent(line)
        shifts[at] = now
    for at in range(len(lines) - 2, -1, -1):
        if lines[at].lstrip().startswith("#") and (at + 1 in columns or _comment(lines[at + 1])):
            shifts[at] = shifts[at + 1]
    return shifts


def _comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _moved(line: str, by: int) -> str:
    if not line:
        return line
    return " " * by + line if by >= 0 else line[min(-by, _indent(line)) :]


def _same(one: str, other: str) -> bool:
    """Compared as written: following aliases could take for ever."""
    return _events(one) == _events(other)


def _events(source: str) -> list[tuple[object, ...]]:
    parsed = yaml.parse(source, Loader=yaml.CSafeLoader)
    return [
        (type(event), *(getattr(event, name, None) for name in ("anchor", "tag", "value")))
        for event in parsed
    ]
