"""Expressions to DuckDB SQL: one method per kind of node."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from mainstem.localgcp.bigquery.sql import floats, operators, tree
from mainstem.localgcp.bigquery.sql.binding import once
from mainstem.localgcp.bigquery.sql.casts import can_cast, cast
from mainstem.localgcp.bigquery.sql.coercion import can_coerce, coerce, supertype
from mainstem.localgcp.bigquery.sql.constants import BadConstant, typed_constant
from mainstem.localgcp.bigquery.sql.context import Context
from mainstem.localgcp.bigquery.sql.functions import dateparts, formats
from mainstem.localgcp.bigquery.sql.functions.invocation import Invocation
from mainstem.localgcp.bigquery.sql.functions.registry import AGGREGATES, FUNCTIONS, is_refused
from mainstem.localgcp.bigquery.sql.names import member, resolve_path, system_variable
from mainstem.localgcp.bigquery.sql.pieces import direction, element_sql, implied_member, json_index
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused, suggestion
from mainstem.localgcp.bigquery.sql.tree import Expr
from mainstem.localgcp.bigquery.sql.type_names import resolve_type, type_parameters
from mainstem.localgcp.bigquery.sql.types import (
    BOOL,
    FLOAT64,
    INT64,
    INTERVAL,
    JSON,
    STRING,
    Type,
    array_of,
    quote,
)
from mainstem.localgcp.bigquery.sql.values import NULL, Relation, Scope, Value, struct_value

MAX_DEPTH: Final = 200


class ExpressionAnalyzer:
    """Types and translates expressions; queries inside them come from the subclass."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.aggregate_filter = ""

    def subquery(self, query: tree.Query, scope: Scope) -> Relation:
        raise NotImplementedError

    def user_function(self, call: tree.Call, scope: Scope) -> Value | None:
        raise NotImplementedError

    def window_sql(self, window: tree.Window, scope: Scope) -> str:
        raise NotImplementedError

    def unique(self, prefix: str) -> str:
        return self.context.unique(prefix)

    def native(self, name: str) -> None:
        """Say that the SQL calls a Python function of `natives`."""
        self.context.natives.add(name)

    def expression(self, node: Expr, scope: Scope) -> Value:
        """The value of an expression in a scope."""
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise SqlProblem("Syntax error: Unexpected expression", node.at)
        self.context.depth += 1
        if self.context.depth > MAX_DEPTH:
            raise SqlProblem("The expression is nested too deeply", node.at)
        before = len(scope.loose)
        try:
            value = handler(self, node, scope)
        except BadConstant as error:
            raise SqlProblem(str(error), node.at) from None
        finally:
            self.context.depth -= 1
        if scope.group_keys is not None and value.sql in scope.group_keys:
            del scope.loose[before:]
        return value

    def boolean(self, node: Expr, scope: Scope, clause: str) -> str:
        """The SQL of a condition."""
        value = self.expression(node, scope)
        if value.type != BOOL and not value.is_null:
            raise SqlProblem(f"{clause} should return type BOOL, but returns {value.type}", node.at)
        return coerce(value, BOOL).sql

    def order_sql(self, order: Sequence[tree.OrderItem], scope: Scope) -> str:
        """The items of an ORDER BY, with BigQuery's places for NULL."""
        return ", ".join(
            f"{self.sortable(item, self.expression(item.value, scope))} {direction(item)}"
            for item in order
        )

    def sortable(self, item: tree.OrderItem, value: Value) -> str:
        if value.type.kind in ("ARRAY", "STRUCT", "JSON"):
            raise SqlProblem(f"ORDER BY does not support expressions of type {value.type}", item.at)
        return value.sql

    # ---- constants and names --------------------------------------------------------------

    def _literal(self, node: tree.Literal, scope: Scope) -> Value:
        if node.type is None:
            return NULL
        sql = typed_constant(node.type, node.value)
        is_flexible = node.type in (STRING, INT64, FLOAT64)
        return Value(sql, node.type, node.value if is_flexible else None)

    def _path(self, node: tree.Path, scope: Scope) -> Value:
        return resolve_path(node, scope, self.context)

    def _parameter(self, node: tree.Parameter, scope: Scope) -> Value:
        around = self.context.around
        self.context.is_stable = False
        if node.name is None:
            if node.index >= len(around.positional):
                raise SqlProblem("Query parameters are missing: not enough values for ?", node.at)
            return around.positional[node.index]
        for name, value in around.named.items():
            if name.casefold() == node.name.casefold():
                return value
        raise SqlProblem(f"Query parameter '{node.name}' not found", node.at)

    def _system(self, node: tree.SystemVariable, scope: Scope) -> Value:
        return system_variable(node.name, node.at, self.context)

    def _member(self, node: tree.Member, scope: Scope) -> Value:
        return member(self.expression(node.value, scope), node.name)

    def _index(self, node: tree.Index, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        key = self.expression(node.key, scope)
        if value.type == JSON and not node.mode:
            return json_index(value, key, node.at)
        if not value.type.is_array:
            raise SqlProblem(
                f"Element access using [] is not supported on values of type {value.type}", node.at
            )
        if key.type != INT64 and not key.is_null:
            raise SqlProblem(
                f"Array position in [] must be coercible to INT64 type, but has type {key.type}",
                node.at,
            )
        sql = once((value.sql, key.sql), lambda names: element_sql(names[0], names[1], node.mode))
        return Value(sql, value.type.of())

    # ---- operators ------------------------------------------------------------------------

    def _unary(self, node: tree.Unary, scope: Scope) -> Value:
        return operators.unary(node.operator, self.expression(node.value, scope), node.at)

    def _binary(self, node: tree.Binary, scope: Scope) -> Value:
        left = self.expression(node.left, scope)
        right = self.expression(node.right, scope)
        return operators.binary(node.operator, left, right, node.at)

    def _is(self, node: tree.IsTest, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        word = "IS NOT" if node.is_negated else "IS"
        if node.what != "NULL" and not (value.type == BOOL or value.is_null):
            raise operators.no_match(f"IS {node.what}", (value,), node.at)
        return Value(f"({value.sql} {word} {node.what})", BOOL)

    def _distinct_from(self, node: tree.DistinctFrom, scope: Scope) -> Value:
        left, right = self.expression(node.left, scope), self.expression(node.right, scope)
        kind = operators.comparable(left, right, is_equality=True, at=node.at)
        if kind is None:
            raise operators.no_match("IS DISTINCT FROM", (left, right), node.at)
        word = "IS NOT DISTINCT FROM" if node.is_negated else "IS DISTINCT FROM"
        return Value(f"({coerce(left, kind).sql} {word} {coerce(right, kind).sql})", BOOL)

    def _between(self, node: tree.Between, scope: Scope) -> Value:
        values = [self.expression(each, scope) for each in (node.value, node.low, node.high)]
        kind = supertype(values)
        if kind is None or kind.kind in ("ARRAY", "STRUCT", "JSON"):
            raise operators.no_match("BETWEEN", tuple(values), node.at)
        value, low, high = (coerce(each, kind).sql for each in values)
        word = "NOT BETWEEN" if node.is_negated else "BETWEEN"
        return Value(f"({value} {word} {low} AND {high})", BOOL)

    def _in_list(self, node: tree.InList, scope: Scope) -> Value:
        values = [self.expression(each, scope) for each in (node.value, *node.options)]
        kind = supertype(values)
        if kind is None or kind.kind in ("ARRAY", "JSON"):
            raise operators.no_match("IN", tuple(values), node.at)
        if kind.is_struct:
            return self._in_structs(node, [coerce(each, kind) for each in values])
        value, *options = (coerce(each, kind).sql for each in values)
        word = "NOT IN" if node.is_negated else "IN"
        if kind == FLOAT64 and any(each.constant is None for each in values[1:]):
            return Value(floats.among(value, options, is_negated=node.is_negated), BOOL)
        return Value(f"({value} {word} ({', '.join(options)}))", BOOL)

    def _in_structs(self, node: tree.InList, values: Sequence[Value]) -> Value:
        tests = [operators.binary("=", values[0], each, node.at).sql for each in values[1:]]
        found = f"({' OR '.join(tests)})"
        return Value(f"(NOT {found})" if node.is_negated else found, BOOL)

    def _in_query(self, node: tree.InQuery, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        relation = self.subquery(node.query, scope)
        if len(relation.outputs) != 1:
            raise SqlProblem("Subquery of type IN must have only one output column", node.query.at)
        output = relation.outputs[0]
        kind = supertype([value, Value("", output.type, is_null=output.is_null)])
        if kind is None:
            raise operators.no_match("IN", (value, Value("", output.type)), node.at)
        inner = relation.sql
        if output.type.duckdb() != kind.duckdb():
            alias = self.unique("q")
            column = Value(f"{alias}.{quote(output.key)}", output.type, is_null=output.is_null)
            inner = f"SELECT {coerce(column, kind).sql} FROM ({inner}) AS {alias}"
        word = "NOT IN" if node.is_negated else "IN"
        return Value(f"({coerce(value, kind).sql} {word} ({inner}))", BOOL)

    def _in_unnest(self, node: tree.InUnnest, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        array = self.expression(node.array, scope)
        if array.is_null:
            return Value("FALSE" if not node.is_negated else "TRUE", BOOL)
        if not array.type.is_array:
            raise SqlProblem(
                f"Second argument of IN UNNEST must be an array but was {array.type}", node.at
            )
        kind = supertype([value, Value("", array.type.of(), is_parameter=array.is_parameter)])
        if kind is None:
            raise operators.no_match("IN UNNEST", (value, array), node.at)
        items = coerce(array, array_of(kind)).sql
        found = once(
            (coerce(value, kind).sql, items), lambda names: f"bq_in_array({', '.join(names)})"
        )
        return Value(f"(NOT {found})" if node.is_negated else found, BOOL)

    def _like(self, node: tree.LikeTest, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        tests = [self._like_one(value, self.expression(p, scope), node.at) for p in node.patterns]
        joined = (" AND " if node.quantifier == "ALL" else " OR ").join(tests)
        return Value(f"(NOT ({joined}))" if node.is_negated else f"({joined})", BOOL)

    def _like_one(self, value: Value, pattern: Value, at: int) -> str:
        if not all(each.is_null or each.type == STRING for each in (value, pattern)):
            raise operators.no_match("LIKE", (value, pattern), at)
        return f"{coerce(value, STRING).sql} LIKE {coerce(pattern, STRING).sql} ESCAPE '\\'"

    # ---- conditionals, casts and constructors ---------------------------------------------

    def _case(self, node: tree.Case, scope: Scope) -> Value:
        conditions = [self._condition(node, when, scope) for when, _ in node.branches]
        results = [self.expression(result, scope) for _, result in node.branches]
        otherwise = NULL if node.otherwise is None else self.expression(node.otherwise, scope)
        kind = supertype([*results, otherwise])
        if kind is None:
            kinds = ", ".join(str(each.type) for each in (*results, otherwise))
            raise SqlProblem(
                f"No matching signature for operator CASE; all THEN/ELSE arguments must be "
                f"coercible to a common type but found: {kinds}",
                node.at,
            )
        branches = " ".join(
            f"WHEN {condition} THEN {coerce(result, kind).sql}"
            for condition, result in zip(conditions, results, strict=True)
        )
        is_null = all(each.is_null for each in (*results, otherwise))
        sql = f"CASE {branches} ELSE {coerce(otherwise, kind).sql} END"
        return Value(sql, kind, is_null=is_null)

    def _condition(self, node: tree.Case, when: Expr, scope: Scope) -> str:
        if node.operand is None:
            return self.boolean(when, scope, "CASE condition")
        return self._binary(tree.Binary(when.at, "=", node.operand, when), scope).sql

    def _cast(self, node: tree.Cast, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        kind = resolve_type(node.type)
        if node.format is not None:
            return formats.cast_with_format(self._format_call(node, scope), value, kind)
        if not value.is_null and not can_cast(value.type, kind):
            raise SqlProblem(f"Invalid cast from {value.type} to {kind}", node.value.at)
        if value.constant is not None and value.type == STRING and kind.kind != "STRING":
            value = Value(value.sql, STRING)
        sql = cast(value, kind, is_safe=node.is_safe)
        return Value(self._parameterised(sql, node, kind), kind)

    def _format_call(self, node: tree.Cast, scope: Scope) -> formats.FormatCast:
        assert node.format is not None
        pattern = self.expression(node.format, scope)
        if pattern.constant is None or pattern.type != STRING:
            raise refused("CAST with a FORMAT that is not a constant", node.at)
        zone = None if node.zone is None else self.expression(node.zone, scope).sql
        return formats.FormatCast(pattern.constant, zone, node.is_safe, node.at)

    def _parameterised(self, sql: str, node: tree.Cast, kind: Type) -> str:
        precision, scale, length = type_parameters(kind.kind, node.type)
        if precision is not None:
            # DuckDB refuses more digits than the type has and rounds the fraction, as BigQuery.
            name = "TRY_CAST" if node.is_safe else "CAST"
            narrow = f"{name}({sql} AS DECIMAL({min(precision, 38)},{scale or 0}))"
            return f"CAST({narrow} AS {kind.duckdb()})"
        if length is not None:
            word = "TRUE" if node.is_safe else "FALSE"
            return once((sql,), lambda names: f"bq_limited({names[0]}, {length}, {word})")
        return sql

    def _extract(self, node: tree.Extract, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        zone = None if node.zone is None else self.expression(node.zone, scope)
        return dateparts.extract(node.part, value, zone, node.at)

    def _interval(self, node: tree.IntervalValue, scope: Scope) -> Value:
        value = self.expression(node.value, scope)
        if node.upto:
            return dateparts.compound_interval(value, node.part, node.upto, node.at)
        return Value(dateparts.interval_sql(value, node.part, node.at), INTERVAL)

    def _array(self, node: tree.ArrayValue, scope: Scope) -> Value:
        values = [self.expression(each, scope) for each in node.values]
        kind = None if node.element is None else resolve_type(node.element)
        if kind is None:
            kind = supertype(values) if values else INT64
        if kind is None:
            kinds = ", ".join(str(each.type) for each in values)
            raise SqlProblem(
                f"Array elements of types {{{kinds}}} do not have a common supertype", node.at
            )
        if kind.is_array:
            raise SqlProblem(
                "Cannot construct array with element type ARRAY because nested arrays are not "
                "supported",
                node.at,
            )
        for each, written in zip(values, node.values, strict=True):
            if not can_coerce(each, kind):
                raise SqlProblem(
                    f"Array element type {each.type} does not coerce to {kind}", written.at
                )
        items = ", ".join(coerce(each, kind).sql for each in values)
        return Value(f"CAST([{items}] AS {array_of(kind).duckdb()})", array_of(kind))

    def _struct(self, node: tree.StructValue, scope: Scope) -> Value:
        members = [
            (
                "" if node.is_tuple else alias or implied_member(written),
                self.expression(written, scope),
            )
            for alias, written in node.values
        ]
        if node.type is None:
            return struct_value(members)
        kind = resolve_type(node.type)
        value = struct_value(members)
        if len(kind.fields) != len(members) or not can_coerce(value, kind):
            raise SqlProblem(
                f"STRUCT type {kind} does not fit its values of type {value.type}", node.at
            )
        coerced = [
            (name, coerce(item, wanted))
            for (_, item), (name, wanted) in zip(members, kind.fields, strict=True)
        ]
        return struct_value(coerced)

    def _subquery(self, node: tree.Subquery, scope: Scope) -> Value:
        relation = self.subquery(node.query, scope)
        if node.mode == "EXISTS":
            return Value(f"EXISTS ({relation.sql})", BOOL)
        if len(relation.outputs) != 1:
            label = "ARRAY" if node.mode == "ARRAY" else "Scalar"
            raise SqlProblem(
                f"{label} subquery cannot have more than one column unless using SELECT AS STRUCT "
                "to build STRUCT values",
                node.query.at,
            )
        output = relation.outputs[0]
        if node.mode == "ARRAY":
            if output.type.is_array:
                raise SqlProblem("Cannot use array subquery with column of type ARRAY", node.at)
            return Value(f"ARRAY({relation.sql})", array_of(output.type))
        return Value(f"({relation.sql})", output.type, is_null=output.is_null)

    # ---- functions ------------------------------------------------------------------------

    def _call(self, node: tree.Call, scope: Scope) -> Value:
        name = node.name
        if is_refused(name):
            raise refused(f"function {name}", node.at)
        if name in AGGREGATES or node.over is not None:
            return self._aggregate(node, scope)
        handler = FUNCTIONS.get(name)
        if handler is None:
            value = self.user_function(node, scope)
            if value is not None:
                return value
            hint = suggestion(name, [*FUNCTIONS, *AGGREGATES])
            raise SqlProblem(f"Function not found: {node.function}{hint}", node.at)
        self._refuse_modifiers(node)
        value = handler(Invocation(self, node, scope))
        if node.is_safe:
            return Value(f"TRY({value.sql})", value.type)
        return value

    def _refuse_modifiers(self, node: tree.Call) -> None:
        modifiers = {
            "DISTINCT": node.is_distinct,
            f"{node.nulls} NULLS": bool(node.nulls),
            "HAVING": node.having is not None,
            "ORDER BY": bool(node.order),
            "LIMIT": node.limit is not None,
        }
        for word, is_present in modifiers.items():
            if is_present:
                raise SqlProblem(
                    f"{word} is not supported for the scalar function {node.name}", node.at
                )

    def _aggregate(self, node: tree.Call, scope: Scope) -> Value:
        handler = AGGREGATES.get(node.name)
        if handler is None:
            if node.name in FUNCTIONS:
                raise SqlProblem(f"Function {node.name} does not support an OVER clause", node.at)
            raise SqlProblem(f"Function not found: {node.function}", node.at)
        if scope.allows_aggregates:
            kind = "Analytic" if node.over is not None else "Aggregate"
            clause = scope.allows_aggregates
            raise SqlProblem(f"{kind} function {node.name} not allowed in {clause}", node.at)
        if node.over is None:
            return self._in_aggregate(node, scope, handler)
        return handler(Invocation(self, node, scope))

    def _in_aggregate(
        self, node: tree.Call, scope: Scope, handler: Callable[[Invocation], Value]
    ) -> Value:
        if scope.is_in_aggregate:
            raise SqlProblem("Aggregations of aggregations are not allowed", node.at)
        scope.is_in_aggregate = True
        try:
            return handler(Invocation(self, node, scope))
        finally:
            scope.is_in_aggregate = False

    def _stray(self, node: Any, scope: Scope) -> Value:  # any node that only some calls take
        raise SqlProblem("Syntax error: Unexpected argument", node.at)


# Each method takes the node type it stands beside; the table is what the checker cannot follow.
_HANDLERS: Final[dict[type, Callable[[ExpressionAnalyzer, Any, Scope], Value]]] = {
    tree.Literal: ExpressionAnalyzer._literal,
    tree.Path: ExpressionAnalyzer._path,
    tree.Parameter: ExpressionAnalyzer._parameter,
    tree.SystemVariable: ExpressionAnalyzer._system,
    tree.Member: ExpressionAnalyzer._member,
    tree.Index: ExpressionAnalyzer._index,
    tree.Unary: ExpressionAnalyzer._unary,
    tree.Binary: ExpressionAnalyzer._binary,
    tree.IsTest: ExpressionAnalyzer._is,
    tree.DistinctFrom: ExpressionAnalyzer._distinct_from,
    tree.Between: ExpressionAnalyzer._between,
    tree.InList: ExpressionAnalyzer._in_list,
    tree.InQuery: ExpressionAnalyzer._in_query,
    tree.InUnnest: ExpressionAnalyzer._in_unnest,
    tree.LikeTest: ExpressionAnalyzer._like,
    tree.Case: ExpressionAnalyzer._case,
    tree.Cast: ExpressionAnalyzer._cast,
    tree.Extract: ExpressionAnalyzer._extract,
    tree.IntervalValue: ExpressionAnalyzer._interval,
    tree.ArrayValue: ExpressionAnalyzer._array,
    tree.StructValue: ExpressionAnalyzer._struct,
    tree.Subquery: ExpressionAnalyzer._subquery,
    tree.Call: ExpressionAnalyzer._call,
    tree.Star: ExpressionAnalyzer._stray,
    tree.Lambda: ExpressionAnalyzer._stray,
    tree.NamedArgument: ExpressionAnalyzer._stray,
    tree.DatePart: ExpressionAnalyzer._stray,
}
