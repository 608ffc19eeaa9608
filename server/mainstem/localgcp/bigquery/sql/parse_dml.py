"""The grammar of INSERT, UPDATE, DELETE, MERGE and TRUNCATE."""

from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.parse_ddl import DdlParser
from mainstem.localgcp.bigquery.sql.tree import Expr, Name, Path


class DmlParser(DdlParser):
    """Statements that change rows."""

    def insert(self) -> st.Insert:
        """A statement whose INSERT is the current token."""
        self.expect("INSERT")
        self.accept("INTO")
        target = self.table_path()
        columns = None
        if self.token.key == "(" and not self.at_query():
            columns = self._names()
        if self.accept("VALUES"):
            rows = [self._row()]
            while self.accept(","):
                rows.append(self._row())
            return st.Insert(target, columns, None, tuple(rows))
        return st.Insert(target, columns, self.query(), ())

    def _row(self) -> tuple[Expr | st.Default, ...]:
        self.expect("(")
        values = [self._value()]
        while self.accept(","):
            values.append(self._value())
        self.expect(")")
        return tuple(values)

    def _value(self) -> Expr | st.Default:
        if self.token.key == "DEFAULT":
            return st.Default(self.advance().start)
        return self.expression()

    def update(self) -> st.Update:
        """A statement whose UPDATE is the current token."""
        self.expect("UPDATE")
        target = self.table_path()
        alias = self.optional_alias()
        self.expect("SET")
        assignments = self._assignments()
        source = self.source() if self.accept("FROM") else None
        if self.token.key != "WHERE":
            raise self.syntax_error("UPDATE must have a WHERE clause")
        self.advance()
        return st.Update(target, alias, assignments, source, self.expression())

    def _assignments(self) -> tuple[st.Assignment, ...]:
        out = [self._assignment()]
        while self.accept(","):
            out.append(self._assignment())
        return tuple(out)

    def _assignment(self) -> st.Assignment:
        at = self.token.start
        names: list[Name] = [self.name()]
        while self.accept("."):
            names.append(self.any_name())
        self.expect("=")
        return Path(at, tuple(names)), self._value()

    def delete(self) -> st.Delete:
        """A statement whose DELETE is the current token."""
        self.expect("DELETE")
        self.accept("FROM")
        target = self.table_path()
        alias = self.optional_alias()
        if self.token.key != "WHERE":
            raise self.syntax_error("DELETE must have a WHERE clause")
        self.advance()
        return st.Delete(target, alias, self.expression())

    def truncate(self) -> st.Truncate:
        """A statement whose TRUNCATE is the current token."""
        self.expect("TRUNCATE")
        self.expect("TABLE")
        return st.Truncate(self.table_path())

    def merge(self) -> st.Merge:
        """A statement whose MERGE is the current token."""
        self.expect("MERGE")
        self.accept("INTO")
        target = self.table_path()
        alias = self.optional_alias()
        self.expect("USING")
        source = self._table()
        self.expect("ON")
        condition = self.expression()
        clauses: list[st.MergeClause] = []
        while self.token.key == "WHEN":
            clauses.append(self._clause())
        if not clauses:
            raise self.unexpected()
        return st.Merge(target, alias, source, condition, tuple(clauses))

    def _clause(self) -> st.MergeClause:
        at = self.expect("WHEN").start
        kind = "MATCHED"
        if self.accept("NOT"):
            kind = "TARGET"
        self.expect("MATCHED")
        if kind == "TARGET" and self.accept("BY"):
            if self.token.key not in ("SOURCE", "TARGET"):
                raise self.unexpected()
            kind = self.advance().key
        condition = self.expression() if self.accept("AND") else None
        self.expect("THEN")
        return self._action(kind, condition, at)

    def _action(self, kind: str, condition: Expr | None, at: int) -> st.MergeClause:
        if kind == "TARGET":
            self.expect("INSERT")
            return self._merge_insert(kind, condition, at)
        if self.accept("DELETE"):
            return st.MergeClause(kind, condition, "DELETE", at)
        self.expect("UPDATE")
        self.expect("SET")
        return st.MergeClause(kind, condition, "UPDATE", at, self._assignments())

    def _merge_insert(self, kind: str, condition: Expr | None, at: int) -> st.MergeClause:
        columns = None
        if self.accept("ROW"):
            return st.MergeClause(kind, condition, "INSERT", at)
        if self.token.key == "(":
            columns = self._names()
        if self.accept("ROW"):
            return st.MergeClause(kind, condition, "INSERT", at, columns=columns)
        self.expect("VALUES")
        return st.MergeClause(kind, condition, "INSERT", at, columns=columns, values=self._row())
