"""Tokens to tree: a Pratt parser for expressions with the dialect's precedence.

The surprise worth knowing: `~` and `??` bind tighter than `|`, and the unary operators bind
tightest of all, so `not x is defined` tests the definedness of `not x`.
"""

from collections.abc import Callable
from typing import Final

from mainstem.expr import lexer
from mainstem.expr.errors import Fault
from mainstem.expr.lexer import Token
from mainstem.expr.nodes import (
    Arguments,
    Attribute,
    Binary,
    Concat,
    FilterCall,
    FunctionCall,
    ListNode,
    Literal,
    MapNode,
    MethodCall,
    Name,
    Node,
    Ternary,
    TestCall,
    Unary,
)
from mainstem.expr.numbers import Long

PRECEDENCE: Final = {
    "or": 10,
    "and": 15,
    "is": 20,
    "is not": 20,
    "contains": 20,
    "in": 20,
    "not in": 20,
    **dict.fromkeys(("==", "equals", "!=", "<", ">", "<=", ">="), 30),
    **dict.fromkeys(("+", "-"), 40),
    **dict.fromkeys(("*", "/", "%"), 60),
    "|": 100,
    "~": 110,
    **dict.fromkeys(("..", "??", "???"), 120),
}
UNARY: Final = frozenset({"not", "+", "-"})
_UNARY_PRECEDENCE: Final = 500
_MAX_LONG: Final = 2**63 - 1
_MAX_NESTING: Final = 60
_MAX_CHAIN: Final = 200
_CONSTANTS: Final = {
    **dict.fromkeys(("true", "TRUE"), True),
    **dict.fromkeys(("false", "FALSE"), False),
    **dict.fromkeys(("null", "NULL", "none", "NONE"), None),
}
_RESERVED: Final = frozenset({"true", "false", "null", "none"})


class Stream:
    """The tokens with a position; `expect` words the fault when something else comes."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.current = tokens[0]

    def next(self) -> Token:
        """Step over the current token and return it."""
        token = self.current
        if token.kind != lexer.END:
            self._at += 1
            self.current = self._tokens[self._at]
        return token

    def peek(self) -> Token:
        """The token after the current one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def at(self, kind: str, value: str | None = None) -> bool:
        """Whether the current token is of that kind (and text)."""
        token = self.current
        return token.kind == kind and (value is None or token.value == value)

    def expect(self, kind: str, value: str | None = None) -> Token:
        """Step over a token that must be there."""
        if not self.at(kind, value):
            raise Fault(f"Expected `{value or kind}` but found {self.found()}", self.current.place)
        return self.next()

    def found(self) -> str:
        """The current token in the words of an error message."""
        token = self.current
        if token.kind == lexer.END:
            return "the end of the template"
        return f"`{token.value or token.kind}`"


