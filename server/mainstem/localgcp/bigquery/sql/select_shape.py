"""Questions about a SELECT's syntax and names that need no analysis."""

from typing import Final

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.functions.registry import AGGREGATES
from mainstem.localgcp.bigquery.sql.tree import Name
from mainstem.localgcp.bigquery.sql.types import INT64
from mainstem.localgcp.bigquery.sql.values import Column, Scope

NOT_CALLS: Final = (tree.Query, Name)


def has_aggregate(node: object) -> bool:
    """Whether an aggregate without OVER is called here, subqueries left aside."""
    if isinstance(node, tree.Call):
        if node.name in AGGREGATES and node.over is None:
            return True
        return any(has_aggregate(each) for each in (*node.arguments, node.over))
    if isinstance(node, tuple):
        return any(has_aggregate(each) for each in node)
    if isinstance(node, NOT_CALLS):
        return False
    fields = getattr(node, "__dataclass_fields__", ())
    return any(has_aggregate(getattr(node, key)) for key in fields)


def range_of(scope: Scope, name: str) -> tuple[Column, ...] | None:
    level: Scope | None = scope
    while level is not None:
        found = level.find_range(name)
        if found is not None:
            return found.columns
        level = level.parent
    return None


def use(column: Column) -> None:
    origin = column.value.origin
    if origin is not None:
        origin.scan.columns.add(origin.column)


def ordinal(node: tree.Expr) -> int | None:
    """The position that a bare integer means in GROUP BY and ORDER BY."""
    if isinstance(node, tree.Literal) and node.type == INT64:
        return int(node.value, 0)
    return None


def implied_name(node: tree.Expr) -> str | None:
    """The name a column has without AS: the last one of a path."""
    if isinstance(node, tree.Path):
        return node.names[-1].text
    if isinstance(node, tree.Member):
        return node.name.text
    return None
