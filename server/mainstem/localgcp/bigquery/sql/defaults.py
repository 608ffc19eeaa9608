"""Column defaults: BigQuery's expression to what DuckDB keeps in the relation."""

from collections.abc import Iterable

from mainstem.localgcp.bigquery.sql.analyze_query import Analyzer
from mainstem.localgcp.bigquery.sql.coercion import can_coerce, coerce
from mainstem.localgcp.bigquery.sql.constants import BadConstant
from mainstem.localgcp.bigquery.sql.context import Context, Surroundings
from mainstem.localgcp.bigquery.sql.parse_query import parse_expression
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.types import Field
from mainstem.localgcp.bigquery.sql.values import Scope


def duckdb_default(member: Field) -> str:
    """The DuckDB expression of a column's default, which must not read tables or columns."""
    assert member.default_sql is not None
    try:
        node = parse_expression(member.default_sql)
        context = Context(Surroundings(None))
        value = Analyzer(context).expression(node, Scope(allows_aggregates="DEFAULT"))
        if not can_coerce(value, member.value_type()):
            raise SqlProblem(
                f"Invalid default value expression for column {member.name}: type {value.type} "
                f"cannot be coerced to {member.value_type()}",
                None,
            )
        return coerce(value, member.value_type()).sql
    except SqlProblem as problem:
        raise problem.resolve(member.default_sql) from None
    except BadConstant as error:
        raise SqlProblem(str(error), None).resolve(member.default_sql) from None


def duckdb_defaults(columns: Iterable[Field]) -> dict[str, str]:
    """The defaults of those columns that have one, by column name."""
    return {
        member.name: duckdb_default(member)
        for member in columns
        if member.default_sql is not None and member.default_sql.strip().upper() != "NULL"
    }
