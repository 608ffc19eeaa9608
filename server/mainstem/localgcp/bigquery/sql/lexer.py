"""GoogleSQL text to tokens, each with its offset."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mainstem.localgcp.bigquery.sql.problems import SqlProblem


class Kind(Enum):
    WORD = "identifier"
    QUOTED = "quoted identifier"
    INT = "integer literal"
    FLOAT = "floating point literal"
    STRING = "string literal"
    BYTES = "bytes literal"
    PARAMETER = "query parameter"
    SYSTEM = "system variable"
    SYMBOL = "symbol"
    END = "end of input"


@dataclass(frozen=True, slots=True)
class Token:
    """`value` is the decoded text: the name, the string's content, or the symbol itself.

    `key` is what the grammar compares: a bare word in upper case or a symbol, else empty.
    """

    kind: Kind
    value: str
    start: int
    end: int
    key: str = ""


_RESERVED_WORDS: Final = """
ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS
CUBE CURRENT DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE
FETCH FOLLOWING FOR FROM FULL GROUP GROUPING GROUPS HASH HAVING IF IGNORE IN INNER INTERSECT
INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL NEW NO NOT NULL NULLS OF ON OR
ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT
SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE UNBOUNDED UNION UNNEST USING WHEN WHERE WINDOW WITH
WITHIN
"""
RESERVED: Final = frozenset(_RESERVED_WORDS.split())

_SPACE = re.compile(r"(?:\s+|--[^\n]*|#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F]+|(?:\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)|\d+"
)
_STRING = re.compile(r"([rRbB]{0,2})('''|\"\"\"|'|\")")
_SYMBOLS: Final = (
    "<=>", "||", "<<", ">>", "<=", ">=", "!=", "<>", "=>", "->", "|>", "@{",
)  # fmt: skip
_SINGLE: Final = frozenset("()[]{}<>=+-*/%,.;:&|^~?!")
_ESCAPES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip


def tokenize(text: str, at: int = 0) -> list[Token]:
    """Every token from an offset on and one END; comments and white space are left out."""
    tokens: list[Token] = []
    while True:
        space = _SPACE.match(text, at)
        if space:
            at = space.end()
        if at >= len(text):
            tokens.append(Token(Kind.END, "", len(text), len(text)))
            return tokens
        if text.startswith("/*", at):
            raise SqlProblem("Syntax error: Unclosed comment", at)
        token = _next(text, at, tokens[-1] if tokens else None)
        tokens.append(token)
        at = token.end


def _next(text: str, at: int, previous: Token | None) -> Token:
    head = text[at]
    if head in "rRbB'\"" and (match := _STRING.match(text, at)):
        return _string(text, at, match)
    if word := _WORD.match(text, at):
        return Token(Kind.WORD, word.group(), at, word.end(), word.group().upper())
    if head == "`":
        return _quoted(text, at)
    if head == "@":
        return _parameter(text, at)
    opens_number = head.isdigit() or (head == "." and not _follows_name(previous, at))
    if opens_number and (number := _NUMBER.match(text, at)):
        after_dot = previous is not None and previous.value == "." and previous.end == at
        return _number(text, at, number, after_dot)
    return _symbol(text, at)


def _symbol(text: str, at: int) -> Token:
    for symbol in _SYMBOLS:
        if text.startswith(symbol, at):
            return Token(Kind.SYMBOL, symbol, at, at + len(symbol), symbol)
    head = text[at]
    if head in _SINGLE:
        return Token(Kind.SYMBOL, head, at, at + 1, head)
    raise SqlProblem(f'Syntax error: Illegal input character "{head}"', at)


def _follows_name(previous: Token | None, at: int) -> bool:
    """Whether a dot continues a path (`a.1b`) instead of opening a number (`.5`)."""
    if previous is None or previous.end != at:
        return False
    return previous.kind in (Kind.WORD, Kind.QUOTED) or previous.value in (")", "]")


def _continues_dashed_name(text: str, at: int, end: int) -> bool:
    """Whether a number is part of an unquoted project name: `my-project-42.dataset`."""
    if at < 2 or text[at - 1] != "-" or not (text[at - 2].isalnum() or text[at - 2] == "_"):
        return False
    return end < len(text) and (text[end].isalpha() or text[end] in "_`")


def _number(text: str, at: int, number: re.Match[str], after_dot: bool) -> Token:
    if after_dot:
        # In a path a part may begin with a digit: `dataset.2024_table`.
        part = re.compile(r"[A-Za-z0-9_]+").match(text, at)
        assert part is not None
        return Token(Kind.WORD, part.group(), at, part.end(), part.group().upper())
    raw = number.group()
    if _continues_dashed_name(text, at, number.end()):
        part = re.compile(r"[A-Za-z0-9_]+").match(text, at)
        assert part is not None
        return Token(Kind.WORD, part.group(), at, part.end(), part.group().upper())
    if _WORD.match(text, number.end()):
        raise SqlProblem("Syntax error: Missing whitespace between literal and alias", number.end())
    is_float = raw[:2] not in ("0x", "0X") and any(mark in raw for mark in ".eE")
    return Token(Kind.FLOAT if is_float else Kind.INT, raw, at, number.end())


def _quoted(text: str, at: int) -> Token:
    end = at + 1
    while end < len(text) and text[end] != "`":
        end += 2 if text[end] == "\\" else 1
    if end >= len(text) or "\n" in text[at:end]:
        raise SqlProblem("Syntax error: Unclosed identifier literal", at)
    value = _unescape(text[at + 1 : end], at)
    if not value:
        raise SqlProblem("Syntax error: Invalid empty identifier", at)
    return Token(Kind.QUOTED, value, at, end + 1)


def _parameter(text: str, at: int) -> Token:
    if text.startswith("@@", at):
        match = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*").match(text, at + 2)
        if match:
            return Token(Kind.SYSTEM, match.group(), at, match.end())
    if text.startswith("@`", at):
        quoted = _quoted(text, at + 1)
        return Token(Kind.PARAMETER, quoted.value, at, quoted.end)
    word = _WORD.match(text, at + 1)
    if word is None:
        raise SqlProblem('Syntax error: Unexpected "@"', at)
    return Token(Kind.PARAMETER, word.group(), at, word.end())


def _string(text: str, at: int, opening: re.Match[str]) -> Token:
    prefix, fence = opening.group(1).lower(), opening.group(2)
    if len(set(prefix)) != len(prefix):
        raise SqlProblem(f'Syntax error: Invalid string prefix "{prefix}"', at)
    end = opening.end()
    while not text.startswith(fence, end):
        if end >= len(text) or (text[end] == "\n" and len(fence) == 1):
            raise SqlProblem("Syntax error: Unclosed string literal", at)
        end += 2 if text[end] == "\\" else 1
    raw = text[opening.end() : end]
    is_bytes = "b" in prefix
    value = raw if "r" in prefix else _unescape(raw, at, is_bytes=is_bytes)
    if is_bytes:
        value = _as_bytes(value, escaped="r" not in prefix)
    return Token(Kind.BYTES if is_bytes else Kind.STRING, value, at, end + len(fence))


def _as_bytes(value: str, *, escaped: bool) -> str:
    """Bytes as a string of code points below 256: text is UTF-8, escapes are single bytes."""
    if not escaped:
        return value.encode().decode("latin-1")
    out = bytearray()
    for char in value:
        # `_unescape` moved the bytes of escapes into a private plane.
        if 0xF0000 <= ord(char) <= 0xF00FF:
            out.append(ord(char) - 0xF0000)
        else:
            out += char.encode()
    return out.decode("latin-1")


_ESCAPE = re.compile(
    r"\\(?:([0-3][0-7]{2})|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)


def _unescape(raw: str, at: int, *, is_bytes: bool = False) -> str:
    if "\\" not in raw:
        return raw

    def one(match: re.Match[str]) -> str:
        octal, hexadecimal, short, long, plain = match.groups()
        if octal or hexadecimal:
            code = int(octal, 8) if octal else int(hexadecimal, 16)
            return chr(0xF0000 + code) if is_bytes else chr(code)
        if short or long:
            return chr(int(short or long, 16))
        if plain not in _ESCAPES:
            raise SqlProblem(f"Syntax error: Illegal escape sequence: \\{plain}", at)
        return _ESCAPES[plain]

    return _ESCAPE.sub(one, raw)
