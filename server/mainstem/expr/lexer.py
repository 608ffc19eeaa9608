"""Template text to tokens: literal text, `{{ }}`, `{% %}`, and what stands between the marks."""

import re
from typing import Final, NamedTuple

from mainstem.expr.errors import Fault

TEXT: Final = "text"
PRINT_START: Final = "{{"
PRINT_END: Final = "}}"
TAG_START: Final = "{%"
TAG_END: Final = "%}"
NAME: Final = "name"
NUMBER: Final = "number"
STRING: Final = "string"
OPERATOR: Final = "operator"
PUNCTUATION: Final = "punctuation"
EMBED_START: Final = "#{"
EMBED_END: Final = "}#"
END: Final = "end"

_OPEN: Final = re.compile(r"\{%-*\s*raw\s*-*%\}.*?\{%-*\s*endraw\s*-*%\}|\{\{|\{%|\{#", re.DOTALL)
_TRIM_BEFORE: Final = re.compile(r"-\s+")
_VERBATIM: Final = re.compile(r"\s*verbatim\s*-?%\}")
_END_VERBATIM: Final = re.compile(r"\{%(-)?\s*endverbatim\s*(-)?%\}")
_CLOSE: Final = {
    PRINT_END: re.compile(r"\s*(-?)\}\}"),
    TAG_END: re.compile(r"\s*(-?)%\}"),
    EMBED_END: re.compile(r"\s*()\}"),
}
_SPACE: Final = re.compile(r"\s*")
_TOKEN: Final = re.compile(
    r"(?P<operator>(?:is\s+not|not\s+in|contains|equals|not|and|is|in|or)(?![a-zA-Z0-9_])"
    r"|\?\?\?|\?\?|==|!=|>=|<=|\.\.|[<>+\-*/%|~])"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<number>[0-9]+(?:L|\.[0-9]+)?)"
    r"|(?P<punctuation>[()\[\]{}?:.,=])"
    r"|'(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'"
    r'|"(?P<double>[^#"\\]*(?:(?:\\.|#(?!\{))[^#"\\]*)*)"'
    r'|(?P<embedding>")',
    re.DOTALL,
)
_STRING_PART: Final = re.compile(r'[^#"\\]*(?:(?:\\.|#(?!\{))[^#"\\]*)*', re.DOTALL)
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """A piece of a template, its text and its offset."""

    kind: str
    value: str
    place: int


def tokenize(source: str) -> list[Token]:
    """Split a template; unclosed marks, brackets and strings are faults."""
    lexer = _Lexer(source)
    lexer.data()
    return lexer.tokens


