"""FROM: tables, joins, UNNEST, PIVOT and UNPIVOT."""

# writing SQL is what this package does; names are quoted by types.quote

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mainstem.localgcp.bigquery.model import Kind, Table
from mainstem.localgcp.bigquery.sql import information, tree
from mainstem.localgcp.bigquery.sql.analyze_expression import ExpressionAnalyzer
from mainstem.localgcp.bigquery.sql.coercion import coerce
from mainstem.localgcp.bigquery.sql.context import Context
from mainstem.localgcp.bigquery.sql.names import resolve_path
from mainstem.localgcp.bigquery.sql.operators import binary, comparable, no_match
from mainstem.localgcp.bigquery.sql.parse_query import parse_query
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.tables import (
    find_table,
    relation_sql,
    stored_columns,
    suffix_column,
    table_ref,
    wildcard_sql,
    wildcard_tables,
)
from mainstem.localgcp.bigquery.sql.tree import Name
from mainstem.localgcp.bigquery.sql.types import BOOL, INT64, STRING, TIMESTAMP, Type, quote
from mainstem.localgcp.bigquery.sql.values import (
    Column,
    Range,
    Relation,
    Scan,
    Scope,
    Value,
    member_at,
)


@dataclass(frozen=True, slots=True)
class Sources:
    """A FROM clause: its SQL, the names it brings and the columns of `*` in order."""

    sql: str
    ranges: tuple[Range, ...]
    columns: tuple[Column, ...]


