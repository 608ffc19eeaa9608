"""The grammar of scripts: statements, blocks, loops, variables."""

from collections.abc import Callable
from typing import Final

from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.lexer import Kind
from mainstem.localgcp.bigquery.sql.parse_base import describe
from mainstem.localgcp.bigquery.sql.parse_dml import DmlParser
from mainstem.localgcp.bigquery.sql.problems import refused
from mainstem.localgcp.bigquery.sql.tree import Expr, Name

_REFUSED: Final = {
    "CALL": "CALL", "GRANT": "GRANT", "REVOKE": "REVOKE", "UNDROP": "UNDROP", "PUBLISH": "PUBLISH",
}  # fmt: skip


class ScriptParser(DmlParser):
    """Whole texts: one statement or many."""

    def script(self) -> st.Script:
        """Everything up to the end of the text."""
        statements = self._statements(())
        if not self.at_end():
            got = describe(self.token)
            raise self.syntax_error(f"Expected end of input but got {got}")
        if not statements:
            raise self.syntax_error("Unexpected end of statement")
        return st.Script(self.text, statements, self.positional)

    def _statements(self, closers: tuple[str, ...]) -> tuple[st.Statement, ...]:
        """Statements until one of the words that close a block."""
        out: list[st.Statement] = []
        while True:
            while self.accept(";"):
                pass
            if self.at_end() or self._at_closer(closers):
                return tuple(out)
            statement = self._statement()
            if isinstance(statement.node, st.Declare) and any(
                not isinstance(each.node, st.Declare) for each in out
            ):
                raise self.syntax_error(
                    "Variable declarations are allowed only at the start of a block or script",
                    statement.start,
                )
            out.append(statement)
            if self.at_end():
                return tuple(out)
            if not self.accept(";"):
                got = describe(self.token)
                wanted = "end of input" if not closers else '";"'
                raise self.syntax_error(f"Expected {wanted} but got {got}")

    def _at_closer(self, closers: tuple[str, ...]) -> bool:
        return any(self.at_words(*closer.split()) for closer in closers)

    def _statement(self) -> st.Statement:
        start = self.token.start
        node = self._node()
        return st.Statement(node, start, self.tokens[self.index - 1].end)

    def _node(self) -> st.Node:
        token = self.token
        if token.key in ("SELECT", "WITH", "("):
            return st.QueryStatement(self.query())
        if token.key == "FROM":
            raise refused("queries that begin with FROM", token.start)
        if token.key in _REFUSED:
            raise refused(f"{_REFUSED[token.key]} statements", token.start)
        if token.kind is Kind.WORD and self.peek().key == ":":
            return self._labelled()
        parse = _STATEMENTS.get(token.key)
        if parse is None:
            raise self.unexpected()
        return parse(self)

    def _labelled(self) -> st.Node:
        label = self.name().text.casefold()
        self.advance()
        parse = _LABELLED.get(self.token.key)
        if parse is None:
            raise self.unexpected()
        node = parse(self, label)
        if self.at_identifier() and self.token.value.casefold() == label:
            self.advance()
        return node

    # ---- variables ------------------------------------------------------------------------

    def _declare(self) -> st.Declare:
        self.expect("DECLARE")
        names = [self.name()]
        while self.accept(","):
            names.append(self.name())
        kind = default = None
        if self.token.key != "DEFAULT":
            kind = self.type_name()
        if self.accept("DEFAULT"):
            default = self.expression()
        return st.Declare(tuple(names), kind, default)

    def _set(self) -> st.Assign:
        self.expect("SET")
        if self.token.kind is Kind.SYSTEM:
            name = self.advance().value
            self.expect("=")
            return st.Assign((), self.expression(), False, name)
        if self.token.key == "(":
            names = self._names()
            self.expect("=")
            return st.Assign(names, self.expression(), True)
        target = self.name()
        self.expect("=")
        return st.Assign((target,), self.expression(), False)

    # ---- control flow ---------------------------------------------------------------------

    def _if(self) -> st.If:
        self.expect("IF")
        branches = [self._branch(("ELSEIF", "ELSE", "END"))]
        while self.accept("ELSEIF"):
            branches.append(self._branch(("ELSEIF", "ELSE", "END")))
        otherwise: tuple[st.Statement, ...] = ()
        if self.accept("ELSE"):
            otherwise = self._statements(("END",))
        self.expect("END", "IF")
        return st.If(tuple(branches), otherwise)

    def _branch(self, closers: tuple[str, ...]) -> tuple[Expr, tuple[st.Statement, ...]]:
        condition = self.expression()
        self.expect("THEN")
        return condition, self._statements(closers)

    def _case_statement(self) -> st.CaseStatement:
        self.expect("CASE")
        operand = None if self.token.key == "WHEN" else self.expression()
        branches: list[tuple[Expr, tuple[st.Statement, ...]]] = []
        while self.accept("WHEN"):
            branches.append(self._branch(("WHEN", "ELSE", "END")))
        otherwise: tuple[st.Statement, ...] = ()
        if self.accept("ELSE"):
            otherwise = self._statements(("END",))
        self.expect("END", "CASE")
        return st.CaseStatement(operand, tuple(branches), otherwise)

    def _loop(self, label: str = "") -> st.Loop:
        self.expect("LOOP")
        body = self._statements(("END",))
        self.expect("END", "LOOP")
        return st.Loop("LOOP", None, body, label)

    def _while(self, label: str = "") -> st.Loop:
        self.expect("WHILE")
        condition = self.expression()
        self.expect("DO")
        body = self._statements(("END",))
        self.expect("END", "WHILE")
        return st.Loop("WHILE", condition, body, label)

    def _repeat(self, label: str = "") -> st.Loop:
        self.expect("REPEAT")
        body = self._statements(("UNTIL",))
        self.expect("UNTIL")
        condition = self.expression()
        self.expect("END", "REPEAT")
        return st.Loop("REPEAT", condition, body, label)

    def _for(self, label: str = "") -> st.For:
        self.expect("FOR")
        name = self.name()
        self.expect("IN", "(")
        query = self.query()
        self.expect(")", "DO")
        body = self._statements(("END",))
        self.expect("END", "FOR")
        return st.For(name, query, body, label)

    def _begin(self, label: str = "") -> st.Node:
        if not label and (self.peek().key in ("TRANSACTION", ";") or self.peek().kind is Kind.END):
            self.advance()
            self.accept("TRANSACTION")
            return st.TransactionControl("BEGIN")
        self.expect("BEGIN")
        body = self._statements(("END", "EXCEPTION"))
        handler = None
        if self.accept("EXCEPTION"):
            self.expect("WHEN", "ERROR", "THEN")
            handler = self._statements(("END",))
        self.expect("END")
        return st.Block(body, handler, label)

    def _jump(self) -> st.Jump:
        word = self.advance().key
        kind = {"LEAVE": "BREAK", "ITERATE": "CONTINUE"}.get(word, word)
        label = ""
        if kind != "RETURN" and self.at_identifier():
            label = self.name().text.casefold()
        return st.Jump(kind, label)

    def _raise(self) -> st.Raise:
        self.expect("RAISE")
        if self.accept("USING"):
            self.expect("MESSAGE", "=")
            return st.Raise(self.expression())
        return st.Raise(None)

    def _execute(self) -> st.ExecuteImmediate:
        self.expect("EXECUTE", "IMMEDIATE")
        text = self.expression()
        into: list[Name] = []
        using: list[tuple[str | None, Expr]] = []
        if self.accept("INTO"):
            into.append(self.name())
            while self.accept(","):
                into.append(self.name())
        if self.accept("USING"):
            while not using or self.accept(","):
                value = self.expression()
                using.append((self.name().text if self.accept("AS") else None, value))
        return st.ExecuteImmediate(text, tuple(into), tuple(using))

    def _assert(self) -> st.Assert:
        self.expect("ASSERT")
        condition = self.expression()
        message = self.string() if self.accept("AS") else None
        return st.Assert(condition, message)

    def _end_transaction(self) -> st.TransactionControl:
        kind = self.advance().key
        self.accept("TRANSACTION")
        return st.TransactionControl(kind)