class _Lexer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens: list[Token] = []
        self.at = 0
        self.trim_next = False

    def data(self) -> None:
        while self.at < len(self.source):
            found = _OPEN.search(self.source, self.at)
            if found is None:
                self.text(self.source[self.at :], self.at)
                self.at = len(self.source)
            elif len(found[0]) > 2:  # raw blocks stay, marks and all, until rendering has ended
                self.text(self.source[self.at : found.end()], self.at)
                self.at = found.end()
            else:
                self.open(found)
        self.tokens.append(Token(END, "", len(self.source)))

    def open(self, found: re.Match[str]) -> None:
        text, start = self.source[self.at : found.start()], self.at
        self.at = found.end()
        trim = _TRIM_BEFORE.match(self.source, self.at)
        if trim:
            self.at = trim.end()
        self.text(text, start, trim_end=trim is not None)
        if found[0] == "{#":
            self.comment(found.start())
        elif found[0] == "{{":
            self.tokens.append(Token(PRINT_START, "", found.start()))
            self.inside(PRINT_END, found.start())
        elif verbatim := _VERBATIM.match(self.source, self.at):
            self.verbatim(verbatim.end())
        else:
            self.tokens.append(Token(TAG_START, "", found.start()))
            self.inside(TAG_END, found.start())

    def text(self, text: str, place: int, *, trim_end: bool = False) -> None:
        if self.trim_next:
            text, self.trim_next = text.lstrip(), False
        if trim_end:
            text = text.rstrip()
        if text:
            self.tokens.append(Token(TEXT, text, place))

    def comment(self, opened: int) -> None:
        end = self.source.find("#}", self.at)
        if end < 0:
            raise Fault("The comment `{#` is never closed by `#}`", opened)
        self.trim_next = self.source[self.at : end].rstrip().endswith("-")
        self.at = end + 2

    def verbatim(self, start: int) -> None:
        end = _END_VERBATIM.search(self.source, start)
        if end is None:
            raise Fault("`{% verbatim %}` is never closed by `{% endverbatim %}`", start)
        text = self.source[start : end.start()].lstrip()
        self.text(text.rstrip() if end[1] else text, start)
        self.trim_next = end[2] is not None
        self.at = end.end()

    def inside(self, close: str, opened: int) -> None:
        """Tokens up to the closing mark, which only counts where no bracket is open."""
        brackets: list[str] = []
        source, end_mark = self.source, _CLOSE[close]
        while True:
            end = None if brackets else end_mark.match(source, self.at)
            if end:
                self.tokens.append(Token(close, "", end.end() - len(close.strip("#"))))
                self.trim_next = bool(end[1])
                self.at = end.end()
                return
            space = _SPACE.match(source, self.at)
            self.at = space.end() if space else self.at
            found = _TOKEN.match(source, self.at)
            if found is None:
                raise self.unexpected(close, opened)
            self.token(found, brackets)

    def unexpected(self, close: str, opened: int) -> Fault:
        if self.at >= len(self.source):
            return Fault(f"`{self.source[opened : opened + 2]}` is never closed", opened)
        char = self.source[self.at]
        if char in "'\"":
            return Fault(f"The text that starts with {char} is never closed", self.at)
        return Fault(f"Unexpected character `{char}`", self.at)

    def token(self, found: re.Match[str], brackets: list[str]) -> None:
        kind, place = found.lastgroup or "", found.start()
        self.at = found.end()
        value = found[kind]
        if kind == "single":
            self.tokens.append(Token(STRING, value.replace("\\'", "'"), place))
        elif kind == "double":
            self.tokens.append(Token(STRING, value.replace('\\"', '"'), place))
        elif kind == "embedding":
            self.embedding(place)
        else:
            if kind == PUNCTUATION:
                _balance(value, place, brackets)
            elif value.startswith("is") and value.endswith("not"):
                value = "is not"
            elif value.startswith("not") and value.endswith("in"):
                value = "not in"
            self.tokens.append(Token(kind, value, place))

    def embedding(self, opened: int) -> None:
        """A "…" text with `#{ }` parts: a list of strings and bracketed expressions."""
        self.tokens.append(Token(EMBED_START, "", opened))
        while True:
            part = _STRING_PART.match(self.source, self.at)
            if part and part[0]:
                self.tokens.append(Token(STRING, part[0], self.at))  # escapes stay here
                self.at = part.end()
            if self.source.startswith('"', self.at):
                self.at += 1
                self.tokens.append(Token(EMBED_END, "", self.at))
                return
            if not self.source.startswith("#{", self.at):
                raise Fault('The text that starts with " is never closed', opened)
            self.tokens.append(Token(PUNCTUATION, "(", self.at))
            self.at += 2
            kept, start = self.trim_next, self.at - 2
            self.inside(EMBED_END, start)
            self.tokens[-1] = Token(PUNCTUATION, ")", self.at)
            self.trim_next = kept


def _balance(char: str, place: int, brackets: list[str]) -> None:
    if char in _PAIRS:
        brackets.append(_PAIRS[char])
    elif char in ")]}" and (not brackets or brackets.pop() != char):
        raise Fault(f"Unexpected `{char}`", place)