class FromAnalyzer(ExpressionAnalyzer):
    """Resolves FROM clauses; whole queries come from the subclass."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.common: dict[str, Relation] = {}
        """WITH tables in reach by folded name; their SQL is the name DuckDB knows."""
        self._open_views: list[str] = []

    def query(self, node: tree.Query, parent: Scope | None) -> Relation:
        raise NotImplementedError

    def sources(self, node: tree.Source, scope: Scope) -> Sources:
        """Analyse a FROM item; `scope` holds the items to its left, which UNNEST may use."""
        return _SOURCES[type(node)](self, node, scope)

    # ---- named tables ---------------------------------------------------------------------

    def _table(self, node: tree.TableName, scope: Scope) -> Sources:
        array = self._array_path(node, scope)
        if array is not None:
            return array
        names = [name.text for name in node.path.names]
        if node.has_offset:
            raise SqlProblem("WITH OFFSET is only allowed for arrays", node.at)
        if len(names) == 1:
            local = self._local_table(node, names[0])
            if local is not None:
                return local
        if information.is_information(names):
            relation = information.relation(node.path, self.context)
            return self._derived(relation, node.alias or node.path.names[-1])
        return self._stored(node)

    def _local_table(self, node: tree.TableName, name: str) -> Sources | None:
        """A WITH table or a temporary one."""
        common = self.common.get(name.casefold())
        alias = node.alias or node.path.names[0]
        if common is not None:
            return self._derived(common, alias, is_named=True)
        temporary = self.context.around.temporary.get(name.casefold())
        if temporary is None:
            return None
        self.context.is_stable = False
        key = self.unique("t")
        columns = tuple(
            Column(member.name, Value(f"{key}.{quote(member.name)}", member.value_type()))
            for member in temporary.fields
        )
        return _one(f"{temporary.relation} AS {key}", Range(alias.text, columns))

    def _stored(self, node: tree.TableName) -> Sources:
        ref = table_ref(node.path, self.context)
        alias = node.alias or Name(ref.table, node.at)
        if ref.table.endswith("*"):
            return self._wildcard(node, alias)
        table = find_table(ref, self.context, node.at)
        self._check_system_time(node, table)
        scan = Scan(table, ref, node.at)
        self.context.scans.append(scan)
        if table.kind in (Kind.VIEW, Kind.MATERIALIZED_VIEW):
            return self._derived(self._view(table, node.at), alias)
        key = self.unique("t")
        columns = stored_columns(scan, key)
        return _one(f"{relation_sql(table, self.context)} AS {key}", Range(alias.text, columns))

    def _check_system_time(self, node: tree.TableName, table: Table) -> None:
        """Old versions are not kept: any time since the last change reads the present."""
        if node.system_time is None:
            return
        value = self.expression(node.system_time, Scope())
        row = self.context.host.cursor.execute(
            f"SELECT {coerce(value, TIMESTAMP).sql} >= CAST(? AS TIMESTAMPTZ)",
            [table.modified.isoformat()],
        ).fetchone()
        if value.type != TIMESTAMP or row is None or not row[0]:
            raise refused("FOR SYSTEM_TIME AS OF a time before the last change", node.at)

    def _view(self, table: Table, at: int) -> Relation:
        """A view's query in place, analysed without the names around it."""
        name = str(table.ref)
        if name in self._open_views:
            raise SqlProblem(f"Cyclic reference of view {name}", at)
        saved, self.common = self.common, {}
        self._open_views.append(name)
        try:
            text = table.view_sql or ""
            relation = self.query(parse_query(text), None)
            if len(relation.outputs) == len(table.schema):
                # CREATE VIEW v (a, b) AS … names the columns anew.
                relation = relation.named([member.name for member in table.schema])
        except SqlProblem as problem:
            raise SqlProblem(
                f"Invalid view {name}: {problem.resolve(table.view_sql or '').message}", at,
                problem.reason,
            ) from None  # fmt: skip
        finally:
            self._open_views.pop()
            self.common = saved
        return relation

    def _wildcard(self, node: tree.TableName, alias: Name) -> Sources:
        ref = table_ref(node.path, self.context)
        tables = wildcard_tables(ref, self.context, node.at)
        sql, shape = wildcard_sql(tables, ref.table[:-1], self.context)
        key = self.unique("t")
        scan = Scan(shape, ref, node.at)
        self.context.scans.append(scan)
        columns = (*stored_columns(scan, key), suffix_column(scan, key))
        # The union casts every column already.
        plain = tuple(
            Column(c.name, Value(f"{key}.{quote(c.name or '')}", c.value.type,
                                 origin=c.value.origin), c.is_hidden)
            if not c.is_hidden else c
            for c in columns
        )  # fmt: skip
        return _one(f"{sql} AS {key}", Range(alias.text, plain))

    # ---- subqueries and table functions ---------------------------------------------------

    def _subquery_source(self, node: tree.TableSubquery, scope: Scope) -> Sources:
        relation = self.query(node.query, scope.parent)
        return self._derived(relation, node.alias)

    def _derived(
        self, relation: Relation, alias: Name | None, *, is_named: bool = False
    ) -> Sources:
        key = self.unique("q")
        columns = relation.columns(key)
        sql = f"{relation.sql} AS {key}" if is_named else f"({relation.sql}) AS {key}"
        name = None if alias is None else alias.text
        if relation.is_value:
            return _value_range(sql, name, columns[0].value)
        return _one(sql, Range(name, columns))

    def _table_call(self, node: tree.TableCall, scope: Scope) -> Sources:
        relation = self.table_function(node, scope)
        return self._derived(relation, node.alias)

    def table_function(self, node: tree.TableCall, scope: Scope) -> Relation:
        raise NotImplementedError

    # ---- arrays ---------------------------------------------------------------------------

    def _array_path(self, node: tree.TableName, scope: Scope) -> Sources | None:
        """`FROM t, t.items`: a path whose first name is a table already in FROM."""
        names = node.path.names
        if len(names) < 2:
            return None
        level: Scope | None = scope
        while level is not None and level.find_range(names[0].text) is None:
            level = level.parent
        if level is None:
            return None
        value = resolve_path(node.path, scope, self.context)
        alias = node.alias or names[-1]
        return self._unnested(value, alias, node.offset, node.has_offset, node.at)

    def _unnest(self, node: tree.Unnest, scope: Scope) -> Sources:
        value = self.expression(node.array, scope)
        return self._unnested(value, node.alias, node.offset, node.has_offset, node.at)

    def _unnested(
        self, value: Value, alias: Name | None, offset: Name | None, has_offset: bool, at: int
    ) -> Sources:
        if not value.type.is_array:
            raise SqlProblem(
                f"Values referenced in UNNEST must be arrays. UNNEST contains expression of type "
                f"{value.type}",
                at,
            )
        key = self.unique("u")
        sql = f'(SELECT unnest({value.sql}) AS "_v") AS {key}'
        if has_offset:
            sql = (
                '(SELECT unnest("_a") AS "_v", unnest(generate_series(0, len("_a") - 1)) AS "_o" '
                f'FROM (SELECT {value.sql} AS "_a")) AS {key}'
            )
        element = Value(f'{key}."_v"', value.type.of())
        found = _value_range(sql, None if alias is None else alias.text, element)
        if not has_offset:
            return found
        name = offset.text if offset is not None else "offset"
        column = Column(name, Value(f'{key}."_o"', INT64))
        return Sources(sql, found.ranges, (*found.columns, column))

    # ---- joins ----------------------------------------------------------------------------

    def _join(self, node: tree.Join, scope: Scope) -> Sources:
        left = self.sources(node.left, scope)
        inner = Scope(parent=scope.parent, ranges=[*scope.ranges, *left.ranges],
                      columns=[*scope.columns, *left.columns])  # fmt: skip
        right = self.sources(node.right, inner)
        _check_aliases(left, right, node.at)
        if node.kind == "CROSS" or (node.condition is None and not node.using):
            return self._cross(node, left, right)
        if node.using:
            return self._using(node, left, right)
        both = Scope(parent=scope.parent, ranges=[*left.ranges, *right.ranges],
                     columns=[*left.columns, *right.columns],
                     allows_aggregates="JOIN ON clause")  # fmt: skip
        assert node.condition is not None
        condition = self.boolean(node.condition, both, "JOIN ON clause")
        self.mark_filters(node.condition, both)
        sql = f"{left.sql} {node.kind} JOIN {right.sql} ON {condition}"
        return Sources(f"({sql})", (*left.ranges, *right.ranges), (*left.columns, *right.columns))

    def _cross(self, node: tree.Join, left: Sources, right: Sources) -> Sources:
        if node.kind in ("INNER", "CROSS"):
            sql = f"{left.sql} CROSS JOIN {right.sql}"
        else:
            sql = f"({left.sql} {node.kind} JOIN {right.sql} ON TRUE)"
        return Sources(sql, (*left.ranges, *right.ranges), (*left.columns, *right.columns))

    def _using(self, node: tree.Join, left: Sources, right: Sources) -> Sources:
        merged: list[Column] = []
        tests: list[str] = []
        for name in node.using:
            a, b = _only(left, name, "left"), _only(right, name, "right")
            tests.append(binary("=", a, b, name.at).sql)
            kind = comparable(a, b, is_equality=True, at=name.at)
            if kind is None:
                raise no_match("=", (a, b), name.at)
            merged.append(
                Column(name.text, _merge(node.kind, coerce(a, kind), coerce(b, kind), a, b))
            )
        folded = {name.text.casefold() for name in node.using}
        rest = [
            c for c in (*left.columns, *right.columns) if (c.name or "").casefold() not in folded
        ]
        sql = f"({left.sql} {node.kind} JOIN {right.sql} ON {' AND '.join(tests)})"
        return Sources(sql, (*left.ranges, *right.ranges), (*merged, *rest))

    def mark_filters(self, node: tree.Expr, scope: Scope) -> None:
        """Note the partition columns that a condition names."""
        for path in _paths(node):
            try:
                value = resolve_path(path, scope, self.context)
            except SqlProblem:
                continue
            origin = value.origin
            if origin is not None and origin.column in origin.scan.filter_columns():
                origin.scan.is_filtered = True

    def _sample(self, node: tree.Sample, scope: Scope) -> Sources:
        source = self.sources(node.source, scope)
        size = self.expression(node.size, Scope())
        if size.constant is None or not size.type.is_numeric:
            raise SqlProblem("TABLESAMPLE needs a literal percentage", node.at)
        # DuckDB's own SYSTEM sampling takes whole vectors, which empties small tables.
        key = source.sql
        return Sources(f"{key} TABLESAMPLE BERNOULLI({size.constant} PERCENT)", source.ranges,
                       source.columns)  # fmt: skip

    # ---- PIVOT and UNPIVOT ----------------------------------------------------------------

    def _pivot(self, node: tree.Pivot, scope: Scope) -> Sources:
        source = self.sources(node.source, scope)
        inner = Scope(scope.parent, list(source.ranges), list(source.columns))
        column = self.expression(node.column, inner)
        used = {path.names[-1].text.casefold() for path in _paths(node.column)}
        outputs: list[tuple[str, Value]] = []
        for item in node.values:
            value = self.expression(item.value, Scope())
            test = binary("=", column, value, item.at).sql
            label = item.alias.text if item.alias is not None else _pivot_label(item.value, value)
            for aggregate in node.aggregates:
                used |= {p.names[-1].text.casefold() for p in _paths(aggregate.value)}
                outputs.append(self._pivoted(aggregate, label, test, inner, node))
        kept = _kept(source, used)
        for each in kept:
            _touch(each)
        items = [*((c.name or "", c.value) for c in kept), *outputs]
        select = ", ".join(f"{value.sql} AS {quote(name)}" for name, value in items)
        keys = ", ".join(c.value.sql for c in kept)
        grouping = f" GROUP BY {keys}" if keys else ""
        key = self.unique("p")
        columns = tuple(
            Column(name, Value(f"{key}.{quote(name)}", value.type)) for name, value in items
        )
        name = node.alias.text if node.alias is not None else None
        return _one(f"(SELECT {select} FROM {source.sql}{grouping}) AS {key}", Range(name, columns))

    def _pivoted(
        self, item: tree.SelectItem, label: str, test: str, scope: Scope, node: tree.Pivot
    ) -> tuple[str, Value]:
        if item.alias is None and len(node.aggregates) > 1:
            raise SqlProblem("PIVOT with several aggregates needs an alias for each", item.at)
        name = label if item.alias is None else f"{item.alias.text}_{label}"
        self.aggregate_filter = f"{test}"
        try:
            return name, self.expression(item.value, scope)
        finally:
            self.aggregate_filter = ""

    def _unpivot(self, node: tree.Unpivot, scope: Scope) -> Sources:
        source = self.sources(node.source, scope)
        inner = Scope(scope.parent, list(source.ranges), list(source.columns))
        gone = {name.text.casefold() for names, _ in node.groups for name in names}
        kept = _kept(source, gone)
        rows: list[list[Value]] = []
        for names, label in node.groups:
            if len(names) != len(node.values):
                raise SqlProblem("UNPIVOT groups must have as many columns as values", node.at)
            values = [resolve_path(tree.Path(n.at, (n,)), inner, self.context) for n in names]
            text = "_".join(name.text for name in names)
            shown = Value(f"'{text}'", STRING) if label is None else self.expression(label, Scope())
            rows.append([*values, shown])
        return self._unpivoted(node, source, kept, rows)

    def _unpivoted(
        self, node: tree.Unpivot, source: Sources, kept: list[Column], rows: list[list[Value]]
    ) -> Sources:
        titles = [*(name.text for name in node.values), node.label.text]
        for each in kept:
            _touch(each)
        base = [f"{c.value.sql} AS {quote(c.name or '')}" for c in kept]
        parts = []
        for row in rows:
            cells = [
                f"{value.sql} AS {quote(title)}" for title, value in zip(titles, row, strict=True)
            ]
            keep = "" if node.keeps_nulls else " WHERE " + " OR ".join(
                f"{value.sql} IS NOT NULL" for value in row[:-1]
            )  # fmt: skip
            parts.append(f"SELECT {', '.join([*base, *cells])} FROM {source.sql}{keep}")
        key = self.unique("p")
        kinds = [*(c.value.type for c in kept), *(value.type for value in rows[0])]
        names = [*(c.name or "" for c in kept), *titles]
        columns = tuple(
            Column(name, Value(f"{key}.{quote(name)}", kind))
            for name, kind in zip(names, kinds, strict=True)
        )
        alias = node.alias.text if node.alias is not None else None
        return _one(f"({' UNION ALL '.join(parts)}) AS {key}", Range(alias, columns))


