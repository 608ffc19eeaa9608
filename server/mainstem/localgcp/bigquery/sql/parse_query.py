"""The grammar of queries: SELECT, FROM, set operations and WITH."""

import re
from typing import Final

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.lexer import Kind, tokenize
from mainstem.localgcp.bigquery.sql.parse_base import describe
from mainstem.localgcp.bigquery.sql.parse_expression import ExpressionParser
from mainstem.localgcp.bigquery.sql.problems import refused
from mainstem.localgcp.bigquery.sql.tree import Expr, Name, Path, Source

_DASHED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)+")
_SET_WORDS: Final = ("UNION", "INTERSECT", "EXCEPT")
_JOIN_WORDS: Final = ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL")


class FromParser(ExpressionParser):
    """The FROM clause and everything that may follow a table in it."""

    def source(self) -> Source:
        """All of a FROM clause: tables, commas and joins, from left to right."""
        left = self._table()
        while True:
            at = self.token.start
            if self.accept(","):
                left = tree.Join(at, "CROSS", left, self._table(), None, ())
            elif self.token.key in _JOIN_WORDS:
                left = self._join(left)
            else:
                return left

    def _join(self, left: Source) -> Source:
        at = self.token.start
        if self.token.key == "NATURAL":
            raise refused("NATURAL JOIN", at)
        kind = "INNER"
        if self.token.key != "JOIN":
            kind = self.advance().key
            if kind in ("LEFT", "RIGHT", "FULL"):
                self.accept("OUTER")
        self.expect("JOIN")
        right = self._table()
        condition: Expr | None = None
        using: tuple[Name, ...] = ()
        if kind != "CROSS" and self.accept("ON"):
            condition = self.expression()
        elif kind != "CROSS" and self.accept("USING"):
            using = self._names()
        elif kind != "CROSS" and not _is_array_path(right):
            message = f"Expected keyword ON or keyword USING but got {describe(self.token)}"
            raise self.syntax_error(message)
        return tree.Join(at, kind, left, right, condition, using)

    def _table(self) -> Source:
        token = self.token
        source: Source
        if token.key == "UNNEST":
            source = self._unnest()
        elif token.key == "(":
            source = self._table_in_parentheses()
        elif token.key == "LATERAL":
            raise refused("LATERAL", token.start)
        else:
            source = self._named_table()
        return self._table_suffixes(source)

    def _table_in_parentheses(self) -> Source:
        at = self.token.start
        if self.peek().key in ("SELECT", "WITH") or self.at_query(1):
            self.advance()
            query = self.query()
            self.expect(")")
            if self.token.key in ("PIVOT", "UNPIVOT") and self.peek().key in ("(", "INCLUDE"):
                return tree.TableSubquery(at, query, None)
            return tree.TableSubquery(at, query, self.optional_alias())
        self.advance()
        source = self.source()
        self.expect(")")
        return source

    def _unnest(self) -> Source:
        at = self.advance().start
        self.expect("(")
        array = self.expression()
        self.expect(")")
        alias = None if self.token.key == "WITH" else self.optional_alias()
        has_offset, offset = self._with_offset()
        return tree.Unnest(at, array, alias, offset, has_offset)

    def _with_offset(self) -> tuple[bool, Name | None]:
        if not self.accept("WITH", "OFFSET"):
            return False, None
        return True, self.optional_alias()

    def _named_table(self) -> Source:
        path = self.table_path()
        if self.token.key == "(":
            self.advance()
            arguments = () if self.token.key == ")" else self._table_arguments()
            self.expect(")")
            return tree.TableCall(path.at, path, arguments, self._table_alias())
        alias = self._table_alias()
        has_offset, offset = self._with_offset()
        system_time = None
        if self.accept("FOR"):
            if not self.accept("SYSTEM_TIME", "AS", "OF"):
                self.expect("SYSTEM", "TIME", "AS", "OF")
            system_time = self.expression()
            alias = alias or self._table_alias()
        return tree.TableName(path.at, path, alias, system_time, offset, has_offset)

    def _table_arguments(self) -> tuple[Expr, ...]:
        arguments = [self.argument()]
        while self.accept(","):
            arguments.append(self.argument())
        return tuple(arguments)

    def _table_alias(self) -> Name | None:
        if self.token.key in ("PIVOT", "UNPIVOT") and self.peek().key in (
            "(", "INCLUDE", "EXCLUDE",
        ):  # fmt: skip
            return None
        return self.optional_alias()

    def table_path(self) -> Path:
        """A table's path: dashes in the project, dots inside backticks."""
        at = self.token.start
        names = self._first_names()
        while self.accept("."):
            if self.token.key == "*":
                raise self.unexpected()
            names += self._split_name()
        return Path(at, tuple(names))

    def _first_names(self) -> list[Name]:
        dashed = _DASHED.match(self.text, self.token.start)
        if dashed and self.token.kind is Kind.WORD and "-" in dashed.group():
            name = Name(dashed.group(), self.token.start)
            self.tokens[self.index :] = tokenize(self.text, dashed.end())
            self.token = self.tokens[self.index]
            return [name]
        if not self.at_identifier():
            raise self.unexpected()
        return self._split_name()

    def _split_name(self) -> list[Name]:
        token = self.token
        if token.kind is Kind.QUOTED and "." in token.value:
            self.advance()
            return [Name(part, token.start) for part in token.value.split(".")]
        name = self.any_name()
        if self.token.key == "*" and self.token.start == self.tokens[self.index - 1].end:
            raise self.syntax_error('Unexpected "*"; wildcard tables must be in backticks')
        return [name]

    def _table_suffixes(self, source: Source) -> Source:
        while True:
            at = self.token.start
            if self.accept("TABLESAMPLE"):
                source = self._sample(at, source)
            elif self.token.key == "PIVOT" and self.peek().key == "(":
                source = self._pivot(at, source)
            elif self.token.key == "UNPIVOT" and self.peek().key in ("(", "INCLUDE", "EXCLUDE"):
                source = self._unpivot(at, source)
            else:
                return source

    def _sample(self, at: int, source: Source) -> Source:
        method = self.name().text.upper()
        self.expect("(")
        size = self.expression()
        unit = self.advance().key
        self.expect(")")
        if method != "SYSTEM" or unit != "PERCENT":
            raise refused(f"TABLESAMPLE {method} ({unit})", at)
        return tree.Sample(at, source, method, size, unit)

    def _pivot(self, at: int, source: Source) -> Source:
        self.advance()
        self.expect("(")
        aggregates = [self._aliased()]
        while self.accept(","):
            aggregates.append(self._aliased())
        self.expect("FOR")
        column = self.expression(5)
        self.expect("IN", "(")
        values = [self._aliased()]
        while self.accept(","):
            values.append(self._aliased())
        self.expect(")", ")")
        return tree.Pivot(
            at, source, tuple(aggregates), column, tuple(values), self.optional_alias()
        )

    def _aliased(self) -> tree.SelectItem:
        at = self.token.start
        value = self.expression()
        return tree.SelectItem(value, self.optional_alias(), at)

    def _unpivot(self, at: int, source: Source) -> Source:
        self.advance()
        keeps_nulls = False
        if self.token.key in ("INCLUDE", "EXCLUDE"):
            keeps_nulls = self.advance().key == "INCLUDE"
            self.expect("NULLS")
        self.expect("(")
        values = self._names() if self.token.key == "(" else (self.name(),)
        self.expect("FOR")
        label = self.name()
        self.expect("IN", "(")
        groups = [self._unpivot_group()]
        while self.accept(","):
            groups.append(self._unpivot_group())
        self.expect(")", ")")
        alias = self.optional_alias()
        return tree.Unpivot(at, source, values, label, tuple(groups), keeps_nulls, alias)

    def _unpivot_group(self) -> tuple[tuple[Name, ...], Expr | None]:
        names = self._names() if self.token.key == "(" else (self.name(),)
        label = self.expression() if self.accept("AS") else None
        return names, label


