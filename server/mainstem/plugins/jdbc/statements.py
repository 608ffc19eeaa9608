"""Splitting SQL text and binding named parameters (pure)."""

import re
from collections.abc import Mapping
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      '(?:[^']|'')*'                      # text
    | "(?:[^"]|"")*"                      # quoted name
    | (?P<tag>\$[A-Za-z_]*\$).*?(?P=tag)  # dollar-quoted text
    | --[^\n]*                            # comment to the end of the line
    | /\*.*?\*/                           # comment
    | ::                                  # cast
    | (?P<end>;)
    | :(?P<name>[A-Za-z_]\w*)             # parameter
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENTS: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def split_statements(sql: str) -> list[str]:
    """The statements of a text; semicolons in quotes, comments and function bodies do not split."""
    found, start = [], 0
    for token in _TOKEN.finditer(sql):
        if token["end"]:
            found.append(sql[start : token.start()])
            start = token.end()
    found.append(sql[start:])
    return [part.strip() for part in found if _COMMENTS.sub("", part).strip()]


def bind_named(
    sql: str, parameters: Mapping[str, object], placeholder: str
) -> tuple[str, list[object]]:
    """Replace `:name` by the driver's placeholder; values in the order of their use.

    Names without a value are left as they are (an array slice, a label of the dialect).
    """
    values: list[object] = []

    def replace(token: re.Match[str]) -> str:
        name = token["name"]
        if name is None or name not in parameters:
            return token[0]
        values.append(parameters[name])
        return placeholder

    return _TOKEN.sub(replace, sql), values