class ExpressionParser:
    """Reads one expression at a time from the stream it shares with the tag parser."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._depth = 0

    def expression(self, least: int = 0) -> Node:
        """An expression of operators that bind at least as tight as `least`."""
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise Fault("The expression is nested too deeply", self._stream.current.place)
        node = self._operators(self._operand(), least)
        if least == 0 and self._stream.at(lexer.PUNCTUATION, "?"):
            node = self._ternary(node)
        self._depth -= 1
        return node

    def _operators(self, node: Node, least: int) -> Node:
        for _ in range(_MAX_CHAIN):
            token = self._stream.current
            if token.kind != lexer.OPERATOR or PRECEDENCE.get(token.value, -1) < least:
                return node
            self._stream.next()
            if token.value == "|":
                node = self.filter_call(node)
            elif token.value in ("is", "is not"):
                node = self._test_call(node, token)
            else:
                right = self.expression(PRECEDENCE[token.value] + 1)
                node = _binary(token, node, right)
        raise Fault("The expression has too many operators in a row", self._stream.current.place)

    def _operand(self) -> Node:
        token = self._stream.current
        if token.kind == lexer.OPERATOR and token.value in UNARY:
            self._stream.next()
            operand = self.expression(_UNARY_PRECEDENCE)
            return _negative(token, operand)
        if token.kind == lexer.PUNCTUATION:
            return self._bracketed(token)
        read = self._atoms.get(token.kind)
        if read is None:
            raise Fault(f"Expected an expression but found {self._stream.found()}", token.place)
        self._stream.next()
        return self._postfix(read(self, token))

    def _bracketed(self, token: Token) -> Node:
        if token.value == "(":
            self._stream.next()
            node = self.expression()
            self._stream.expect(lexer.PUNCTUATION, ")")
            return self._postfix(node)
        if token.value == "[":
            return self._postfix(self._list())
        if token.value == "{":
            return self._postfix(self._map())
        raise Fault(f"Expected an expression but found `{token.value}`", token.place)

    def _name(self, token: Token) -> Node:
        if token.value in _CONSTANTS:
            return Literal(_CONSTANTS[token.value], token.place)
        if self._stream.at(lexer.PUNCTUATION, "("):
            return FunctionCall(token.value, self.arguments(), token.place)
        return Name(token.value, token.place)

    def _number(self, token: Token) -> Node:
        if "." in token.value:
            return Literal(float(token.value), token.place)
        digits = token.value.rstrip("L")
        if len(digits) > 400 or int(digits) > _MAX_LONG:
            raise Fault("A literal number has more than 64 bits", token.place)
        return Literal(Long(digits), token.place)

    def _string(self, token: Token) -> Node:
        return Literal(token.value, token.place)

    def _embedding(self, token: Token) -> Node:
        parts: list[Node] = []
        while not self._stream.at(lexer.EMBED_END):
            if self._stream.at(lexer.STRING):
                part = self._stream.next()
                parts.append(Literal(part.value, part.place))
                continue
            self._stream.expect(lexer.PUNCTUATION, "(")
            parts.append(self.expression())
            self._stream.expect(lexer.PUNCTUATION, ")")
        self._stream.next()
        return Concat(tuple(parts), token.place)

    _atoms: Final[dict[str, Callable[["ExpressionParser", Token], Node]]] = {
        lexer.NAME: _name,
        lexer.NUMBER: _number,
        lexer.STRING: _string,
        lexer.EMBED_START: _embedding,
    }

    def _postfix(self, node: Node) -> Node:
        for _ in range(_MAX_CHAIN):
            if self._stream.at(lexer.PUNCTUATION, "."):
                self._stream.next()
                node = self._dotted(node)
            elif self._stream.at(lexer.PUNCTUATION, "["):
                place = self._stream.next().place
                node = Attribute(node, self.expression(), place)
                self._stream.expect(lexer.PUNCTUATION, "]")
            else:
                return node
        raise Fault("The path has too many parts", self._stream.current.place)

    def _dotted(self, node: Node) -> Node:
        token = self._stream.current
        if token.kind not in (lexer.NAME, lexer.OPERATOR) or not token.value.isidentifier():
            raise Fault(f"Expected a name after `.` but found {self._stream.found()}", token.place)
        self._stream.next()
        if self._stream.at(lexer.PUNCTUATION, "("):
            return MethodCall(node, token.value, self.arguments(), token.place)
        return Attribute(node, Literal(token.value, token.place), token.place)

    def _list(self) -> Node:
        place = self._stream.next().place
        items: list[Node] = []
        while not self._stream.at(lexer.PUNCTUATION, "]"):
            if items:
                self._stream.expect(lexer.PUNCTUATION, ",")
            items.append(self.expression())
        self._stream.next()
        return ListNode(tuple(items), place)

    def _map(self) -> Node:
        place = self._stream.next().place
        entries: list[tuple[Node, Node]] = []
        while not self._stream.at(lexer.PUNCTUATION, "}"):
            if entries:
                self._stream.expect(lexer.PUNCTUATION, ",")
            key = self.expression()
            self._stream.expect(lexer.PUNCTUATION, ":")
            entries.append((key, self.expression()))
        self._stream.next()
        return MapNode(tuple(entries), place)

    def _ternary(self, condition: Node) -> Node:
        place = self._stream.next().place
        then = self.expression()
        self._stream.expect(lexer.PUNCTUATION, ":")
        return Ternary(condition, then, self.expression(), place)

    def filter_call(self, value: Node) -> FilterCall:
        """What follows a `|`: a filter's name and arguments, applied to `value`."""
        token = self._stream.expect(lexer.NAME)
        return FilterCall(value, token.value, self._optional_arguments(), token.place)

    def _test_call(self, value: Node, operator: Token) -> Node:
        kind = lexer.OPERATOR if self._stream.at(lexer.OPERATOR, "in") else lexer.NAME
        token = self._stream.expect(kind)
        arguments = self._optional_arguments()
        return TestCall(value, token.value, arguments, operator.value == "is not", token.place)

    def _optional_arguments(self) -> Arguments:
        if self._stream.at(lexer.PUNCTUATION, "("):
            return self.arguments()
        return Arguments((), ())

    def arguments(self) -> Arguments:
        """`(a, b, name=c)`: positional ones first."""
        self._stream.expect(lexer.PUNCTUATION, "(")
        positional: list[Node] = []
        named: list[tuple[str, Node]] = []
        while not self._stream.at(lexer.PUNCTUATION, ")"):
            if positional or named:
                self._stream.expect(lexer.PUNCTUATION, ",")
            following = self._stream.peek()
            if following.kind == lexer.PUNCTUATION and following.value == "=":
                name = self.new_name()
                self._stream.next()
                named.append((name, self.expression()))
            elif named:
                place = self._stream.current.place
                raise Fault("Positional arguments must come before named ones", place)
            else:
                positional.append(self.expression())
        self._stream.next()
        return Arguments(tuple(positional), tuple(named))

    def new_name(self) -> str:
        """A name that is about to be given a value."""
        token = self._stream.expect(lexer.NAME)
        if token.value in _RESERVED:
            raise Fault(f"`{token.value}` can't be given a value", token.place)
        return token.value


def _negative(token: Token, operand: Node) -> Node:
    if token.value == "-" and isinstance(operand, Literal) and type(operand.value) is Long:
        return Literal(Long(-operand.value), token.place)
    return Unary(token.value, operand, token.place)


def _binary(token: Token, left: Node, right: Node) -> Node:
    if token.value != "~":
        return Binary(token.value, left, right, token.place)
    if isinstance(left, Concat):
        return Concat((*left.parts, right), left.place)
    return Concat((left, right), token.place)
