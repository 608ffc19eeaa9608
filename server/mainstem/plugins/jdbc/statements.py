"""Splitting SQL text and binding named parameters (pure)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'    # text with escapes
    | '(?:[^']|'')*'                      # text
    | "(?:[^"]|"")*"                      # quoted name
    | (?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)  # dollar-quoted text
    | --[^\n]*                            # comment to the end of the line
    | (?P<comment>/\*)                    # comment, which may hold others
    | ::                                  # cast
    | (?P<end>;)
    | (?<!\w):(?P<name>[A-Za-z_]\w*)      # parameter
    """,
    re.VERBOSE | re.DOTALL,
)
_EDGE: Final = re.compile(r"/\*|\*/")


def _tokens(sql: str) -> Iterator[tuple[re.Match[str], int]]:
    """What is more than plain text, each with its end."""
    position = 0
    while (token := _TOKEN.search(sql, position)) is not None:
        position = _comment_end(sql, token.start()) if token["comment"] else token.end()
        yield token, position


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for edge in _EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def split_statements(sql: str) -> list[str]:
    """The statements of a text; semicolons in quotes, comments and function bodies do not split."""
    found, start = [], 0
    for token, end in _tokens(sql):
        if token["end"]:
            found.append(sql[start : token.start()])
            start = end
    found.append(sql[start:])
    return [part.strip() for part in found if _has_words(part)]


def _has_words(part: str) -> bool:
    """Whether anything but comments is there."""
    kept, position = [], 0
    for token, end in _tokens(part):
        kept.append(part[position : token.start()])
        if not token["comment"] and not token[0].startswith("--"):
            kept.append(token[0])
        position = end
    return bool("".join([*kept, part[position:]]).strip())


def bind_named(
    sql: str, parameters: Mapping[str, object], placeholder: str
) -> tuple[str, list[object]]:
    """Replace `:name` by the driver's placeholder; values in the order of their use.

    Names without a value are left as they are (an array slice, a label of the dialect). Where
    the placeholder begins with `%`, other percent signs of a bound statement are doubled.
    """
    values: list[object] = []
    parts, position = [], 0
    for token, end in _tokens(sql):
        name = token["name"]
        if name is not None and name in parameters:
            values.append(parameters[name])
            parts.append(sql[position : token.start()])
            position = end
    if not values:
        return sql, []
    parts.append(sql[position:])
    if placeholder.startswith("%"):
        parts = [part.replace("%", "%%") for part in parts]
    return placeholder.join(parts), values
