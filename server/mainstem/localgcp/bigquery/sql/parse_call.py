"""The grammar of function calls: arguments, aggregate clauses and windows."""

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.lexer import Kind
from mainstem.localgcp.bigquery.sql.parse_base import TokenReader
from mainstem.localgcp.bigquery.sql.tree import Expr, Path

BITWISE_FLOOR = 5
"""The floor for operands of comparisons: everything that binds tighter than they do."""


class CallParser(TokenReader):
    """Everything between a function's name and the end of its OVER clause."""

    def query(self) -> tree.Query:
        raise NotImplementedError

    def expression(self, floor: int = 1) -> Expr:
        raise NotImplementedError

    def expressions(self) -> tuple[Expr, ...]:
        out = [self.expression()]
        while self.accept(","):
            out.append(self.expression())
        return tuple(out)

    def order_by(self) -> tuple[tree.OrderItem, ...]:
        """The items after ORDER BY, whose words were taken already."""
        items = [self._order_item()]
        while self.accept(","):
            items.append(self._order_item())
        return tuple(items)

    def _order_item(self) -> tree.OrderItem:
        at = self.token.start
        value = self.expression()
        is_descending = self.accept("DESC")
        if not is_descending:
            self.accept("ASC")
        nulls = ""
        if self.accept("NULLS"):
            nulls = self.token.key
            if nulls not in ("FIRST", "LAST"):
                raise self.unexpected()
            self.advance()
        return tree.OrderItem(value, is_descending, nulls, at)

    def call(self, path: Path) -> tree.Call:
        """The call of a function whose name was read; the parenthesis is next."""
        is_safe = len(path.names) == 2 and path.names[0].text.upper() == "SAFE"
        if is_safe:
            path = Path(path.at, path.names[1:])
        self.expect("(")
        is_distinct = self.accept("DISTINCT")
        arguments: list[Expr] = []
        nulls, having, limit = "", None, None
        order: tuple[tree.OrderItem, ...] = ()
        if self.token.key != ")":
            arguments.append(self.argument())
            while self.accept(","):
                arguments.append(self.argument())
        if self.token.key in ("IGNORE", "RESPECT"):
            nulls = self.advance().key
            self.expect("NULLS")
        if self.accept("HAVING"):
            if self.token.key not in ("MAX", "MIN"):
                raise self.unexpected()
            having = (self.advance().key, self.expression())
        if self.accept("ORDER", "BY"):
            order = self.order_by()
        if self.accept("LIMIT"):
            limit = self.expression()
        self.expect(")")
        over = self._over()
        return tree.Call(
            path.at, path, tuple(arguments), is_distinct, nulls, having, order, limit, over, is_safe
        )

    def _over(self) -> tree.Window | None:
        if not self.accept("OVER"):
            return None
        if self.at_identifier():
            name = self.name()
            return tree.Window(name.at, name, (), (), None)
        return self.window()

    def window(self) -> tree.Window:
        """A window specification in parentheses."""
        at = self.expect("(").start
        base = None
        if self.at_identifier():
            base = self.name()
        partition: tuple[Expr, ...] = ()
        order: tuple[tree.OrderItem, ...] = ()
        frame = None
        if self.accept("PARTITION", "BY"):
            partition = self.expressions()
        if self.accept("ORDER", "BY"):
            order = self.order_by()
        if self.token.key in ("ROWS", "RANGE"):
            frame = self._frame()
        self.expect(")")
        return tree.Window(at, base, partition, order, frame)

    def _frame(self) -> tree.Frame:
        unit = self.advance().key
        if not self.accept("BETWEEN"):
            return tree.Frame(unit, self._frame_bound(), ("CURRENT ROW", None))
        start = self._frame_bound()
        self.expect("AND")
        return tree.Frame(unit, start, self._frame_bound())

    def _frame_bound(self) -> tuple[str, Expr | None]:
        if self.accept("CURRENT", "ROW"):
            return ("CURRENT ROW", None)
        value: Expr | None = None
        prefix = "UNBOUNDED " if self.accept("UNBOUNDED") else ""
        if not prefix:
            value = self.expression(BITWISE_FLOOR)
        if self.token.key not in ("PRECEDING", "FOLLOWING"):
            raise self.unexpected()
        return (prefix + self.advance().key, value)

    def argument(self) -> Expr:
        """A function's argument: an expression, `*`, `name => value`, a lambda."""
        token = self.token
        if token.key == "*":
            self.advance()
            return tree.Star(token.start)
        if token.key in ("SELECT", "WITH"):
            query = self.query()
            return tree.Subquery(token.start, query, "")
        if self.at_identifier():
            if self.peek().key == "=>":
                name = self.name()
                self.advance()
                return tree.NamedArgument(name.at, name, self.argument())
            if self.peek().key == "->":
                name = self.name()
                self.advance()
                return tree.Lambda(name.at, (name,), self.expression())
        if token.key == "(" and self._at_lambda():
            names = self._names()
            self.expect("->")
            return tree.Lambda(token.start, names, self.expression())
        return self.expression()

    def _at_lambda(self) -> bool:
        ahead = 1
        while self.peek(ahead).kind in (Kind.WORD, Kind.QUOTED) or self.peek(ahead).key == ",":
            ahead += 1
        return self.peek(ahead).key == ")" and self.peek(ahead + 1).key == "->"
