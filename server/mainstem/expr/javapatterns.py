"""Java's regular expressions in the words of the `regex` library.

Without flags, digits, words, spaces and POSIX classes of Java are ASCII, and a dot stops at every
line end. Quoting, horizontal spaces, named back references and the escape character are its own.
"""

import re
from typing import Final

_WORD: Final = "a-zA-Z0-9_"
_SPACE: Final = r" \t\n\x0b\f\r"
_LINE_ENDS: Final = r"\n\r\x85\u2028\u2029"
_PUNCTUATION: Final = r"!-/:-@\[-`{-~"
_SETS: Final = {
    "d": "0-9",
    "w": _WORD,
    "s": _SPACE,
    "h": r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
    "v": r"\n\x0b\f\r\x85\u2028\u2029",
}
_POSIX: Final = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": _PUNCTUATION,
    "Graph": r"!-~",
    "Print": r" -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": _SPACE,
}
_ENDS: Final = {
    "b": f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))",
    "B": f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))",
    "z": r"\Z",
    "Z": rf"(?=(?:\r\n|[{_LINE_ENDS}])?\Z)",
    "e": r"\x1b",
}
_PIECE: Final = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)|\\(?P<posix>[pP])\{(?P<name>\w+)\}|\\k<(?P<back>\w+)>"
    r"|\\(?P<escape>.)|\(\?<(?P<group>[A-Za-z]\w*)>|(?P<char>.)",
    re.DOTALL,
)
_DOT_ALL: Final = re.compile(r"\(\?[a-zA-Z]*s")


def translated(pattern: str) -> tuple[str, bool]:
    """The pattern for `regex`, and whether it has sets within sets."""
    return _Translator(pattern).run()


class _Translator:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._in_set = False
        self._nested = "&&" in pattern
        self._dot = "." if _DOT_ALL.search(pattern) else f"[^{_LINE_ENDS}]"

    def run(self) -> tuple[str, bool]:
        parts = [self._piece(found) for found in _PIECE.finditer(self._pattern)]
        return "".join(parts), self._nested

    def _piece(self, found: re.Match[str]) -> str:
        if found["quoted"] is not None:
            return re.escape(found["quoted"])
        if found["posix"] is not None:
            known = _POSIX.get(found["name"])
            return found[0] if known is None else self._set(known, found["posix"] == "P")
        if found["back"] is not None:
            return f"(?P={found['back']})"
        if found["group"] is not None:
            return f"(?P<{found['group']}>"
        if found["escape"] is not None:
            return self._escape(found["escape"], found[0])
        return self._char(found["char"])

    def _escape(self, letter: str, whole: str) -> str:
        if letter.lower() in _SETS:
            return self._set(_SETS[letter.lower()], letter.isupper())
        if self._in_set:
            return r"\x1b" if letter == "e" else whole
        return _ENDS.get(letter, whole)

    def _set(self, chars: str, negated: bool) -> str:
        if not self._in_set:
            return f"[{'^' if negated else ''}{chars}]"
        if not negated:
            return chars
        self._nested = True
        return f"[^{chars}]"

    def _char(self, char: str) -> str:
        if char == "." and not self._in_set:
            return self._dot
        if char == "[":
            self._in_set = True
        elif char == "]":
            self._in_set = False
        return char