def _one(sql: str, found: Range) -> Sources:
    return Sources(sql, (found,), found.columns)


def _value_range(sql: str, name: str | None, element: Value) -> Sources:
    """A value table: a struct's members are columns, anything else is one column."""
    if element.type.is_struct:
        columns = tuple(
            Column(key or None, member_at(element, index))
            for index, (key, _) in enumerate(element.type.fields)
        )
        return Sources(sql, (Range(name, columns, element),), columns)
    column = Column(name, element)
    return Sources(sql, (Range(name, (column,), element),), (column,))


def _check_aliases(left: Sources, right: Sources, at: int) -> None:
    known = {each.name.casefold() for each in left.ranges if each.name is not None}
    for each in right.ranges:
        if each.name is not None and each.name.casefold() in known:
            raise SqlProblem(f"Duplicate table alias {each.name} in the same FROM clause", at)


def _only(source: Sources, name: Name, side: str) -> Value:
    found = [c for c in source.columns if c.name and c.name.casefold() == name.text.casefold()]
    if not found:
        raise SqlProblem(
            f"Column {name.text} in USING clause not found on {side} side of join", name.at
        )
    if len(found) > 1:
        raise SqlProblem(
            f"Column {name.text} in USING clause is ambiguous on {side} side of join", name.at
        )
    _touch(found[0])
    return found[0].value