_STATEMENTS: Final[dict[str, Callable[[ScriptParser], st.Node]]] = {
    "INSERT": ScriptParser.insert,
    "UPDATE": ScriptParser.update,
    "DELETE": ScriptParser.delete,
    "MERGE": ScriptParser.merge,
    "TRUNCATE": ScriptParser.truncate,
    "CREATE": ScriptParser.create,
    "DROP": ScriptParser.drop,
    "EXPORT": ScriptParser.export_data,
    "LOAD": ScriptParser.load_data,
    "ALTER": ScriptParser.alter,
    "DECLARE": ScriptParser._declare,
    "SET": ScriptParser._set,
    "IF": ScriptParser._if,
    "CASE": ScriptParser._case_statement,
    "LOOP": ScriptParser._loop,
    "WHILE": ScriptParser._while,
    "REPEAT": ScriptParser._repeat,
    "FOR": ScriptParser._for,
    "BEGIN": ScriptParser._begin,
    "BREAK": ScriptParser._jump,
    "LEAVE": ScriptParser._jump,
    "CONTINUE": ScriptParser._jump,
    "ITERATE": ScriptParser._jump,
    "RETURN": ScriptParser._jump,
    "RAISE": ScriptParser._raise,
    "EXECUTE": ScriptParser._execute,
    "ASSERT": ScriptParser._assert,
    "COMMIT": ScriptParser._end_transaction,
    "ROLLBACK": ScriptParser._end_transaction,
}
_LABELLED: Final[dict[str, Callable[[ScriptParser, str], st.Node]]] = {
    "LOOP": ScriptParser._loop,
    "WHILE": ScriptParser._while,
    "REPEAT": ScriptParser._repeat,
    "FOR": ScriptParser._for,
    "BEGIN": ScriptParser._begin,
}


def parse_script(text: str) -> st.Script:
    """A whole query text."""
    return ScriptParser(text).script()
