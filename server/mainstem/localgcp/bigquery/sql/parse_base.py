"""Reading tokens one by one, with BigQuery's words for what was expected and what came."""

from typing import Final

from mainstem.localgcp.bigquery.sql.lexer import RESERVED, Kind, Token, tokenize
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.tree import Name, TypeName

WORDS_OF_TYPES: Final = frozenset({"ARRAY", "STRUCT", "INTERVAL", "RANGE"})


def describe(token: Token) -> str:
    """A token as BigQuery's syntax errors name it."""
    if token.kind is Kind.END:
        return "end of input"
    if token.kind is Kind.WORD:
        if token.key in RESERVED:
            return f"keyword {token.key}"
        return f'identifier "{token.value}"'
    if token.kind is Kind.QUOTED:
        return f"identifier `{token.value}`"
    if token.kind is Kind.SYMBOL:
        return f'"{token.value}"'
    if token.kind in (Kind.STRING, Kind.BYTES):
        return f'{token.kind.value} "{token.value}"'
    return f'{token.kind.value} "{token.value}"'


class TokenReader:
    """A position in the tokens of one text."""

    def __init__(self, text: str, tokens: list[Token] | None = None) -> None:
        self.text = text
        self.tokens = tokenize(text) if tokens is None else tokens
        self.index = 0
        self.token = self.tokens[0]
        self.positional = 0

    def advance(self) -> Token:
        """Take the current token, whatever it is."""
        taken = self.token
        if taken.kind is not Kind.END:
            self.index += 1
            self.token = self.tokens[self.index]
        return taken

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.index + ahead, len(self.tokens) - 1)]

    def at_end(self) -> bool:
        return self.token.kind is Kind.END

    def at_words(self, *keys: str) -> bool:
        """Whether these words and symbols come next, in this order."""
        if self.token.key != keys[0]:
            return False
        return all(self.peek(i).key == key for i, key in enumerate(keys[1:], 1))

    def accept(self, *keys: str) -> bool:
        """Take these words and symbols if all of them come next."""
        if self.token.key != keys[0] or not self.at_words(*keys):
            return False
        for _ in keys:
            self.advance()
        return True

    def expect(self, *keys: str) -> Token:
        """Take these words and symbols or fail; the first token is returned."""
        first = self.token
        for key in keys:
            if self.token.key != key:
                wanted = f"keyword {key}" if key.isalpha() else f'"{key}"'
                raise self.syntax_error(f"Expected {wanted} but got {describe(self.token)}")
            self.advance()
        return first

    def syntax_error(self, message: str, at: int | None = None) -> SqlProblem:
        return SqlProblem(f"Syntax error: {message}", self.token.start if at is None else at)

    def unexpected(self) -> SqlProblem:
        """The syntax error that just names the current token."""
        return self.syntax_error(f"Unexpected {describe(self.token)}")

    def at_identifier(self) -> bool:
        if self.token.kind is Kind.QUOTED:
            return True
        return self.token.kind is Kind.WORD and self.token.key not in RESERVED

    def name(self) -> Name:
        """Take an identifier; reserved words must be quoted."""
        if not self.at_identifier():
            raise self.unexpected()
        token = self.advance()
        return Name(token.value, token.start)

    def any_name(self) -> Name:
        """Take an identifier after a dot, where reserved words are allowed."""
        if self.token.kind not in (Kind.WORD, Kind.QUOTED):
            raise self.unexpected()
        token = self.advance()
        return Name(token.value, token.start)

    def optional_alias(self) -> Name | None:
        if self.accept("AS"):
            return self.name()
        return self.name() if self.at_identifier() else None

    def string(self) -> str:
        if self.token.kind is not Kind.STRING:
            got = describe(self.token)
            raise self.syntax_error(f"Expected string literal but got {got}")
        return self.advance().value

    def integer(self) -> int:
        sign = -1 if self.accept("-") else 1
        if self.token.kind is not Kind.INT:
            got = describe(self.token)
            raise self.syntax_error(f"Expected integer literal but got {got}")
        return sign * int(self.advance().value, 0)

    def _names(self) -> tuple[Name, ...]:
        """A parenthesised list of identifiers."""
        self.expect("(")
        names = [self.name()]
        while self.accept(","):
            names.append(self.name())
        self.expect(")")
        return tuple(names)

    def type_name(self) -> TypeName:
        """A written type: INT64, NUMERIC(10, 2), ARRAY<STRUCT<a INT64>>."""
        at = self.token.start
        if self.accept("ARRAY"):
            self.expect("<")
            element = self.type_name()
            self._close_angle()
            return TypeName(at, "ARRAY", element=element)
        if self.accept("STRUCT"):
            return TypeName(at, "STRUCT", fields=self._struct_fields())
        if self.token.kind is not Kind.WORD or (
            self.token.key in RESERVED and self.token.key not in WORDS_OF_TYPES
        ):
            raise self.unexpected()
        name = self.advance().key
        arguments: list[int] = []
        if self.accept("("):
            arguments.append(self.integer())
            while self.accept(","):
                arguments.append(self.integer())
            self.expect(")")
        return TypeName(at, name, tuple(arguments))

    def _struct_fields(self) -> tuple[tuple[str, TypeName], ...]:
        self.expect("<")
        fields: list[tuple[str, TypeName]] = []
        while not fields or self.accept(","):
            is_named = self.token.kind is Kind.QUOTED or (
                self.peek().kind is Kind.WORD and self.token.kind is Kind.WORD
            )
            name = self.any_name().text if is_named else ""
            fields.append((name, self.type_name()))
        self._close_angle()
        return tuple(fields)

    def _close_angle(self) -> None:
        """Take one `>`, splitting a `>>` that closes two types at once."""
        if self.token.key == ">>":
            start, end = self.token.start, self.token.end
            halves = [Token(Kind.SYMBOL, ">", i, i + 1, ">") for i in range(start, end)]
            self.tokens[self.index : self.index + 1] = halves
            self.token = self.tokens[self.index]
        self.expect(">")