class QueryParser(FromParser):
    """A whole query expression."""

    def query(self) -> tree.Query:
        at = self.token.start
        tables: list[tree.CommonTable] = []
        is_recursive = False
        if self.accept("WITH"):
            is_recursive = self.accept("RECURSIVE")
            tables.append(self._common_table())
            while self.accept(","):
                if self.token.key in ("SELECT", "("):
                    break
                tables.append(self._common_table())
        body = self._body()
        order: tuple[tree.OrderItem, ...] = ()
        limit = offset = None
        if self.accept("ORDER", "BY"):
            order = self.order_by()
        if self.accept("LIMIT"):
            limit = self.expression(5)
            if self.accept("OFFSET"):
                offset = self.expression(5)
        if self.token.key == "|>":
            raise refused("pipe syntax", self.token.start)
        return tree.Query(at, tuple(tables), is_recursive, body, order, limit, offset)

    def _common_table(self) -> tree.CommonTable:
        name = self.name()
        self.expect("AS", "(")
        query = self.query()
        self.expect(")")
        return tree.CommonTable(name, query)

    def _body(self) -> tree.Body:
        left = self._term()
        first: tuple[str, bool] | None = None
        while self.token.key in _SET_WORDS:
            at = self.token.start
            operator = self.advance().key
            is_all = self._set_quantifier(operator)
            if first is not None and first != (operator, is_all):
                raise self.syntax_error(
                    "Different set operations cannot be used in the same query without using "
                    "parentheses for grouping",
                    at,
                )
            first = (operator, is_all)
            if self.token.key in ("BY", "CORRESPONDING", "STRICT"):
                raise refused(f"{operator} {self.token.key}", self.token.start)
            left = tree.SetOperation(at, operator, is_all, left, self._term())
        return left

    def _set_quantifier(self, operator: str) -> bool:
        if self.accept("DISTINCT"):
            return False
        if operator == "UNION" and self.accept("ALL"):
            return True
        wanted = "keyword ALL or keyword DISTINCT" if operator == "UNION" else "keyword DISTINCT"
        raise self.syntax_error(f"Expected {wanted} but got {describe(self.token)}")

    def _term(self) -> tree.Body:
        if self.token.key == "(":
            self.advance()
            query = self.query()
            self.expect(")")
            return query
        if self.token.key != "SELECT":
            raise self.unexpected()
        return self._select()

    def _select(self) -> tree.Select:
        at = self.advance().start
        if self.token.key == "WITH":
            raise refused(f"SELECT WITH {self.peek().value}", self.token.start)
        is_distinct = self.accept("DISTINCT")
        if not is_distinct:
            self.accept("ALL")
        mode = self._select_mode()
        items = [self._item()]
        while self.accept(","):
            if self.token.key in ("FROM", ")", ";") or self.token.kind is Kind.END:
                break
            items.append(self._item())
        source = self.source() if self.accept("FROM") else None
        where = self.expression() if self.accept("WHERE") else None
        grouping = self._grouping()
        having = self.expression() if self.accept("HAVING") else None
        qualify = self.expression() if self.accept("QUALIFY") else None
        windows = self._windows()
        return tree.Select(
            at, tuple(items), source, where, grouping, having, qualify, windows, is_distinct, mode
        )

    def _select_mode(self) -> str:
        if not self.accept("AS"):
            return ""
        if self.token.key not in ("STRUCT", "VALUE"):
            raise self.unexpected()
        return self.advance().key

    def _item(self) -> tree.SelectItem | tree.SelectStar:
        at = self.token.start
        if self.accept("*"):
            return self._star(None, at)
        value = self.expression()
        if self.token.key == "." and self.peek().key == "*":
            self.expect(".", "*")
            return self._star(value, at)
        return tree.SelectItem(value, self.optional_alias(), at)

    def _star(self, source: Expr | None, at: int) -> tree.SelectStar:
        without: tuple[Name, ...] = ()
        replacing: list[tree.SelectItem] = []
        if self.token.key == "EXCEPT" and self.peek().key == "(":
            self.advance()
            without = self._names()
        if self.token.key == "REPLACE" and self.peek().key == "(":
            self.advance()
            self.advance()
            while not replacing or self.accept(","):
                item_at = self.token.start
                value = self.expression()
                self.accept("AS")
                replacing.append(tree.SelectItem(value, self.name(), item_at))
            self.expect(")")
        return tree.SelectStar(source, without, tuple(replacing), at)

    def _grouping(self) -> tree.Grouping | None:
        at = self.token.start
        if not self.accept("GROUP", "BY"):
            return None
        if self.accept("ALL"):
            return tree.Grouping("ALL", (), (), at)
        if self.token.key in ("ROLLUP", "CUBE") and self.peek().key == "(":
            kind = self.advance().key
            return tree.Grouping(kind, (), self._grouping_sets(), at)
        if self.accept("GROUPING", "SETS"):
            return tree.Grouping("SETS", (), self._grouping_sets(), at)
        return tree.Grouping("", self.expressions(), (), at)

    def _grouping_sets(self) -> tuple[tuple[Expr, ...], ...]:
        self.expect("(")
        sets: list[tuple[Expr, ...]] = []
        while not sets or self.accept(","):
            if self.token.key in ("ROLLUP", "CUBE"):
                raise refused(f"{self.token.key} inside GROUPING SETS", self.token.start)
            if self.accept("(", ")"):
                sets.append(())
                continue
            value = self.expression()
            if isinstance(value, tree.StructValue) and value.type is None:
                sets.append(tuple(inner for _, inner in value.values))
            else:
                sets.append((value,))
        self.expect(")")
        return tuple(sets)

    def _windows(self) -> tuple[tuple[Name, tree.Window], ...]:
        if not self.accept("WINDOW"):
            return ()
        windows: list[tuple[Name, tree.Window]] = []
        while not windows or self.accept(","):
            name = self.name()
            self.expect("AS")
            if self.at_identifier():
                base = self.name()
                windows.append((name, tree.Window(base.at, base, (), (), None)))
            else:
                windows.append((name, self.window()))
        return tuple(windows)


def _is_array_path(source: Source) -> bool:
    """Whether a join to it needs no condition: UNNEST, or a path that may be an array."""
    return isinstance(source, tree.Unnest | tree.TableName)


def parse_query(text: str) -> tree.Query:
    """A text that is one query and nothing else."""
    parser = QueryParser(text)
    query = parser.query()
    parser.accept(";")
    if parser.token.kind is not Kind.END:
        got = describe(parser.token)
        raise parser.syntax_error(f"Expected end of input but got {got}")
    return query


def parse_expression(text: str) -> Expr:
    """A text that is one expression, such as a column's default."""
    parser = QueryParser(text)
    value = parser.expression()
    if parser.token.kind is not Kind.END:
        got = describe(parser.token)
        raise parser.syntax_error(f"Expected end of input but got {got}")
    return value
