"""Tokens to the tree of a template: text, prints and tags."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from mainstem.expr import lexer
from mainstem.expr.errors import Fault
from mainstem.expr.lexer import Token, tokenize
from mainstem.expr.nodes import (
    Block,
    Body,
    Capture,
    FilterCall,
    For,
    If,
    Literal,
    Macro,
    Node,
    Print,
    Set,
    Statement,
    Text,
)
from mainstem.expr.parser import ExpressionParser, Stream

_MAX_NESTING: Final = 30
_REMOVED: Final = frozenset(
    {"include", "import", "from", "extends", "embed", "autoescape", "cache", "flush", "parallel"}
)


def parse(source: str) -> Body:
    """The tree of a template; what can't be read is a Fault with its place."""
    parser = _TemplateParser(Stream(tokenize(source)))
    body, _ = parser.body(())
    return body


class _TemplateParser:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._expressions = ExpressionParser(stream)
        self._depth = 0

    def body(self, ends: tuple[str, ...], opened: Token | None = None) -> tuple[Body, str]:
        """Statements up to one of the end tags, whose name is stepped over and returned."""
        statements: list[Statement] = []
        while self._stream.current.kind != lexer.END:
            token = self._stream.next()
            if token.kind == lexer.TEXT:
                statements.append(Text(token.value))
            elif token.kind == lexer.PRINT_START:
                statements.append(Print(self._expressions.expression(), token.place))
                self._stream.expect(lexer.PRINT_END)
            else:
                name = self._stream.expect(lexer.NAME)
                if name.value in ends:
                    return tuple(statements), name.value
                statements.append(self._tag(name))
        if opened is not None:
            wanted = " or ".join(f"`{end}`" for end in ends)
            raise Fault(f"The tag `{opened.value}` is never closed by {wanted}", opened.place)
        return tuple(statements), ""

    def _tag(self, name: Token) -> Statement:
        read = _TAGS.get(name.value)
        if read is None:
            why = "is not available" if name.value in _REMOVED else "is not a tag"
            raise Fault(f"`{name.value}` {why}", name.place)
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise Fault("Tags are nested too deeply", name.place)
        statement = read(self, name)
        self._depth -= 1
        return statement

    def _end_of_tag(self) -> None:
        self._stream.expect(lexer.TAG_END)

    def _inner(self, opened: Token, *ends: str) -> tuple[Body, str]:
        self._end_of_tag()
        return self.body(ends, opened)

    def read_if(self, opened: Token) -> Statement:
        branches: list[tuple[Node, Body]] = []
        otherwise: Body = ()
        end = "elseif"
        while end == "elseif":
            condition = self._expressions.expression()
            body, end = self._inner(opened, "elseif", "else", "endif")
            branches.append((condition, body))
        if end == "else":
            otherwise, _ = self._inner(opened, "endif")
        self._end_of_tag()
        return If(tuple(branches), otherwise, opened.place)

    def read_for(self, opened: Token) -> Statement:
        name = self._expressions.new_name()
        self._stream.expect(lexer.OPERATOR, "in")
        items = self._expressions.expression()
        body, end = self._inner(opened, "else", "endfor")
        otherwise: Body = ()
        if end == "else":
            otherwise, _ = self._inner(opened, "endfor")
        self._end_of_tag()
        return For(name, items, body, otherwise, opened.place)

    def read_set(self, opened: Token) -> Statement:
        name = self._expressions.new_name()
        self._stream.expect(lexer.PUNCTUATION, "=")
        value = self._expressions.expression()
        self._end_of_tag()
        return Set(name, value, opened.place)

    def read_macro(self, opened: Token) -> Statement:
        name = self._stream.expect(lexer.NAME).value
        self._stream.expect(lexer.PUNCTUATION, "(")
        parameters: list[tuple[str, Node | None]] = []
        while not self._stream.at(lexer.PUNCTUATION, ")"):
            if parameters:
                self._stream.expect(lexer.PUNCTUATION, ",")
            parameter, default = self._expressions.new_name(), None
            if self._stream.at(lexer.PUNCTUATION, "="):
                self._stream.next()
                default = self._expressions.expression()
            parameters.append((parameter, default))
        self._stream.next()
        body, _ = self._inner(opened, "endmacro")
        self._end_of_tag()
        return Macro(name, tuple(parameters), body, opened.place)

    def read_block(self, opened: Token) -> Statement:
        token = self._stream.current
        if token.kind not in (lexer.NAME, lexer.STRING):
            raise Fault(f"Expected a block's name but found {self._stream.found()}", token.place)
        self._stream.next()
        body, _ = self._inner(opened, "endblock")
        if self._stream.current.value == token.value:
            self._stream.next()
        self._end_of_tag()
        return Block(token.value, body, opened.place)

    def read_filter(self, opened: Token) -> Statement:
        nothing = Literal("", opened.place)
        calls: list[FilterCall] = [self._expressions.filter_call(nothing)]
        while self._stream.at(lexer.OPERATOR, "|"):
            self._stream.next()
            calls.append(self._expressions.filter_call(nothing))
        body, _ = self._inner(opened, "endfilter")
        self._end_of_tag()
        value: Node = Capture(body, opened.place)
        for call in calls:
            value = replace(call, value=value)
        return Print(value, opened.place)


_TAGS: Final[dict[str, Callable[[_TemplateParser, Token], Statement]]] = {
    "if": _TemplateParser.read_if,
    "for": _TemplateParser.read_for,
    "set": _TemplateParser.read_set,
    "macro": _TemplateParser.read_macro,
    "block": _TemplateParser.read_block,
    "filter": _TemplateParser.read_filter,
}
