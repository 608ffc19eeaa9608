"""SELECT: the list, grouping, HAVING, QUALIFY, windows, and its ORDER BY."""

# writing SQL is what this package does; names are quoted by types.quote

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.analyze_from import FromAnalyzer, Sources
from mainstem.localgcp.bigquery.sql.context import Context
from mainstem.localgcp.bigquery.sql.pieces import direction
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, suggestion
from mainstem.localgcp.bigquery.sql.select_shape import (
    has_aggregate,
    implied_name,
    ordinal,
    range_of,
    use,
)
from mainstem.localgcp.bigquery.sql.tree import Name
from mainstem.localgcp.bigquery.sql.types import quote
from mainstem.localgcp.bigquery.sql.values import (
    Column,
    Output,
    Relation,
    Scope,
    Value,
    member_at,
    struct_value,
    unique_keys,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One output of a SELECT list; `node` is None for what a star expanded to."""

    name: str | None
    value: Value
    node: tree.Expr | None
    at: int
    loose: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Draft:
    """A SELECT while it is being put together."""

    node: tree.Select
    scope: Scope
    source: Sources | None
    items: list[Item] = field(default_factory=list)
    where: str = ""
    grouping: str = ""
    having: str = ""
    qualify: str = ""
    is_grouped: bool = False


class SelectAnalyzer(FromAnalyzer):
    """Everything about one SELECT."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._windows: dict[str, tree.Window] = {}

    def select(
        self,
        node: tree.Select,
        order: Sequence[tree.OrderItem],
        limit: str,
        parent: Scope | None,
    ) -> Relation:
        """A SELECT with the ORDER BY and LIMIT that belong to it."""
        scope = Scope(parent=parent)
        source = None if node.source is None else self.sources(node.source, Scope(parent=parent))
        if source is not None:
            scope.ranges, scope.columns = list(source.ranges), list(source.columns)
        saved_windows = self._windows
        self._windows = {name.text.casefold(): window for name, window in node.windows}
        try:
            draft = Draft(node, scope, source)
            self._where(draft)
            self._group(draft)
            self._conditions(draft)
            return self._assemble(draft, self._order(draft, order), limit)
        finally:
            self._windows = saved_windows

    def _where(self, draft: Draft) -> None:
        node = draft.node.where
        if node is None:
            return
        if draft.source is None:
            raise SqlProblem("Query without FROM clause cannot have a WHERE clause", node.at)
        draft.scope.allows_aggregates = "WHERE clause"
        draft.where = f" WHERE {self.boolean(node, draft.scope, 'WHERE clause')}"
        self.mark_filters(node, draft.scope)
        draft.scope.allows_aggregates = ""
        draft.scope.loose.clear()

    # ---- the SELECT list ------------------------------------------------------------------

    def _expand(self, draft: Draft) -> list[Item]:
        items: list[Item] = []
        for each in draft.node.items:
            if isinstance(each, tree.SelectStar):
                items += self._star(each, draft)
                continue
            before = len(draft.scope.loose)
            value = self.expression(each.value, draft.scope)
            loose = tuple(draft.scope.loose[before:])
            del draft.scope.loose[before:]
            name = each.alias.text if each.alias is not None else implied_name(each.value)
            items.append(Item(name, value, each.value, each.at, loose))
        return items

    def _star(self, star: tree.SelectStar, draft: Draft) -> list[Item]:
        before = len(draft.scope.loose)
        columns = self._star_columns(star, draft)
        used = tuple(draft.scope.loose[before:])
        is_named = star.source is None or range_of(draft.scope, str(star.source)) is not None
        gone = {name.text.casefold() for name in star.without}
        known = {(column.name or "").casefold() for column in columns}
        for name in star.without:
            if name.text.casefold() not in known:
                raise SqlProblem(
                    f"Column {name.text} in SELECT * EXCEPT list does not exist", name.at
                )
        replaced = self._replacements(star, draft, known)
        items: list[Item] = []
        for column in columns:
            folded = (column.name or "").casefold()
            if folded in gone:
                continue
            if folded in replaced:
                item = replaced[folded]
                items.append(replace(item, name=column.name))
                continue
            use(column)
            loose = used
            if is_named and not self._is_key(column, draft):
                loose = ((column.name or "", star.at),)
            items.append(Item(column.name, column.value, None, star.at, loose))
        if not items:
            raise SqlProblem("SELECT * EXCEPT (...) leaves no columns", star.at)
        return items

    def _is_key(self, column: Column, draft: Draft) -> bool:
        keys = draft.scope.group_keys
        return keys is not None and column.value.sql in keys

    def _star_columns(self, star: tree.SelectStar, draft: Draft) -> list[Column]:
        if star.source is None:
            if draft.source is None:
                raise SqlProblem("SELECT * must have a FROM clause", star.at)
            return [column for column in draft.source.columns if not column.is_hidden]
        if isinstance(star.source, tree.Path) and len(star.source.names) == 1:
            found = range_of(draft.scope, star.source.names[0].text)
            if found is not None:
                return [column for column in found if not column.is_hidden]
        value = self.expression(star.source, draft.scope)
        if not value.type.is_struct:
            raise SqlProblem(f"Dot-star is not supported for type {value.type}", star.at)
        return [
            Column(name or None, member_at(value, index))
            for index, (name, _) in enumerate(value.type.fields)
        ]

    def _replacements(
        self, star: tree.SelectStar, draft: Draft, known: set[str]
    ) -> dict[str, Item]:
        out: dict[str, Item] = {}
        for each in star.replacing:
            assert each.alias is not None
            folded = each.alias.text.casefold()
            if folded not in known:
                raise SqlProblem(
                    f"Column {each.alias.text} in SELECT * REPLACE list does not exist",
                    each.alias.at,
                )
            before = len(draft.scope.loose)
            value = self.expression(each.value, draft.scope)
            loose = tuple(draft.scope.loose[before:])
            out[folded] = Item(each.alias.text, value, each.value, each.at, loose)
        return out

    # ---- grouping -------------------------------------------------------------------------

    def _group(self, draft: Draft) -> None:
        node, scope = draft.node, draft.scope
        has_aggregates = any(has_aggregate(each) for each in (node.items, node.having))
        draft.is_grouped = node.grouping is not None or has_aggregates
        if node.grouping is not None:
            scope.group_keys = set()
            draft.grouping = self._grouping(node.grouping, draft)
        elif draft.is_grouped:
            scope.group_keys = set()
        draft.items = self._expand(draft)
        if not draft.is_grouped:
            return
        for item in draft.items:
            if item.loose:
                name, at = item.loose[0]
                raise SqlProblem(
                    f"SELECT list expression references column {name} which is neither grouped "
                    "nor aggregated",
                    at,
                )

    def _grouping(self, grouping: tree.Grouping, draft: Draft) -> str:
        if grouping.kind == "ALL":
            return self._group_all(draft)
        if grouping.kind:
            sets = [tuple(self._key(each, draft) for each in one) for one in grouping.sets]
            body = ", ".join(f"({', '.join(one)})" for one in sets)
            word = {"SETS": "GROUPING SETS"}.get(grouping.kind, grouping.kind)
            return f" GROUP BY {word} ({body})"
        keys = [self._key(each, draft) for each in grouping.items]
        return f" GROUP BY {', '.join(keys)}"

    def _group_all(self, draft: Draft) -> str:
        keys: list[str] = []
        for each in draft.node.items:
            if isinstance(each, tree.SelectStar):
                keys += [column.value.sql for column in self._star_columns(each, draft)]
            elif not has_aggregate(each.value):
                keys.append(self._key(each.value, draft))
        assert draft.scope.group_keys is not None
        draft.scope.group_keys.update(keys)
        return f" GROUP BY {', '.join(keys)}" if keys else ""

    def _key(self, node: tree.Expr, draft: Draft) -> str:
        """One GROUP BY item: a position, an alias of the SELECT list, or an expression."""
        target = self._grouped_item(node, draft)
        saved, draft.scope.allows_aggregates = draft.scope.allows_aggregates, "GROUP BY"
        value = self.expression(target, draft.scope)
        draft.scope.allows_aggregates = saved
        draft.scope.loose.clear()
        if value.type.kind in ("ARRAY", "JSON", "STRUCT"):
            raise SqlProblem(
                f"Grouping by expressions of type {value.type.kind} is not allowed", node.at
            )
        assert draft.scope.group_keys is not None
        draft.scope.group_keys.add(value.sql)
        return value.sql

    def _grouped_item(self, node: tree.Expr, draft: Draft) -> tree.Expr:
        items = draft.node.items
        place = ordinal(node)
        if place is not None:
            if any(isinstance(each, tree.SelectStar) for each in items[:place]):
                return self._starred(place, node, draft)
            if not 1 <= place <= len(items):
                raise SqlProblem(f"GROUP BY is out of SELECT column number range: {place}", node.at)
            chosen = items[place - 1]
            assert isinstance(chosen, tree.SelectItem)
            if has_aggregate(chosen.value):
                raise SqlProblem(
                    f"Column {place} contains an aggregation function, which is not allowed in "
                    "GROUP BY",
                    node.at,
                )
            return chosen.value
        if isinstance(node, tree.Path) and len(node.names) == 1:
            wanted = node.names[0].text.casefold()
            for each in items:
                if (
                    isinstance(each, tree.SelectItem)
                    and each.alias is not None
                    and each.alias.text.casefold() == wanted
                    and not has_aggregate(each.value)
                ):
                    return each.value
        return node

    def _starred(self, place: int, node: tree.Expr, draft: Draft) -> tree.Expr:
        """A position behind a `*`: the column it expands to."""
        names: list[tree.Expr] = []
        for each in draft.node.items:
            if isinstance(each, tree.SelectStar):
                gone = {name.text.casefold() for name in each.without}
                names += [
                    tree.Path(node.at, (Name(column.name or "", node.at),))
                    for column in self._star_columns(each, draft)
                    if (column.name or "").casefold() not in gone
                ]
            else:
                names.append(each.value)
        if not 1 <= place <= len(names):
            raise SqlProblem(f"GROUP BY is out of SELECT column number range: {place}", node.at)
        return names[place - 1]

    # ---- HAVING, QUALIFY, ORDER BY --------------------------------------------------------

    def _conditions(self, draft: Draft) -> None:
        node, scope = draft.node, draft.scope
        scope.aliases = {
            item.name.casefold(): item.value
            for item in draft.items
            if item.name is not None and item.node is not None
        }
        if node.having is not None:
            if not draft.is_grouped:
                raise SqlProblem(
                    "The HAVING clause requires GROUP BY or aggregation to be present",
                    node.having.at,
                )
            draft.having = f" HAVING {self._checked(node.having, draft, 'HAVING clause')}"
        if node.qualify is not None:
            draft.qualify = f" QUALIFY {self._checked(node.qualify, draft, 'QUALIFY clause')}"

    def _checked(self, node: tree.Expr, draft: Draft, clause: str) -> str:
        draft.scope.loose.clear()
        sql = self.boolean(node, draft.scope, clause)
        if draft.is_grouped and draft.scope.loose:
            name, at = draft.scope.loose[0]
            raise SqlProblem(
                f"{clause} expression references column {name} which is neither grouped nor "
                "aggregated",
                at,
            )
        return sql

    def _order(self, draft: Draft, order: Sequence[tree.OrderItem]) -> str:
        if not order:
            return ""
        parts = [f"{self._order_value(item, draft)} {direction(item)}" for item in order]
        return f" ORDER BY {', '.join(parts)}"

    def _order_value(self, item: tree.OrderItem, draft: Draft) -> str:
        place = ordinal(item.value)
        if place is not None:
            if not 1 <= place <= len(draft.items):
                raise SqlProblem(f"ORDER BY is out of SELECT column number range: {place}", item.at)
            value = draft.items[place - 1].value
            return self._placed(item, value, place - 1, draft)
        found = self._aliased(item.value, draft)
        if found is not None:
            return self._placed(item, draft.items[found].value, found, draft)
        draft.scope.loose.clear()
        value = self.expression(item.value, draft.scope)
        same = next(
            (at for at, each in enumerate(draft.items) if each.value.sql == value.sql), None
        )
        if same is not None:
            return self._placed(item, value, same, draft)
        if draft.is_grouped and draft.scope.loose:
            name, at = draft.scope.loose[0]
            raise SqlProblem(
                f"ORDER BY clause expression references column {name} which is neither grouped nor "
                "aggregated",
                at,
            )
        if draft.node.is_distinct:
            raise SqlProblem(
                "ORDER BY clause expression references a column which is not visible after SELECT "
                "DISTINCT",
                item.at,
            )
        return self.sortable(item, value)

    def _aliased(self, node: tree.Expr, draft: Draft) -> int | None:
        if not isinstance(node, tree.Path) or len(node.names) != 1:
            return None
        wanted = node.names[0].text.casefold()
        found = [
            at for at, item in enumerate(draft.items) if (item.name or "").casefold() == wanted
        ]
        if len({draft.items[at].value.sql for at in found}) > 1:
            raise SqlProblem(f"Column name {node.names[0].text} is ambiguous", node.at)
        return found[0] if found else None

    def _placed(self, item: tree.OrderItem, value: Value, at: int, draft: Draft) -> str:
        """An output column by its place, which also holds for volatile expressions."""
        self.sortable(item, value)
        return value.sql if draft.node.mode else str(at + 1)

    # ---- windows --------------------------------------------------------------------------

    def window_sql(self, window: tree.Window, scope: Scope) -> str:
        """The inside of OVER (…), named windows put in place."""
        window = self._resolved(window)
        parts: list[str] = []
        if window.partition:
            keys = [self.expression(each, scope) for each in window.partition]
            for key, written in zip(keys, window.partition, strict=True):
                if key.type.kind in ("ARRAY", "STRUCT", "JSON"):
                    raise SqlProblem(
                        f"Partitioning by expressions of type {key.type.kind} is not allowed",
                        written.at,
                    )
            parts.append(f"PARTITION BY {', '.join(key.sql for key in keys)}")
        if window.order:
            parts.append(f"ORDER BY {self.order_sql(window.order, scope)}")
        if window.frame is not None:
            start, end = (
                self._bound(each, scope) for each in (window.frame.start, window.frame.end)
            )
            parts.append(f"{window.frame.unit} BETWEEN {start} AND {end}")
        return " ".join(parts)

    def _resolved(self, window: tree.Window) -> tree.Window:
        if window.base is None:
            return window
        base = self._windows.get(window.base.text.casefold())
        if base is None:
            hint = suggestion(window.base.text, self._windows)
            raise SqlProblem(f"Unrecognized window alias {window.base.text}{hint}", window.base.at)
        base = self._resolved(base)
        return tree.Window(
            window.at,
            None,
            window.partition or base.partition,
            window.order or base.order,
            window.frame or base.frame,
        )

    def _bound(self, bound: tuple[str, tree.Expr | None], scope: Scope) -> str:
        word, node = bound
        if node is None:
            return word
        return f"{self.expression(node, scope).sql} {word}"

    # ---- assembly -------------------------------------------------------------------------

    def _assemble(self, draft: Draft, order: str, limit: str) -> Relation:
        items = draft.items
        if draft.node.is_distinct:
            self._check_distinct(items)
        is_value = bool(draft.node.mode)
        if draft.node.mode == "STRUCT":
            members = [(item.name or "", item.value) for item in items]
            items = [Item(None, struct_value(members), None, draft.node.at)]
        elif draft.node.mode == "VALUE" and len(items) != 1:
            raise SqlProblem("SELECT AS VALUE query must have exactly one column", draft.node.at)
        keys = unique_keys([item.name for item in items])
        select = ", ".join(
            f"{item.value.sql} AS {quote(key)}" for item, key in zip(items, keys, strict=True)
        )
        distinct = "DISTINCT " if draft.node.is_distinct else ""
        source = f" FROM {draft.source.sql}" if draft.source is not None else ""
        sql = (
            f"SELECT {distinct}{select}{source}{draft.where}{draft.grouping}{draft.having}"
            f"{draft.qualify}{order}{limit}"
        )
        outputs = tuple(
            Output(item.name, key, item.value.type, item.value.origin, item.value.is_null)
            for item, key in zip(items, keys, strict=True)
        )
        return Relation(sql, outputs, is_value)

    def _check_distinct(self, items: Sequence[Item]) -> None:
        for item in items:
            if item.value.type.kind in ("ARRAY", "JSON"):
                raise SqlProblem(
                    f"Column {item.name or ''} of type {item.value.type.kind} cannot be used in "
                    "SELECT DISTINCT",
                    item.at,
                )
