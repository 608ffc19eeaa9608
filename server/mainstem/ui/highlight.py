"""Source text as numbered lines with classed spans; small, so that no library is loaded for it."""

import re
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

_EXPRESSION: Final = r"\{\{.*?\}\}|\{%.*?%\}"
_STRING: Final = r"\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'"
_YAML: Final = re.compile(
    rf"(?P<expr>{_EXPRESSION})"
    r"|(?P<comment>(?:(?<=\s)|^)#.*$)"
    r"|(?P<key>(?:(?<=^)|(?<=\s)|(?<=[{,]))[\w.$/-]+(?=\s*:(?:\s|$)))"
    rf"|(?P<string>{_STRING})"
    r"|(?P<number>(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.:-]))"
    r"|(?P<const>(?<![\w-])(?:true|false|null|yes|no)(?![\w-]))"
)
_SQL_WORDS: Final = (
    "select|from|where|group|by|order|having|join|left|right|inner|outer|full|cross|on|as|with|"
    "create|or|replace|table|view|external|temp|temporary|if|not|exists|insert|into|values|update|"
    "set|delete|merge|using|when|matched|then|and|case|else|end|union|all|distinct|limit|is|null|"
    "partition|cluster|options|copy|truncate|drop|alter|add|cast|between|in|like|qualify|over"
)
_PYTHON_WORDS: Final = (
    "def|class|return|import|from|as|if|elif|else|for|while|in|not|and|or|is|None|True|False|with|"
    "try|except|finally|raise|yield|lambda|pass|break|continue|global|assert|async|await"
)
_GENERIC: Final = rf"(?P<expr>{_EXPRESSION})|(?P<string>{_STRING})|(?P<number>\b\d+(?:\.\d+)?\b)"
_SQL: Final = re.compile(
    rf"(?P<comment>--.*$)|{_GENERIC}|(?P<key>\b(?:{_SQL_WORDS})\b)", re.IGNORECASE
)
_PYTHON: Final = re.compile(rf"(?P<comment>#.*$)|{_GENERIC}|(?P<key>\b(?:{_PYTHON_WORDS})\b)")
_PATTERNS: Final = {
    "yaml": _YAML, "yml": _YAML, "sql": _SQL, "py": _PYTHON, "python": _PYTHON,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a source with its number, counted from one."""

    number: int
    html: Markup


def lines(text: str, language: str = "yaml") -> list[Line]:
    """Split a source into highlighted lines; an unknown language is shown plain."""
    pattern = _PATTERNS.get(language)
    return [
        Line(number, _line(line, pattern) if pattern else escape(line))
        for number, line in enumerate(text.splitlines(), start=1)
    ]


def _line(text: str, pattern: re.Pattern[str]) -> Markup:
    out: list[str] = []
    position = 0
    for match in pattern.finditer(text):
        if match.end() == match.start():
            continue
        out.append(str(escape(text[position : match.start()])))
        out.append(_span(match.lastgroup or "", match[0]))
        position = match.end()
    out.append(str(escape(text[position:])))
    return Markup("".join(out))  # noqa: S704  # every piece was escaped above


def _span(group: str, text: str) -> str:
    if group == "string" and "{{" in text:
        pieces = re.split(rf"({_EXPRESSION})", text)
        inner = "".join(
            f'<span class="hl-expr">{escape(p)}</span>' if i % 2 else str(escape(p))
            for i, p in enumerate(pieces)
        )
        return f'<span class="hl-string">{inner}</span>'
    return f'<span class="hl-{group}">{escape(text)}</span>'
