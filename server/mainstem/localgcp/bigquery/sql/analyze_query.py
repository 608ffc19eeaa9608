"""Queries: SELECT, set operations, WITH, and the functions that are queries themselves."""

# writing SQL is what this package does; names are quoted by types.quote

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.analyze_select import SelectAnalyzer
from mainstem.localgcp.bigquery.sql.casts import can_cast, cast
from mainstem.localgcp.bigquery.sql.coercion import can_coerce, coerce, supertype
from mainstem.localgcp.bigquery.sql.context import Context, Function
from mainstem.localgcp.bigquery.sql.pieces import direction
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.routines import catalog_function
from mainstem.localgcp.bigquery.sql.select_shape import ordinal
from mainstem.localgcp.bigquery.sql.type_names import resolve_type
from mainstem.localgcp.bigquery.sql.types import INT64, Type, quote
from mainstem.localgcp.bigquery.sql.values import Output, Relation, Scope, Value

MAX_CALLS: Final = 30
Inlined = TypeVar("Inlined", Value, Relation)


class Analyzer(SelectAnalyzer):
    """The whole of analysis: text of one query or expression to DuckDB SQL and types."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._calls = 0

    def query(self, node: tree.Query, parent: Scope | None) -> Relation:
        """A query with its WITH tables, order and limit."""
        saved = dict(self.common)
        try:
            definitions = [self._common_table(each, node, parent) for each in node.tables]
            relation = self._ordered(node, parent)
        finally:
            self.common = saved
        used = [text for key, text in definitions if f"{key} " in relation.sql or any(
            f"{key} " in other for _, other in definitions)]  # fmt: skip
        if not used:
            return relation
        word = "WITH RECURSIVE" if node.is_recursive else "WITH"
        sql = f"{word} {', '.join(used)} {relation.sql}"
        return Relation(sql, relation.outputs, relation.is_value)

    def subquery(self, query: tree.Query, scope: Scope) -> Relation:
        return self.query(query, scope)

    # ---- WITH -----------------------------------------------------------------------------

    def _common_table(
        self, node: tree.CommonTable, query: tree.Query, parent: Scope | None
    ) -> tuple[str, str]:
        """Analyse one WITH table; gives its DuckDB name and definition."""
        key = self.unique("w")
        if query.is_recursive and _mentions(node.query, node.name.text):
            return key, self._recursive(node, key, parent)
        relation = self.query(node.query, parent)
        named = Relation(key, relation.outputs, relation.is_value)
        self.common[node.name.text.casefold()] = named
        return key, f"{key} AS ({relation.sql})"

    def _recursive(self, node: tree.CommonTable, key: str, parent: Scope | None) -> str:
        body = node.query.body
        if not isinstance(body, tree.SetOperation) or body.operator != "UNION":
            raise SqlProblem(
                f"Recursive table {node.name.text} must be a UNION of a base term and a recursive "
                "term",
                node.name.at,
            )
        base = self._body(body.left, parent)
        self.common[node.name.text.casefold()] = Relation(key, base.outputs, base.is_value)
        step = self._body(body.right, parent)
        if len(step.outputs) != len(base.outputs):
            raise self._mismatched(body, [base, step])
        kinds = [output.type for output in base.outputs]
        word = "UNION ALL" if body.is_all else "UNION"
        recursive = self._cast_outputs(step, kinds, body)
        names = ", ".join(quote(output.key) for output in base.outputs)
        return f"{key}({names}) AS (({base.sql}) {word} ({recursive}))"

    # ---- order, limit, set operations -----------------------------------------------------

    def _ordered(self, node: tree.Query, parent: Scope | None) -> Relation:
        limit = self._limit(node)
        if isinstance(node.body, tree.Select):
            return self.select(node.body, node.order, limit, parent)
        relation = self._body(node.body, parent)
        if not node.order and not limit:
            return relation
        order = ""
        if node.order:
            key = self.unique("q")
            scope = Scope(parent=parent, columns=list(relation.columns(key)))
            items = [self._order_item(item, relation, scope) for item in node.order]
            order = f" ORDER BY {', '.join(items)}"
            sql = f"SELECT * FROM ({relation.sql}) AS {key}{order}{limit}"
        else:
            sql = f"SELECT * FROM ({relation.sql}) AS {self.unique('q')}{limit}"
        return Relation(sql, relation.outputs, relation.is_value)

    def _order_item(self, item: tree.OrderItem, relation: Relation, scope: Scope) -> str:
        place = ordinal(item.value)
        if place is not None:
            if not 1 <= place <= len(relation.outputs):
                raise SqlProblem(f"ORDER BY is out of SELECT column number range: {place}", item.at)
            return f"{place} {direction(item)}"
        value = self.expression(item.value, scope)
        return f"{self.sortable(item, value)} {direction(item)}"

    def _limit(self, node: tree.Query) -> str:
        out = ""
        for word, written in (("LIMIT", node.limit), ("OFFSET", node.offset)):
            if written is None:
                continue
            value = self.expression(written, Scope(allows_aggregates=word))
            if value.type != INT64 or value.is_null:
                raise SqlProblem(f"{word} expects an integer literal or parameter", written.at)
            out += f" {word} {value.sql}"
        return out

    def _body(self, node: tree.Body, parent: Scope | None) -> Relation:
        if isinstance(node, tree.Select):
            return self.select(node, (), "", parent)
        if isinstance(node, tree.Query):
            return self.query(node, parent)
        parts = [self._body(each, parent) for each in _operands(node)]
        if len({len(part.outputs) for part in parts}) > 1:
            raise self._mismatched(node, parts)
        kinds = [self._column_type(node, parts, at) for at in range(len(parts[0].outputs))]
        word = f"{node.operator} ALL" if node.is_all else node.operator
        sides = [f"({self._cast_outputs(part, kinds, node)})" for part in parts]
        outputs = tuple(
            Output(output.name, output.key, kind, self._shared_origin(parts, at),
                   all(part.outputs[at].is_null for part in parts))
            for at, (output, kind) in enumerate(zip(parts[0].outputs, kinds, strict=True))
        )  # fmt: skip
        return Relation(f" {word} ".join(sides), outputs, parts[0].is_value)

    def _shared_origin(self, parts: Sequence[Relation], at: int) -> Any:  # an Origin or None
        origins = [part.outputs[at].origin for part in parts]
        return origins[0] if all(each is not None for each in origins) else None

    def _mismatched(self, node: tree.SetOperation, parts: Sequence[Relation]) -> SqlProblem:
        word = f"{node.operator} {'ALL' if node.is_all else 'DISTINCT'}"
        first = len(parts[0].outputs)
        at = next(i for i, part in enumerate(parts) if len(part.outputs) != first)
        return SqlProblem(
            f"Queries in {word} have mismatched column count; query 1 has {first} "
            f"column{'s' if first != 1 else ''}, query {at + 1} has {len(parts[at].outputs)} "
            f"column{'s' if len(parts[at].outputs) != 1 else ''}",
            node.at,
        )

    def _column_type(self, node: tree.SetOperation, parts: Sequence[Relation], at: int) -> Type:
        values = [Value("", p.outputs[at].type, is_null=p.outputs[at].is_null) for p in parts]
        kind = supertype(values)
        if kind is None:
            word = f"{node.operator} {'ALL' if node.is_all else 'DISTINCT'}"
            kinds = ", ".join(str(value.type) for value in values)
            raise SqlProblem(f"Column {at + 1} in {word} has incompatible types: {kinds}", node.at)
        return kind

    def _cast_outputs(self, part: Relation, kinds: Sequence[Type], node: tree.SetOperation) -> str:
        if all(o.type.duckdb() == k.duckdb() for o, k in zip(part.outputs, kinds, strict=True)):
            return part.sql
        key = self.unique("q")
        columns: list[str] = []
        for column, output, kind in zip(part.columns(key), part.outputs, kinds, strict=True):
            if not can_coerce(column.value, kind):
                raise SqlProblem(
                    f"Cannot coerce {output.type} to {kind} in {node.operator}", node.at
                )
            columns.append(f"{coerce(column.value, kind).sql} AS {quote(output.key)}")
        return f"SELECT {', '.join(columns)} FROM ({part.sql}) AS {key}"

    # ---- user-defined functions -----------------------------------------------------------

    def user_function(self, call: tree.Call, scope: Scope) -> Value | None:
        """A temporary or stored SQL function, put in place of its call."""
        function = self._find_function(call.function)
        if function is None:
            return None
        if isinstance(function.body, tree.Query):
            raise SqlProblem(f"Table function {function.name} is not allowed here", call.at)
        inner = Scope(arguments=self._bind(function, call.arguments, scope, call.at))
        value = self._inline(function, call.at, lambda: self._body_value(function, inner))
        if function.returns is not None:
            value = self._returned(value, resolve_type(function.returns), function, call.at)
        return Value(value.sql, value.type)

    def _body_value(self, function: Function, scope: Scope) -> Value:
        assert not isinstance(function.body, tree.Query)
        return self.expression(function.body, scope)

    def table_function(self, node: tree.TableCall, scope: Scope) -> Relation:
        function = self._find_function(node.function)
        if function is None or not isinstance(function.body, tree.Query):
            name = str(node.function)
            if name.upper() in (
                "EXTERNAL_QUERY",
                "APPENDS",
                "CHANGES",
                "VECTOR_SEARCH",
                "GAP_FILL",
            ):
                raise refused(f"table function {name}", node.at)
            raise SqlProblem(f"Table-valued function not found: {name}", node.at)
        inner = Scope(arguments=self._bind(function, node.arguments, scope, node.at))
        body = function.body
        return self._inline(function, node.at, lambda: self.query(body, inner))

    def _find_function(self, path: tree.Path) -> Function | None:
        if len(path.names) == 1:
            found = self.context.around.functions.get(path.names[0].text.casefold())
            if found is not None:
                self.context.is_stable = False
                return found
        return catalog_function(path, self.context)

    def _bind(
        self, function: Function, nodes: Sequence[tree.Expr], scope: Scope, at: int
    ) -> dict[str, Value]:
        if len(nodes) != len(function.arguments):
            raise SqlProblem(
                f"No matching signature for function {function.name}: it takes "
                f"{len(function.arguments)} arguments, not {len(nodes)}",
                at,
            )
        bound: dict[str, Value] = {}
        for node, (name, written) in zip(nodes, function.arguments, strict=True):
            value = self.expression(node, scope)
            if written is not None:
                kind = resolve_type(written)
                if not can_coerce(value, kind):
                    raise SqlProblem(
                        f"No matching signature for function {function.name} for argument types: "
                        f"{value.type}. Supported signature: {function.name}({kind})",
                        at,
                    )
                value = coerce(value, kind)
            bound[name.casefold()] = Value(value.sql, value.type)
        return bound

    def _inline(self, function: Function, at: int, analyse: Callable[[], Inlined]) -> Inlined:
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise SqlProblem(f"Function {function.name} calls itself or nests too deeply", at)
        saved, self.common = self.common, {}
        try:
            return analyse()
        except SqlProblem as problem:
            message = problem.resolve(function.text).message
            raise SqlProblem(f"Invalid function {function.name}: {message}", at) from None
        finally:
            self.common = saved
            self._calls -= 1

    def _returned(self, value: Value, kind: Type, function: Function, at: int) -> Value:
        if can_coerce(value, kind):
            return coerce(value, kind)
        if not can_cast(value.type, kind):
            raise SqlProblem(
                f"Function {function.name} declared to return {kind} but the function body "
                f"produces incompatible type {value.type}",
                at,
            )
        return Value(cast(value, kind, is_safe=False), kind)


def _operands(node: tree.SetOperation) -> list[tree.Body]:
    """A chain of one set operation, flattened from the left."""
    parts: list[tree.Body] = [node.right]
    left = node.left
    while (
        isinstance(left, tree.SetOperation)
        and left.operator == node.operator
        and left.is_all == node.is_all
    ):
        parts.append(left.right)
        left = left.left
    parts.append(left)
    return parts[::-1]


def _mentions(node: object, name: str) -> bool:
    """Whether a query names a table, which makes a WITH RECURSIVE table recursive."""
    if isinstance(node, tree.TableName):
        return len(node.path.names) == 1 and node.path.names[0].text.casefold() == name.casefold()
    if isinstance(node, tuple):
        return any(_mentions(each, name) for each in node)
    fields = getattr(node, "__dataclass_fields__", ())
    return any(_mentions(getattr(node, key), name) for key in fields)