def _kept(source: Sources, gone: set[str]) -> list[Column]:
    """The visible columns that PIVOT or UNPIVOT does not use up."""
    return [
        column
        for column in source.columns
        if column.name is not None and not column.is_hidden and column.name.casefold() not in gone
    ]


def _touch(column: Column) -> None:
    origin = column.value.origin
    if origin is not None:
        origin.scan.columns.add(origin.column)


def _merge(kind: str, left: Value, right: Value, a: Value, b: Value) -> Value:
    if kind == "RIGHT":
        return Value(right.sql, right.type, origin=b.origin)
    if kind == "FULL":
        return Value(f"COALESCE({left.sql}, {right.sql})", left.type)
    return Value(left.sql, left.type, origin=a.origin)


def _pivot_label(node: tree.Expr, value: Value) -> str:
    text = node.value if isinstance(node, tree.Literal) else value.constant
    if text is None:
        raise SqlProblem("PIVOT values must be literals or have an alias", node.at)
    if value.is_null:
        return "NULL"
    if value.type == BOOL:
        return text.upper()
    if value.type == STRING:
        return text
    cleaned = text.replace("-", "_" if value.type.kind != "INT64" else "minus_")
    return "_" + cleaned.replace(".", "_point_").replace(":", "_").replace(" ", "_")


def _paths(node: object) -> list[tree.Path]:
    """Every path in an expression, leaving subqueries alone."""
    if isinstance(node, tree.Path):
        return [node]
    if isinstance(node, tree.Query | Name | Type) or not hasattr(node, "__slots__"):
        if isinstance(node, tuple):
            return [path for each in node for path in _paths(each)]
        return []
    if isinstance(node, tree.Call):
        parts: tuple[object, ...] = (node.arguments, node.over)
    else:
        parts = tuple(getattr(node, key) for key in getattr(node, "__dataclass_fields__", ()))
    return [path for part in parts for path in _paths(part)]


_SOURCES: Final[dict[type, Callable[[FromAnalyzer, Any, Scope], Sources]]] = {
    tree.TableName: FromAnalyzer._table,
    tree.TableSubquery: FromAnalyzer._subquery_source,
    tree.TableCall: FromAnalyzer._table_call,
    tree.Unnest: FromAnalyzer._unnest,
    tree.Join: FromAnalyzer._join,
    tree.Sample: FromAnalyzer._sample,
    tree.Pivot: FromAnalyzer._pivot,
    tree.Unpivot: FromAnalyzer._unpivot,
}
