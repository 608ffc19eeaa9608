"""The grammar of CREATE, ALTER and DROP."""

from typing import Final

from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.lexer import Kind
from mainstem.localgcp.bigquery.sql.parse_base import describe
from mainstem.localgcp.bigquery.sql.parse_columns import ColumnParser
from mainstem.localgcp.bigquery.sql.problems import refused
from mainstem.localgcp.bigquery.sql.tree import Expr, Name, TypeName

_REFUSED_CREATES: Final = (
    "PROCEDURE", "MODEL", "ROW", "SEARCH", "VECTOR", "CAPACITY", "RESERVATION", "ASSIGNMENT",
    "CONNECTION", "AGGREGATE", "PROPERTY", "DATABASE", "ROLE", "APPROX",
)  # fmt: skip


class DdlParser(ColumnParser):
    """Definitions of tables, views, datasets and functions."""

    def create(self) -> st.Node:
        """A statement whose CREATE is the current token."""
        self.expect("CREATE")
        replaces = self.accept("OR", "REPLACE")
        is_temporary = self.token.key in ("TEMP", "TEMPORARY")
        if is_temporary:
            self.advance()
        at = self.token.start
        if self.accept("TABLE", "FUNCTION"):
            return self._function(replaces, is_temporary, is_table=True)
        if self.accept("TABLE"):
            return self._create_table(replaces, is_temporary)
        if self.accept("FUNCTION"):
            return self._function(replaces, is_temporary, is_table=False)
        if self.token.key in ("EXTERNAL", "SNAPSHOT", "VIEW", "MATERIALIZED", "SCHEMA"):
            if is_temporary:
                raise refused(f"CREATE TEMP {self.token.key}", at)
            return self._other(replaces)
        if self.token.key in _REFUSED_CREATES:
            raise refused(f"CREATE {self.token.key}", at)
        raise self.unexpected()

    def _other(self, replaces: bool) -> st.Node:
        if self.accept("EXTERNAL"):
            if self.token.key == "SCHEMA":
                raise refused("CREATE EXTERNAL SCHEMA", self.token.start)
            self.expect("TABLE")
            return self._external(replaces)
        if self.accept("SNAPSHOT", "TABLE"):
            return self._snapshot(replaces)
        if self.accept("SCHEMA"):
            return self._schema(replaces)
        is_materialized = self.accept("MATERIALIZED")
        self.expect("VIEW")
        return self._view(replaces, is_materialized)

    def _head(self, replaces: bool) -> st.Creation:
        if_not_exists = self.accept("IF", "NOT", "EXISTS")
        if replaces and if_not_exists:
            raise self.syntax_error("CREATE OR REPLACE and IF NOT EXISTS cannot be used together")
        return st.Creation(self.table_path(), replaces, if_not_exists)

    def _create_table(self, replaces: bool, is_temporary: bool) -> st.CreateTable:
        head = self._head(replaces)
        columns: tuple[st.ColumnDefinition, ...] | None = None
        primary: tuple[str, ...] = ()
        foreign: tuple[st.ForeignKey, ...] = ()
        like = copied = copied_at = None
        word = "TABLE"
        if self.accept("LIKE"):
            like = self.table_path()
        elif self.token.key in ("COPY", "CLONE"):
            word = self.advance().key
            copied, copied_at = self.table_path(), self._system_time()
        if self.token.key == "(":
            columns, primary, foreign = self.column_list()
        if self.token.key == "DEFAULT":
            raise refused("DEFAULT COLLATE", self.token.start)
        partition, cluster = self._layout()
        self._refuse_connection()
        options = self.options()
        query = self._as_query()
        return st.CreateTable(
            head, is_temporary, columns, primary, foreign, like, copied, copied_at, partition,
            cluster, options, query, word=word,
        )  # fmt: skip

    def _refuse_connection(self) -> None:
        if self.token.key == "WITH":
            raise refused(f"WITH {self.peek().value}", self.token.start)

    def _system_time(self) -> Expr | None:
        if not self.accept("FOR"):
            return None
        self.expect("SYSTEM_TIME", "AS", "OF")
        return self.expression()

    def _layout(self) -> tuple[Expr | None, tuple[Name, ...]]:
        partition = self.expression() if self.accept("PARTITION", "BY") else None
        cluster: list[Name] = []
        if self.accept("CLUSTER", "BY"):
            cluster.append(self.name())
            while self.accept(","):
                cluster.append(self.name())
        return partition, tuple(cluster)

    def _as_query(self) -> tree.Query | None:
        return self.query() if self.accept("AS") else None

    def _snapshot(self, replaces: bool) -> st.CreateTable:
        head = self._head(replaces)
        self.expect("CLONE")
        source, moment = self.table_path(), self._system_time()
        options = self.options()
        return st.CreateTable(
            head, False, None, (), (), None, source, moment, None, (), options, None,
            is_snapshot=True, word="SNAPSHOT",
        )  # fmt: skip

    def _external(self, replaces: bool) -> st.CreateExternalTable:
        head = self._head(replaces)
        columns: tuple[st.ColumnDefinition, ...] | None = None
        if self.token.key == "(":
            columns, _, _ = self.column_list()
        if self.token.key == "WITH":
            raise refused(f"external tables WITH {self.peek().value} {self.peek(2).value}",
                          self.token.start)  # fmt: skip
        return st.CreateExternalTable(head, columns, self.options())

    def load_data(self) -> st.LoadData:
        """A statement whose LOAD is the current token."""
        self.expect("LOAD", "DATA")
        overwrites = self.accept("OVERWRITE")
        if not overwrites:
            self.expect("INTO")
        if self.token.key in ("TEMP", "TEMPORARY"):
            raise refused("LOAD DATA INTO TEMP TABLE", self.token.start)
        path = self.table_path()
        if self.token.key == "PARTITIONS":
            raise refused("LOAD DATA into PARTITIONS", self.token.start)
        columns: tuple[st.ColumnDefinition, ...] | None = None
        if self.token.key == "(":
            columns, _, _ = self.column_list()
        partition, cluster = self._layout()
        options = self.options()
        self.expect("FROM", "FILES")
        files = self.options_list()
        if self.token.key == "WITH":
            raise refused(f"LOAD DATA WITH {self.peek().value}", self.token.start)
        return st.LoadData(path, overwrites, columns, partition, cluster, options, files)

    def export_data(self) -> st.ExportData:
        """A statement whose EXPORT is the current token."""
        at = self.token.start
        self.expect("EXPORT")
        if self.token.key != "DATA":
            raise refused(f"EXPORT {self.token.value} statements", at)
        self.expect("DATA")
        self._refuse_connection()
        options = self.options()
        self.expect("AS")
        return st.ExportData(options, self.query(), at)

    def _schema(self, replaces: bool) -> st.CreateSchema:
        if replaces:
            raise refused("CREATE OR REPLACE SCHEMA", self.token.start)
        head = self._head(replaces)
        if self.token.key == "DEFAULT":
            raise refused("DEFAULT COLLATE", self.token.start)
        return st.CreateSchema(head, self.options())

    def _view(self, replaces: bool, is_materialized: bool) -> st.CreateView:
        head = self._head(replaces)
        columns = self.view_columns() if self.token.key == "(" else ()
        partition, cluster = self._layout() if is_materialized else (None, ())
        options = self.options()
        self.expect("AS")
        start = self.token.start
        if self.token.key == "REPLICA":
            raise refused("CREATE MATERIALIZED VIEW AS REPLICA", start)
        query = self.query()
        text = self.text[start : self.tokens[self.index - 1].end]
        return st.CreateView(
            head, columns, options, text, query, is_materialized, partition, cluster
        )

    # ---- functions ------------------------------------------------------------------------

    def _function(self, replaces: bool, is_temporary: bool, *, is_table: bool) -> st.CreateFunction:
        head = self._head(replaces)
        self.expect("(")
        arguments: list[tuple[str, TypeName | None, str]] = []
        while self.token.key != ")":
            arguments.append(self._argument())
            if not self.accept(","):
                break
        self.expect(")")
        returns, returns_text = self._returns()
        if self.token.key == "LANGUAGE":
            raise refused(f"functions in LANGUAGE {self.peek().value}", self.token.start)
        if self.token.key == "REMOTE":
            raise refused("remote functions", self.token.start)
        options = self.options()
        self.expect("AS")
        start = self.token.start
        body: Expr | tree.Query
        if is_table:
            body = self.query()
        elif self.token.kind is Kind.STRING:
            raise refused("functions whose body is a string (LANGUAGE js or python)", start)
        else:
            self.expect("(")
            start = self.token.start
            body = self.argument()
        text = self.text[start : self.tokens[self.index - 1].end]
        if not is_table:
            self.expect(")")
        options = options or self.options()
        return st.CreateFunction(
            head, is_temporary, tuple(arguments), returns, returns_text, body, text, is_table,
            options,
        )  # fmt: skip

    def _argument(self) -> tuple[str, TypeName | None, str]:
        name = self.any_name().text
        start = self.token.start
        if self.accept("ANY"):
            if self.token.key != "TYPE":
                raise self.unexpected()
            self.advance()
            return name, None, "ANY TYPE"
        if self.token.key == "TABLE":
            raise refused("table-typed function arguments", start)
        kind = self.type_name()
        return name, kind, self.text[start : self.tokens[self.index - 1].end]

    def _returns(self) -> tuple[TypeName | None, str | None]:
        if not self.accept("RETURNS"):
            return None, None
        start = self.token.start
        if self.token.key == "TABLE":
            raise refused("RETURNS TABLE<…>", start)
        kind = self.type_name()
        return kind, self.text[start : self.tokens[self.index - 1].end]

    # ---- DROP and ALTER -------------------------------------------------------------------

    def drop(self) -> st.Drop:
        """A statement whose DROP is the current token."""
        self.expect("DROP")
        kind = self._object_kind()
        if_exists = self.accept("IF", "EXISTS")
        path = self.table_path()
        cascades = False
        if kind == "SCHEMA" and self.token.key in ("CASCADE", "RESTRICT"):
            cascades = self.advance().key == "CASCADE"
        return st.Drop(kind, path, if_exists, cascades)

    def _object_kind(self) -> str:
        at = self.token.start
        first = self.token.key
        if self.accept("TABLE", "FUNCTION"):
            return "TABLE FUNCTION"
        if first in ("TABLE", "VIEW", "SCHEMA", "FUNCTION"):
            return self.advance().key
        if first in ("EXTERNAL", "SNAPSHOT", "MATERIALIZED"):
            self.advance()
            second = "VIEW" if first == "MATERIALIZED" else "TABLE"
            self.expect(second)
            return f"{first} {second}"
        if first in (*_REFUSED_CREATES, "ALL"):
            raise refused(f"{self.tokens[self.index - 1].key} {first}", at)
        raise self.unexpected()

    def alter(self) -> st.Alter:
        """A statement whose ALTER is the current token."""
        self.expect("ALTER")
        at = self.token.start
        kind = self.token.key
        if kind == "MATERIALIZED":
            self.advance()
            kind = "MATERIALIZED VIEW"
        if self.token.key not in ("TABLE", "VIEW", "SCHEMA"):
            raise refused(f"ALTER {self.token.value}", at)
        self.advance()
        if_exists = self.accept("IF", "EXISTS")
        path = self.table_path()
        actions = [self._alteration(kind)]
        while self.accept(","):
            actions.append(self._alteration(kind))
        return st.Alter(kind, path, if_exists, tuple(actions))

    def _alteration(self, kind: str) -> st.AlterAction:
        at = self.token.start
        if self.accept("SET", "OPTIONS"):
            return st.AlterAction("SET OPTIONS", at, options=self.options_list())
        if self.token.key == "SET":
            raise refused(f"ALTER {kind} SET {self.peek().value}", at)
        if kind == "VIEW" and self.token.key == "ALTER":
            return self._alter_column(at)
        if kind != "TABLE":
            raise self.unexpected()
        if self.accept("ADD"):
            return self._add(at)
        if self.accept("DROP"):
            return self._drop_part(at)
        if self.accept("RENAME"):
            return self._rename(at)
        if self.token.key == "ALTER":
            return self._alter_column(at)
        raise self.unexpected()

    def _add(self, at: int) -> st.AlterAction:
        if self.token.key in ("PRIMARY", "CONSTRAINT", "FOREIGN"):
            primary, foreign = self.table_constraint()
            return st.AlterAction("ADD KEY", at, keys=primary, foreign_keys=foreign)
        self.expect("COLUMN")
        is_conditional = self.accept("IF", "NOT", "EXISTS")
        definition = self.column_definition()
        return st.AlterAction(
            "ADD COLUMN", at, definition=definition, is_conditional=is_conditional
        )

    def _drop_part(self, at: int) -> st.AlterAction:
        if self.accept("PRIMARY", "KEY"):
            is_conditional = self.accept("IF", "EXISTS")
            return st.AlterAction("DROP PRIMARY KEY", at, is_conditional=is_conditional)
        if self.token.key == "CONSTRAINT":
            raise refused("ALTER TABLE DROP CONSTRAINT", at)
        self.expect("COLUMN")
        is_conditional = self.accept("IF", "EXISTS")
        return st.AlterAction("DROP COLUMN", at, name=self.name(), is_conditional=is_conditional)

    def _rename(self, at: int) -> st.AlterAction:
        if self.accept("TO"):
            return st.AlterAction("RENAME TO", at, path=self.table_path())
        self.expect("COLUMN")
        is_conditional = self.accept("IF", "EXISTS")
        name = self.name()
        self.expect("TO")
        return st.AlterAction(
            "RENAME COLUMN", at, name=name, new_name=self.name(), is_conditional=is_conditional
        )

    def _alter_column(self, at: int) -> st.AlterAction:
        self.expect("ALTER", "COLUMN")
        is_conditional = self.accept("IF", "EXISTS")
        name = self.name()
        if self.accept("SET", "OPTIONS"):
            return st.AlterAction("COLUMN OPTIONS", at, name=name, options=self.options_list(),
                                  is_conditional=is_conditional)  # fmt: skip
        if self.accept("SET", "DATA", "TYPE"):
            definition = self.typed_column(name)
            return st.AlterAction("COLUMN TYPE", at, name=name, type=definition.type,
                                  is_conditional=is_conditional)  # fmt: skip
        if self.accept("SET", "DEFAULT"):
            start = self.token.start
            self.expression()
            text = self.text[start : self.tokens[self.index - 1].end]
            return st.AlterAction("COLUMN DEFAULT", at, name=name, default_sql=text,
                                  is_conditional=is_conditional)  # fmt: skip
        if self.accept("DROP", "DEFAULT"):
            return st.AlterAction("COLUMN DEFAULT", at, name=name, is_conditional=is_conditional)
        if self.accept("DROP", "NOT", "NULL"):
            return st.AlterAction("COLUMN NULLABLE", at, name=name, is_conditional=is_conditional)
        raise self.syntax_error(f"Unexpected {describe(self.token)}")
