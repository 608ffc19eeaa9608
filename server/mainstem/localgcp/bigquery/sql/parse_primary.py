"""The grammar of primary expressions: literals, paths, constructors and keyword forms."""

from collections.abc import Callable
from typing import Final

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.lexer import RESERVED, Kind, Token
from mainstem.localgcp.bigquery.sql.parse_base import describe
from mainstem.localgcp.bigquery.sql.parse_call import BITWISE_FLOOR, CallParser
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.tree import Expr, Name, Path
from mainstem.localgcp.bigquery.sql.types import (
    BIGNUMERIC,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT64,
    INT64,
    JSON,
    NUMERIC,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
)

TYPED_LITERALS: Final[dict[str, Type]] = {
    "DATE": DATE,
    "DATETIME": DATETIME,
    "TIME": TIME,
    "TIMESTAMP": TIMESTAMP,
    "NUMERIC": NUMERIC,
    "DECIMAL": NUMERIC,
    "BIGNUMERIC": BIGNUMERIC,
    "BIGDECIMAL": BIGNUMERIC,
    "JSON": JSON,
}
BARE_FUNCTIONS: Final = frozenset(
    {"CURRENT_DATE", "CURRENT_TIMESTAMP", "CURRENT_DATETIME", "CURRENT_TIME"}
)
RESERVED_FUNCTIONS: Final = frozenset({"IF", "LEFT", "RIGHT", "GROUPING", "COLLATE", "HASH"})


