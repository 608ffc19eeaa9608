"""The grammar of expressions."""

from typing import Final, TypeGuard

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.parse_call import BITWISE_FLOOR
from mainstem.localgcp.bigquery.sql.parse_primary import PrimaryParser
from mainstem.localgcp.bigquery.sql.problems import refused
from mainstem.localgcp.bigquery.sql.tree import Expr
from mainstem.localgcp.bigquery.sql.types import FLOAT64, INT64

BINDING: Final = {
    "OR": 1, "AND": 2,
    "=": 4, "<": 4, ">": 4, "<=": 4, ">=": 4, "!=": 4, "<>": 4,
    "LIKE": 4, "BETWEEN": 4, "IN": 4, "IS": 4, "NOT": 4,
    "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "||": 10,
}  # fmt: skip
COMPARISON: Final = 4
NEGATION: Final = 3
UNARY: Final = 11

INDEX_MODES: Final = frozenset({"OFFSET", "ORDINAL", "SAFE_OFFSET", "SAFE_ORDINAL"})


class ExpressionParser(PrimaryParser):
    """Precedence climbing over the operators; queries come from the subclass."""

    def expression(self, floor: int = 1) -> Expr:
        """An expression whose operators bind at least as strongly as `floor`."""
        left = self._prefix()
        while True:
            key = self.token.key
            binding = BINDING.get(key, 0)
            if binding < floor or binding == 0:
                return left
            if binding == COMPARISON:
                if key == "NOT" and self.peek().key not in ("IN", "LIKE", "BETWEEN"):
                    return left
                left = self._comparison(left)
                if BINDING.get(self.token.key, 0) == COMPARISON and floor <= COMPARISON:
                    raise self.unexpected()
                continue
            operator = self.advance()
            right = self.expression(binding + 1)
            left = tree.Binary(operator.start, key, left, right)

    def _prefix(self) -> Expr:
        token = self.token
        if token.key == "NOT":
            self.advance()
            return tree.Unary(token.start, "NOT", self.expression(NEGATION))
        if token.key in ("-", "+", "~"):
            self.advance()
            value = self.expression(UNARY)
            if token.key == "-" and _is_unsigned(value):
                return tree.Literal(token.start, value.type, "-" + value.value)
            return tree.Unary(token.start, token.key, value)
        return self._postfix(self.primary())

    def _postfix(self, value: Expr) -> Expr:
        while True:
            if self.token.key == "." and self.peek().key != "*":
                at = self.advance().start
                value = tree.Member(at, value, self.any_name())
            elif self.token.key == "[":
                value = self._index(value)
            else:
                return value

    def _index(self, value: Expr) -> Expr:
        at = self.advance().start
        mode = ""
        if self.token.key in INDEX_MODES and self.peek().key == "(":
            mode = self.advance().key
            self.advance()
        key = self.expression()
        if mode:
            self.expect(")")
        self.expect("]")
        return tree.Index(at, value, key, mode)

    def _comparison(self, left: Expr) -> Expr:
        at = self.token.start
        is_negated = self.accept("NOT")
        token = self.advance()
        if token.key == "IS":
            return self._is(left, at)
        if token.key == "BETWEEN":
            low = self.expression(BITWISE_FLOOR)
            self.expect("AND")
            return tree.Between(at, left, low, self.expression(BITWISE_FLOOR), is_negated)
        if token.key == "IN":
            return self._in(left, at, is_negated)
        if token.key == "LIKE":
            return self._like(left, at, is_negated)
        operator = "!=" if token.key == "<>" else token.key
        return tree.Binary(at, operator, left, self.expression(BITWISE_FLOOR))

    def _is(self, left: Expr, at: int) -> Expr:
        is_negated = self.accept("NOT")
        if self.accept("DISTINCT", "FROM"):
            right = self.expression(BITWISE_FLOOR)
            return tree.DistinctFrom(at, left, right, is_negated)
        what = self.token.key
        if what not in ("NULL", "TRUE", "FALSE"):
            raise self.unexpected()
        self.advance()
        return tree.IsTest(at, left, what, is_negated)

    def _in(self, left: Expr, at: int, is_negated: bool) -> Expr:
        if self.accept("UNNEST"):
            self.expect("(")
            array = self.expression()
            self.expect(")")
            return tree.InUnnest(at, left, array, is_negated)
        self.expect("(")
        if self.at_query():
            query = self.query()
            self.expect(")")
            return tree.InQuery(at, left, query, is_negated)
        options = self.expressions()
        self.expect(")")
        return tree.InList(at, left, options, is_negated)

    def _like(self, left: Expr, at: int, is_negated: bool) -> Expr:
        quantifier = self.token.key if self.token.key in ("ANY", "ALL", "SOME") else ""
        if not quantifier:
            pattern = self.expression(BITWISE_FLOOR)
            return tree.LikeTest(at, left, (pattern,), "", is_negated)
        self.advance()
        if self.token.key == "UNNEST":
            raise refused("LIKE ANY UNNEST", self.token.start)
        self.expect("(")
        patterns = self.expressions()
        self.expect(")")
        name = "ANY" if quantifier == "SOME" else quantifier
        return tree.LikeTest(at, left, patterns, name, is_negated)


def _is_unsigned(value: Expr) -> TypeGuard[tree.Literal]:
    return (
        isinstance(value, tree.Literal)
        and value.type in (INT64, FLOAT64)
        and not value.value.startswith("-")
    )
