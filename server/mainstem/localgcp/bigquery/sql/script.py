"""Scripts: variables, control flow, handlers and transactions around the statements."""

# writing SQL is what this package does; names are quoted by types.quote

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import duckdb

from mainstem.localgcp.bigquery.errors import BigQueryError, invalid_query
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.context import Surroundings
from mainstem.localgcp.bigquery.sql.execution import execute, statement_type
from mainstem.localgcp.bigquery.sql.failures import explain
from mainstem.localgcp.bigquery.sql.outcome import Outcome
from mainstem.localgcp.bigquery.sql.parse_script import parse_script
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, position, refused
from mainstem.localgcp.bigquery.sql.session import Effect, Session, answer_of
from mainstem.localgcp.bigquery.sql.tree import Name
from mainstem.localgcp.bigquery.sql.type_names import resolve_type
from mainstem.localgcp.bigquery.sql.types import (
    INT64,
    STRING,
    Type,
    literal,
    member_name,
    quote,
    struct_of,
)
from mainstem.localgcp.bigquery.sql.values import NULL, Value, text_value

MAX_STEPS: Final = 100_000


class Jumped(Exception):  # control flow, not an error
    """BREAK, CONTINUE or RETURN on its way to the loop or block it means."""

    def __init__(self, kind: str, label: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.label = label


class _Abandoned(Exception):  # leaves a transaction the way an error would
    """ROLLBACK, on its way out of the transaction."""


class Interpreter:
    """Runs the statements of a script and notes what each of them did."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.outcomes: list[Outcome] = []
        self._steps = 0
        self._handled: list[BigQueryError] = []

    def run(self, statements: Sequence[st.Statement]) -> None:
        """Run a whole script; a transaction still open at its end is undone."""
        try:
            self.body(statements)
        except Jumped as jump:
            if jump.kind != "RETURN":
                raise invalid_query(f"{jump.kind} is only allowed inside of a loop") from None
        finally:
            if self.session.transaction is not None:
                self.roll_back()

    def body(self, statements: Sequence[st.Statement]) -> None:
        declared: list[tuple[str, Value | None]] = []
        try:
            for statement in statements:
                if isinstance(statement.node, st.Declare):
                    declared += self._declare(statement.node)
                else:
                    self.step(statement)
        finally:
            for name, former in reversed(declared):
                self._restore(name, former)

    def step(self, statement: st.Statement) -> None:
        """Run one statement of any kind."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise invalid_query(f"The script ran more than {MAX_STEPS} statements")
        if self.session.request.is_cancelled():
            raise BigQueryError(
                "stopped", "Job execution was cancelled: User requested cancellation"
            )
        control = _CONTROL.get(type(statement.node))
        if control is not None:
            control(self, statement.node)
            return
        self._record(statement, lambda: execute(self.session, statement.node))

    def _record(self, statement: st.Statement, run: Callable[[], Effect]) -> None:
        session = self.session
        started = session.host.now()
        try:
            effect = run()
        except BigQueryError as error:
            kind = statement_type(statement.node)
            failed = Outcome(kind, self._text(statement), started, session.host.now(), error=error,
                             position=self._position(statement))  # fmt: skip
            self.outcomes.append(failed)
            raise
        self.outcomes.append(
            Outcome(
                effect.statement_type,
                self._text(statement),
                started,
                session.host.now(),
                effect.fields,
                effect.result,
                effect.ddl_operation,
                effect.target_table,
                effect.target_dataset,
                effect.target_routine,
                effect.dml,
                effect.referenced,
                effect.bytes_processed,
                self._position(statement),
            )
        )
        if effect.dml is not None:
            session.around.system["row_count"] = Value(str(effect.dml.affected), INT64)

    def _text(self, statement: st.Statement) -> str:
        return self.session.text[statement.start : statement.end]

    def _position(self, statement: st.Statement) -> tuple[int, int]:
        line, column = position(self.session.text, statement.start)[1:-1].split(":")
        return int(line), int(column)

    # ---- variables ------------------------------------------------------------------------

    def _declare(self, node: st.Declare) -> list[tuple[str, Value | None]]:
        """Create variables; gives what their names meant before."""
        with self._evaluating():
            kind = None if node.type is None else resolve_type(node.type)
            value = NULL if node.default is None else self.session.value(node.default, kind)
            if kind is None:
                if node.default is None:
                    raise SqlProblem("DECLARE needs a type or a default", node.names[0].at)
                kind = value.type
            former: list[tuple[str, Value | None]] = []
            for name in node.names:
                key = name.text.casefold()
                former.append((key, self.session.around.variables.get(key)))
                self._create(key, kind, value)
        return former

    def _create(self, key: str, kind: Type, value: Value) -> None:
        physical = self.session.unique("bq_variable_")
        sql = "NULL" if value.is_null else value.sql
        self.session.execute(f"SET VARIABLE {physical} = (CAST({sql} AS {kind.duckdb()}))")
        read = f"CAST(getvariable({literal(physical)}) AS {kind.duckdb()})"
        self.session.around.variables[key] = Value(read, kind)

    def _restore(self, key: str, former: Value | None) -> None:
        if former is None:
            self.session.around.variables.pop(key, None)
        else:
            self.session.around.variables[key] = former

    def _variable(self, name: Name) -> Value:
        found = self.session.around.variables.get(name.text.casefold())
        if found is None:
            raise SqlProblem(f"Undeclared variable: {name.text}", name.at)
        return found

    def assign(self, name: Name, value: Value) -> None:
        """Give a declared variable a value of its type."""
        variable = self._variable(name)
        physical = variable.sql.split("'")[1]
        kind = variable.type.duckdb()
        self.session.execute(f"SET VARIABLE {physical} = (CAST({value.sql} AS {kind}))")

    def _set(self, node: st.Assign) -> None:
        with self._evaluating():
            if node.system:
                self._set_system(node)
            elif not node.is_tuple:
                kind = self._variable(node.names[0]).type
                self.assign(node.names[0], self.session.value(node.value, kind))
            else:
                self._set_tuple(node)

    def _set_system(self, node: st.Assign) -> None:
        if node.system.casefold() != "time_zone":
            raise refused(f"SET @@{node.system}", node.value.at)
        if self.session.fetch(node.value, STRING) != "UTC":
            raise refused("a default time zone other than UTC", node.value.at)

    def _set_tuple(self, node: st.Assign) -> None:
        value = self.session.value(node.value)
        if not value.type.is_struct or len(value.type.fields) != len(node.names):
            raise SqlProblem(
                f"The right side of SET must be a STRUCT of {len(node.names)} fields", node.value.at
            )
        row = self.session.unique("bq_row_")
        self.session.execute(f"SET VARIABLE {row} = ({value.sql})")
        source = f"CAST(getvariable({literal(row)}) AS {value.type.duckdb()})"
        for index, name in enumerate(node.names):
            kind = value.type.fields[index][1]
            key = literal(member_name(value.type, index))
            part = Value(f"struct_extract({source}, {key})", kind)
            self.assign(name, self._as_variable(part, name))

    def _as_variable(self, value: Value, name: Name) -> Value:
        kind = self._variable(name).type
        if value.type.duckdb() == kind.duckdb() or kind.is_numeric:
            return value
        raise SqlProblem(f"Cannot coerce {value.type} to the type {kind} of {name.text}", name.at)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        with self.session.positions(), self.session.host.reading():
            yield

    # ---- control flow ---------------------------------------------------------------------

    def _if(self, node: st.If) -> None:
        for condition, body in node.branches:
            if self.session.truth(condition):
                self.body(body)
                return
        self.body(node.otherwise)

    def _case(self, node: st.CaseStatement) -> None:
        for condition, body in node.branches:
            test = condition
            if node.operand is not None:
                test = tree.Binary(condition.at, "=", node.operand, condition)
            if self.session.truth(test):
                self.body(body)
                return
        self.body(node.otherwise)

    def _once(self, body: Sequence[st.Statement], label: str) -> bool:
        """Run a loop's body; whether the loop goes on."""
        try:
            self.body(body)
        except Jumped as jump:
            if jump.kind == "RETURN" or jump.label not in ("", label):
                raise
            return jump.kind == "CONTINUE"
        return True

    def _loop(self, node: st.Loop) -> None:
        while True:
            if node.kind == "WHILE" and not self._holds(node.condition):
                return
            self._steps += 1
            if not self._once(node.body, node.label):
                return
            if node.kind == "REPEAT" and self._holds(node.condition):
                return
            if self._steps > MAX_STEPS:
                raise invalid_query(f"The script ran more than {MAX_STEPS} statements")

    def _holds(self, condition: tree.Expr | None) -> bool:
        return condition is not None and self.session.truth(condition)

    def _for(self, node: st.For) -> None:
        rows = self.session.unique("_for")
        with self._evaluating():
            analyzer = self.session.analyzer()
            answer = answer_of(analyzer.query(node.query, None))
            self.session.price(analyzer)
            self.session.execute(f"CREATE TEMP TABLE {rows} AS {answer.sql}", analyzer)
            count = self.session.execute(f"SELECT count(*) FROM {rows}").fetchone()[0]
        kind = struct_of((field.name, field.value_type()) for field in answer.fields)
        members = ", ".join(f"{quote(f.name)} := {quote(f.name)}" for f in answer.fields)
        key = node.name.text.casefold()
        former = self.session.around.variables.get(key)
        try:
            for at in range(count):
                row = f"SELECT struct_pack({members}) FROM {rows} WHERE rowid = {at}"
                with self._evaluating():
                    self._create(key, kind, Value(f"({row})", kind))
                if not self._once(node.body, node.label):
                    break
        finally:
            self._restore(key, former)

    def _block(self, node: st.Block) -> None:
        try:
            self.body(node.body)
        except Jumped as jump:
            if jump.kind != "BREAK" or not node.label or jump.label != node.label:
                raise
        except BigQueryError as error:
            if node.handler is None or error.reason == "stopped":
                raise
            self._handle(error, node.handler)

    def _handle(self, error: BigQueryError, handler: Sequence[st.Statement]) -> None:
        system = self.session.around.system
        former = dict(system)
        system["error.message"] = text_value(error.message)
        system["error.statement_text"] = text_value(
            self.outcomes[-1].text if self.outcomes else self.session.text
        )
        self._handled.append(error)
        try:
            self.body(handler)
        finally:
            self._handled.pop()
            self.session.around.system = {**former, **_kept(system)}

    def _jump(self, node: st.Jump) -> None:
        raise Jumped(node.kind, node.label)

    def _raise(self, node: st.Raise) -> None:
        if node.message is None:
            if not self._handled:
                raise invalid_query("RAISE without USING MESSAGE is only allowed in a handler")
            raise self._handled[-1]
        with self._evaluating():
            message = self.session.fetch(node.message, STRING)
        raise invalid_query(str(message))

    def _assert(self, node: st.Assert) -> None:
        if not self.session.truth(node.condition):
            raise invalid_query(node.message or "Assertion failed")

    # ---- EXECUTE IMMEDIATE ----------------------------------------------------------------

    def _execute(self, node: st.ExecuteImmediate) -> None:
        with self._evaluating():
            text = self.session.fetch(node.text, STRING)
            if text is None:
                raise SqlProblem("SQL string of EXECUTE IMMEDIATE cannot be NULL", node.text.at)
            named, positional = self._using(node)
        inner = self._inner_session(str(text), named, positional)
        with inner.positions():
            script = parse_script(inner.text)
        if len(script.statements) != 1 or type(script.statements[0].node) in _CONTROL:
            raise invalid_query("EXECUTE IMMEDIATE takes exactly one SQL statement")
        if node.into:
            self._execute_into(inner, script.statements[0].node, node.into)
            return
        nested = Interpreter(inner)
        try:
            nested.step(script.statements[0])
        finally:
            self.outcomes += nested.outcomes
            self.session.around.system.update(_kept(inner.around.system))

    def _inner_session(
        self, text: str, named: dict[str, Value], positional: tuple[Value, ...]
    ) -> Session:
        own = self.session.around
        around = Surroundings(
            own.host, named, positional, own.variables, own.system, own.functions, own.temporary
        )
        inner = Session(self.session.host, around, self.session.request, text)
        inner.serial_from(self.session)
        return inner

    def _using(self, node: st.ExecuteImmediate) -> tuple[dict[str, Value], tuple[Value, ...]]:
        named: dict[str, Value] = {}
        positional: list[Value] = []
        for name, written in node.using:
            value = self.session.value(written)
            held = self.session.unique("bq_using_")
            kind = value.type.duckdb()
            self.session.execute(f"SET VARIABLE {held} = (CAST({value.sql} AS {kind}))")
            read = Value(
                f"CAST(getvariable({literal(held)}) AS {kind})", value.type, is_parameter=True
            )
            if name is None:
                positional.append(read)
            else:
                named[name] = read
        return named, tuple(positional)

    def _execute_into(self, inner: Session, node: st.Node, names: Sequence[Name]) -> None:
        if not isinstance(node, st.QueryStatement):
            raise invalid_query("EXECUTE IMMEDIATE … INTO takes a query")
        with inner.positions(), inner.host.reading():
            analyzer = inner.analyzer()
            answer = answer_of(analyzer.query(node.query, None))
            if len(answer.fields) != len(names):
                raise SqlProblem(
                    f"EXECUTE IMMEDIATE INTO has {len(names)} variables for "
                    f"{len(answer.fields)} columns",
                    None,
                )
            inner.prepare(analyzer)
            for field, name in zip(answer.fields, names, strict=True):
                value = Value(
                    f"(SELECT {quote(field.name)} FROM ({answer.sql}))", field.value_type()
                )
                self.assign(name, self._as_variable(value, name))

    # ---- transactions ---------------------------------------------------------------------

    def _transaction(self, node: st.TransactionControl) -> None:
        {"BEGIN": self._begin, "COMMIT": self._commit, "ROLLBACK": self.roll_back}[node.kind]()

    def _begin(self) -> None:
        if self.session.transaction is not None:
            raise invalid_query("Transaction is already in progress; nested ones are not supported")
        stack = ExitStack()
        stack.enter_context(self.session.host.writing())
        self.session.transaction = stack

    def _commit(self) -> None:
        stack = self._open("COMMIT")
        try:
            stack.close()
        except duckdb.Error as error:
            raise explain(error) from error

    def roll_back(self) -> None:
        """Undo the open transaction."""
        stack = self._open("ROLLBACK")
        error = _Abandoned()
        try:
            stack.__exit__(_Abandoned, error, None)
        except _Abandoned:
            return

    def _open(self, word: str) -> ExitStack:
        stack, self.session.transaction = self.session.transaction, None
        if stack is None:
            raise invalid_query(f"{word} TRANSACTION without a transaction in progress")
        return stack


def _kept(system: dict[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in system.items() if key == "row_count"}


_CONTROL: Final[dict[type, Callable[[Interpreter, Any], None]]] = {
    st.Assign: Interpreter._set,
    st.If: Interpreter._if,
    st.CaseStatement: Interpreter._case,
    st.Loop: Interpreter._loop,
    st.For: Interpreter._for,
    st.Block: Interpreter._block,
    st.Jump: Interpreter._jump,
    st.Raise: Interpreter._raise,
    st.Assert: Interpreter._assert,
    st.ExecuteImmediate: Interpreter._execute,
    st.TransactionControl: Interpreter._transaction,
}


def is_script(statements: Sequence[st.Statement]) -> bool:
    """Whether a text makes child jobs: more than temporary functions before one statement."""
    *before, last = statements
    if isinstance(last.node, st.Declare) or type(last.node) in _CONTROL:
        return True
    return not all(
        isinstance(each.node, st.CreateFunction) and each.node.is_temporary for each in before
    )