class PrimaryParser(CallParser):
    """One operand of an expression, without the operators around it."""

    def at_query(self, start: int = 0) -> bool:
        """Whether a query starts at a token ahead, behind any number of parentheses."""
        ahead = start
        while self.peek(ahead).key == "(":
            ahead += 1
        if self.peek(ahead).key not in ("SELECT", "WITH"):
            return False
        return ahead == start or self._query_closes(ahead, ahead - start)

    def _query_closes(self, ahead: int, level: int) -> bool:
        """Whether the parentheses opened here close on a query, not on a larger expression."""
        while level > 0:
            token = self.peek(ahead)
            if token.kind is Kind.END:
                return False
            level += (token.key == "(") - (token.key == ")")
            ahead += 1
        after = self.peek(ahead)
        return after.kind is Kind.END or after.key in (
            ")", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", ";",
        )  # fmt: skip

    def primary(self) -> Expr:
        token = self.token
        if token.kind is Kind.WORD:
            special = PRIMARIES.get(token.key)
            if special is not None:
                return special(self)
            if token.key in RESERVED and not (
                token.key in RESERVED_FUNCTIONS and self.peek().key == "("
            ):
                raise self.unexpected()
            return self._word(token)
        if token.kind is Kind.QUOTED:
            return self._path_or_call()
        if token.key == "(":
            return self._parenthesis()
        if token.key == "[":
            return self._array_values(token.start, None)
        return self._constant(token)

    def _word(self, token: Token) -> Expr:
        following = self.peek()
        kind = TYPED_LITERALS.get(token.key)
        if kind is not None and following.kind is Kind.STRING:
            self.advance()
            return tree.Literal(token.start, kind, self.advance().value)
        if token.key in BARE_FUNCTIONS and following.key not in ("(", "."):
            self.advance()
            return tree.Call(token.start, Path(token.start, (Name(token.key, token.start),)), ())
        return self._path_or_call()

    def _constant(self, token: Token) -> Expr:
        kinds = {
            Kind.INT: INT64,
            Kind.FLOAT: FLOAT64,
            Kind.STRING: STRING,
            Kind.BYTES: BYTES,
        }
        if token.kind in kinds:
            self.advance()
            value = token.value
            if token.kind in (Kind.STRING, Kind.BYTES):
                while self.token.kind is token.kind:
                    value += self.advance().value
            return tree.Literal(token.start, kinds[token.kind], value)
        if token.kind is Kind.PARAMETER:
            self.advance()
            return tree.Parameter(token.start, token.value)
        if token.kind is Kind.SYSTEM:
            self.advance()
            return tree.SystemVariable(token.start, token.value)
        if token.key == "?":
            self.advance()
            self.positional += 1
            return tree.Parameter(token.start, None, self.positional - 1)
        raise self.unexpected()

    def _path_or_call(self) -> Expr:
        token = self.token
        names = [self.any_name()]
        while self.token.key == "." and self.peek().kind in (Kind.WORD, Kind.QUOTED):
            self.advance()
            names.append(self.any_name())
        path = Path(token.start, tuple(names))
        if self.token.key != "(":
            return path
        return self.call(path)

    def _parenthesis(self) -> Expr:
        at = self.token.start
        if self.peek().key in ("SELECT", "WITH") or (self.peek().key == "(" and self.at_query()):
            self.advance()
            query = self.query()
            self.expect(")")
            return tree.Subquery(at, query, "")
        self.advance()
        first = self.expression()
        if self.token.key != ",":
            self.expect(")")
            return first
        values: list[tuple[str, Expr]] = [("", first)]
        while self.accept(","):
            values.append(("", self.expression()))
        self.expect(")")
        return tree.StructValue(at, None, tuple(values), is_tuple=True)

    def _array_values(self, at: int, element: tree.TypeName | None) -> Expr:
        self.expect("[")
        values: tuple[Expr, ...] = ()
        if self.token.key != "]":
            values = self.expressions()
        self.expect("]")
        return tree.ArrayValue(at, element, values)

    def _array(self) -> Expr:
        at = self.token.start
        following = self.peek()
        if following.key == "<":
            kind = self.type_name()
            return self._array_values(at, kind.element)
        self.advance()
        if self.token.key == "[":
            return self._array_values(at, None)
        self.expect("(")
        query = self.query()
        self.expect(")")
        return tree.Subquery(at, query, "ARRAY")

    def _struct(self) -> Expr:
        at = self.token.start
        kind = None
        if self.peek().key == "<":
            kind = self.type_name()
        else:
            self.advance()
        self.expect("(")
        values: list[tuple[str, Expr]] = []
        while self.token.key != ")":
            value = self.expression()
            alias = self.name().text if self.accept("AS") else ""
            values.append((alias, value))
            if not self.accept(","):
                break
        self.expect(")")
        return tree.StructValue(at, kind, tuple(values))

    def _exists(self) -> Expr:
        at = self.advance().start
        self.expect("(")
        query = self.query()
        self.expect(")")
        return tree.Subquery(at, query, "EXISTS")

    def _case(self) -> Expr:
        at = self.advance().start
        operand = None if self.token.key == "WHEN" else self.expression()
        branches: list[tuple[Expr, Expr]] = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append((condition, self.expression()))
        if not branches:
            raise self.unexpected()
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return tree.Case(at, operand, tuple(branches), otherwise)

    def _cast(self) -> Expr:
        token = self.advance()
        self.expect("(")
        value = self.expression()
        self.expect("AS")
        kind = self.type_name()
        pattern = zone = None
        if self.accept("FORMAT"):
            pattern = self.expression()
            if self.accept("AT", "TIME", "ZONE"):
                zone = self.expression()
        self.expect(")")
        return tree.Cast(token.start, value, kind, token.key == "SAFE_CAST", pattern, zone)

    def _extract(self) -> Expr:
        at = self.advance().start
        self.expect("(")
        part = self.date_part()
        self.expect("FROM")
        value = self.expression()
        zone = self.expression() if self.accept("AT", "TIME", "ZONE") else None
        self.expect(")")
        return tree.Extract(at, part, value, zone)

    def date_part(self) -> tree.DatePart:
        """A written date part: DAY, WEEK(MONDAY)."""
        token = self.token
        if token.kind is not Kind.WORD:
            raise self.unexpected()
        self.advance()
        weekday = ""
        if token.key == "WEEK" and self.accept("("):
            weekday = self.advance().key
            self.expect(")")
        return tree.DatePart(token.start, token.key, weekday)

    def _interval(self) -> Expr:
        at = self.advance().start
        value = self.expression(BITWISE_FLOOR)
        if self.token.kind is not Kind.WORD:
            raise self.syntax_error(f"Expected a date part but got {describe(self.token)}")
        part = self.advance().key
        upto = self.advance().key if self.accept("TO") else ""
        return tree.IntervalValue(at, value, part, upto)

    def _constant_word(self) -> Expr:
        token = self.advance()
        if token.key == "NULL":
            return tree.Literal(token.start, None, "NULL")
        return tree.Literal(token.start, BOOL, token.key)

    def _refused_word(self) -> Expr:
        raise SqlProblem(
            f"The local BigQuery emulator does not support {self.token.key}", self.token.start
        )


PRIMARIES: Final[dict[str, Callable[[PrimaryParser], Expr]]] = {
    "NULL": PrimaryParser._constant_word,
    "TRUE": PrimaryParser._constant_word,
    "FALSE": PrimaryParser._constant_word,
    "CASE": PrimaryParser._case,
    "CAST": PrimaryParser._cast,
    "SAFE_CAST": PrimaryParser._cast,
    "EXTRACT": PrimaryParser._extract,
    "EXISTS": PrimaryParser._exists,
    "ARRAY": PrimaryParser._array,
    "STRUCT": PrimaryParser._struct,
    "INTERVAL": PrimaryParser._interval,
    "NEW": PrimaryParser._refused_word,
    "RANGE": PrimaryParser._refused_word,
}
