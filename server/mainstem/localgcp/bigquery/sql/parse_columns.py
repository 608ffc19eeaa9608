"""The grammar of column lists, constraints and OPTIONS."""

from dataclasses import replace

from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.parse_query import QueryParser
from mainstem.localgcp.bigquery.sql.problems import refused
from mainstem.localgcp.bigquery.sql.tree import Expr, Name, TypeName

Columns = tuple[tuple[st.ColumnDefinition, ...], tuple[str, ...], tuple[st.ForeignKey, ...]]


class ColumnParser(QueryParser):
    """What stands in the parentheses of CREATE TABLE."""

    def options(self) -> st.Options:
        """`OPTIONS (…)` if it comes next."""
        if not self.accept("OPTIONS"):
            return ()
        return self.options_list()

    def options_list(self) -> st.Options:
        """The parenthesised list after OPTIONS."""
        self.expect("(")
        out: list[tuple[Name, Expr]] = []
        while self.token.key != ")":
            name = self.any_name()
            self.expect("=")
            out.append((name, self.expression()))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(out)

    def column_list(self) -> Columns:
        """Columns, primary key and foreign keys of a table."""
        self.expect("(")
        columns: list[st.ColumnDefinition] = []
        primary: tuple[str, ...] = ()
        foreign: list[st.ForeignKey] = []
        while self.token.key != ")":
            if self._at_constraint():
                keys, references = self.table_constraint()
                primary, foreign = keys or primary, [*foreign, *references]
            else:
                columns.append(self._column_of_list())
            if not self.accept(","):
                break
        self.expect(")")
        own = tuple(column.name.text for column in columns if column.is_primary_key)
        foreign += [column.reference for column in columns if column.reference is not None]
        return tuple(columns), primary or own, tuple(foreign)

    def _at_constraint(self) -> bool:
        if self.token.key == "CONSTRAINT":
            return True
        return self.at_words("PRIMARY", "KEY") or self.at_words("FOREIGN", "KEY")

    def _column_of_list(self) -> st.ColumnDefinition:
        """A column; a CTAS list may name columns without types."""
        if self.peek().key in (",", ")"):
            return st.ColumnDefinition(self.any_name(), None)
        return self.column_definition()

    def table_constraint(self) -> tuple[tuple[str, ...], tuple[st.ForeignKey, ...]]:
        """A table's PRIMARY KEY or FOREIGN KEY, neither of which BigQuery enforces."""
        name = None
        if self.accept("CONSTRAINT"):
            self.accept("IF", "NOT", "EXISTS")
            name = self.name().text
        if self.accept("PRIMARY", "KEY"):
            keys = tuple(name.text for name in self._names())
            self.expect("NOT", "ENFORCED")
            return keys, ()
        self.expect("FOREIGN", "KEY")
        columns = tuple(each.text for each in self._names())
        return (), (self._references(name, columns),)

    def _references(self, name: str | None, columns: tuple[str, ...]) -> st.ForeignKey:
        self.expect("REFERENCES")
        table = self.table_path()
        referenced = tuple(each.text for each in self._names())
        self.expect("NOT", "ENFORCED")
        return st.ForeignKey(name, columns, table, referenced)

    def column_definition(self) -> st.ColumnDefinition:
        """A column with its type and attributes."""
        name = self.any_name()
        definition = self.typed_column(name)
        is_required = is_key = False
        reference: st.ForeignKey | None = None
        default_sql = definition.default_sql
        options: st.Options = ()
        while True:
            if self.accept("NOT", "NULL"):
                is_required = True
            elif self.accept("DEFAULT"):
                default_sql = self._default()
            elif self.accept("PRIMARY", "KEY"):
                self.expect("NOT", "ENFORCED")
                is_key = True
            elif self.token.key == "REFERENCES":
                reference = self._references(None, (name.text,))
            elif self.token.key == "OPTIONS":
                options = self.options()
            elif self.token.key in ("COLLATE", "GENERATED"):
                raise refused(self.token.key, self.token.start)
            else:
                break
        return replace(
            definition,
            is_required=is_required,
            default_sql=default_sql,
            options=options,
            is_primary_key=is_key,
            reference=reference,
        )

    def _default(self) -> str:
        start = self.token.start
        self.expression(5)
        return self.text[start : self.tokens[self.index - 1].end]

    def typed_column(self, name: Name) -> st.ColumnDefinition:
        """A column's type; members of a STRUCT may carry NOT NULL and OPTIONS."""
        is_array = self.token.key == "ARRAY" and self.peek().key == "<"
        at = self.token.start
        if is_array and self.peek(2).key == "STRUCT":
            self.expect("ARRAY", "<")
            inner = self._struct_type()
            self._close_angle()
            written = TypeName(at, "ARRAY", element=inner.type)
            return st.ColumnDefinition(name, written, member_options=inner.member_options)
        if self.token.key == "STRUCT":
            inner = self._struct_type()
            return st.ColumnDefinition(name, inner.type, member_options=inner.member_options)
        return st.ColumnDefinition(name, self.type_name())

    def _struct_type(self) -> st.ColumnDefinition:
        at = self.expect("STRUCT").start
        self.expect("<")
        members: list[st.ColumnDefinition] = []
        while not members or self.accept(","):
            members.append(self.column_definition())
        self._close_angle()
        fields = tuple((each.name.text, each.type) for each in members if each.type is not None)
        written = TypeName(at, "STRUCT", fields=fields)
        return st.ColumnDefinition(Name("", at), written, member_options=tuple(members))

    def view_columns(self) -> tuple[st.ColumnDefinition, ...]:
        """The names, and perhaps descriptions, of a view's columns."""
        self.expect("(")
        out: list[st.ColumnDefinition] = []
        while not out or self.accept(","):
            name = self.any_name()
            out.append(st.ColumnDefinition(name, None, options=self.options()))
        self.expect(")")
        return tuple(out)
