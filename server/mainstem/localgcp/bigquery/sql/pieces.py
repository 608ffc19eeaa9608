"""Small pieces of expressions: sort directions, array elements, JSON subscripts, implied names."""

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.tree import Expr
from mainstem.localgcp.bigquery.sql.types import INT64, JSON, STRING
from mainstem.localgcp.bigquery.sql.values import Value


def direction(item: tree.OrderItem) -> str:
    """ASC puts NULL first and DESC puts it last unless the query says otherwise."""
    nulls = item.nulls or ("LAST" if item.is_descending else "FIRST")
    return f"{'DESC' if item.is_descending else 'ASC'} NULLS {nulls}"


def implied_member(node: Expr) -> str:
    if isinstance(node, tree.Path):
        return node.names[-1].text
    if isinstance(node, tree.Member):
        return node.name.text
    return ""


def element_sql(array: str, key: str, mode: str) -> str:
    position = key if "ORDINAL" not in mode else f"({key} - 1)"
    if mode.startswith("SAFE"):
        return f"{array}[CASE WHEN {position} >= 0 THEN {position} + 1 END]"
    return f"{array}[bq_index(len({array}), {position})]"


def json_index(value: Value, key: Value, at: int) -> Value:
    if key.type == INT64:
        sql = f"json_extract({value.sql}, '$[' || {key.sql} || ']')"
    elif key.type == STRING:
        sql = f"json_extract({value.sql}, '$.\"' || replace({key.sql}, '\"', '\\\"') || '\"')"
    else:
        raise SqlProblem(f"JSON subscript must be INT64 or STRING, not {key.type}", at)
    return Value(sql, JSON)
